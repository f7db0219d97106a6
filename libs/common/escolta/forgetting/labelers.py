"""A labeler's name goes, and with `labels` all that they have said; what groups have agreed on stays."""

import asyncpg

from escolta.audit import at_the_terminal, note
from escolta.errors import Rejected

_SAID = ("audio.chunks", "label.submissions")


async def labeler_named(db: asyncpg.Connection, name: str) -> int:
    """The labeler's id. Raises `Rejected` where nobody is called so."""
    labeler_id = await db.fetchval("SELECT labeler_id FROM audio.labelers WHERE name = $1", name)
    if labeler_id is None:
        raise Rejected(f"Nobody is called {name!r}: the page Account shows who there is.")
    return labeler_id


async def counted(db: asyncpg.Connection, labeler_id: int) -> tuple[int, int]:
    """Events that the labeler has marked, and audios that they have answered."""
    events, answers = [
        await db.fetchval(f"SELECT count(*) FROM {table} WHERE labeler_id = $1", labeler_id)
        for table in _SAID
    ]
    return events, answers


async def forget(db: asyncpg.Connection, labeler_id: int, *, labels: bool) -> str:
    """Sign them out for good, and take their name away; returns what stands in its place."""
    name = f"a former labeler ({labeler_id})"
    async with db.transaction():
        await db.execute("DELETE FROM label.sessions WHERE labeler_id = $1", labeler_id)
        await db.execute("DELETE FROM label.sign_in_links WHERE labeler_id = $1", labeler_id)
        await db.execute(
            "DELETE FROM label.bat_annotations WHERE bat_user ="
            " (SELECT bat_user FROM label.bat_users WHERE labeler_id = $1)",
            labeler_id,
        )
        await db.execute("DELETE FROM label.bat_users WHERE labeler_id = $1", labeler_id)
        await db.execute(
            "UPDATE audio.labelers SET name = $2, group_id = NULL, enabled = false WHERE labeler_id = $1",
            labeler_id,
            name,
        )
        if labels:
            for table in _SAID:
                await db.execute(f"DELETE FROM {table} WHERE labeler_id = $1", labeler_id)
        await note(db, "forget", at_the_terminal(), "deleted", f"the name of labeler {labeler_id}")
    return name
