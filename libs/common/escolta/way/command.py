"""`escolta audio`: the operator's, with the account that owns the catalog: no service reads all of it."""

import asyncio
from datetime import UTC
from typing import Annotated
from uuid import UUID

import asyncpg
import typer

from escolta.errors import Misconfigured, Rejected
from escolta.service import OpenPlatform
from escolta.way.steps import Step, steps


def audio(
    context: typer.Context,
    audio_id: Annotated[UUID, typer.Argument(help="as pages, logs and exports have it")],
) -> None:
    """Tell the way of an audio through all services, from the rows that it left."""
    for line in asyncio.run(_lines(context.obj, audio_id)):
        print(line)


async def _lines(open_platform: OpenPlatform, audio_id: UUID) -> list[str]:
    async with open_platform(bus=False) as on, on.catalog.acquire() as db:
        try:
            found = await steps(db, audio_id)
        except asyncpg.InsufficientPrivilegeError:
            raise Misconfigured(
                "ESCOLTA_CATALOG_URL: this account may not read all that is asked for: use the one that owns"
                " the catalog, as for `escolta migrate`"
            ) from None
    if not found:
        raise Rejected(
            f"the catalog knows of no audio {audio_id}: it is still at its node, or was never recorded here"
        )
    return [_line(step) for step in found]


def _line(step: Step) -> str:
    at = f"{step.at.astimezone(UTC):%Y-%m-%d %H:%M:%S}" if step.at else ""
    return f"{at:19}  {step.what:12}  {step.how}"
