"""`escolta node keep`: for how long the sounds of a node are kept. The operator's, who has them dropped."""

import asyncio
from typing import Annotated

import typer

from escolta.audit import at_the_terminal, note
from escolta.errors import Misconfigured, Rejected
from escolta.service import OpenPlatform

LONGEST_DAYS = 36_500


def keep(
    context: typer.Context,
    name: Annotated[str, typer.Argument()],
    days: Annotated[
        int | None,
        typer.Option(min=0, max=LONGEST_DAYS, help="after so many days they are dropped; 0: never"),
    ] = None,
    as_others: Annotated[
        bool, typer.Option("--as-others", help="as ESCOLTA_KEEP_AUDIO_DAYS says of all nodes")
    ] = False,
) -> None:
    """Say for how many days the sounds of a node are kept; `escolta retain` drops what is older."""
    if (days is not None) == as_others:
        raise Misconfigured("say how long: --days N (0: for good), or --as-others")
    asyncio.run(_keep(context.obj, name, days))


async def _keep(open_platform: OpenPlatform, name: str, days: int | None) -> None:
    async with open_platform(bus=False) as on, on.catalog.acquire() as db, db.transaction():
        if not await db.fetchval(
            "UPDATE audio.nodes SET keep_audio_days = $2 WHERE name = $1 RETURNING true", name, days
        ):
            raise Rejected(f"No node is called {name!r}: `escolta node list` shows all.")
        await note(
            db, "ingest", at_the_terminal(), "changed how long sounds are kept", f"{name}: {how_long(days)}"
        )
    print(f"{name}: its sounds are kept {how_long(days)}. What is dropped already does not come back.")


def how_long(days: int | None) -> str:
    """How long, in words. None: the node says nothing of its own."""
    return "as those of others" if days is None else f"{days} days" if days else "for good"
