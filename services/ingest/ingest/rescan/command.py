"""`escolta rescan`: the operator's, with the account of ingest, after a restore."""

import asyncio
import sys
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from escolta.errors import Rejected
from escolta.service import OpenPlatform
from ingest.rescan.rescanning import Rescan


def rescan(
    context: typer.Context,
    state_dir: Annotated[
        Path | None, typer.Option(help="of an installation on this machine, such as a demo")
    ] = None,
) -> None:
    """Make the rows that the catalog lacks again from the objects in the store; can be run again."""
    asyncio.run(_rescan(context.obj, state_dir))


async def _rescan(open_platform: OpenPlatform, state_dir: Path | None) -> None:
    say = partial(print, flush=True)
    async with open_platform(state_dir=state_dir) as on:
        walk = Rescan(on, say, complain=partial(print, file=sys.stderr))
        await walk.walk()
    say(str(walk.found))
    if walk.found.left:
        raise Rejected(
            f"{walk.found.left} objects could not become rows: each is named above, with the reason"
        )
