"""Scores of patches go month by month. A month is emptied, not taken away: an audio of it may still come."""

from collections.abc import Callable
from datetime import datetime
from functools import partial

import asyncpg

from escolta.catalog.migrating import again_and_again

LOCK_TIMEOUT_MS = 250
"""As for a migration: who waits for a table keeps all who come after from it."""
BEFORE_MONTHS = "audio.patch_scores"
"""What the version before wrote, in one table."""

Say = Callable[[str], None]

_MONTHS = """
    SELECT right(inhrelid::regclass::text, 7) AS month FROM pg_inherits
    WHERE inhparent = 'audio.patches'::regclass ORDER BY 1
"""


async def too_old(db: asyncpg.Connection, before: datetime) -> list[str]:
    """The tables with scores of audios that all begin, and entered the catalog, before this moment."""
    found = []
    for row in await db.fetch(_MONTHS):
        table, audios = f"audio.patches_{row['month']}", f"audio.audios_{row['month']}"
        if await _holds(db, table) and not await db.fetchval(
            f"SELECT EXISTS (SELECT FROM {audios} WHERE cataloged_at >= $1 OR start_utc >= $1)", before
        ):
            found.append(table)
    if await _holds(db, BEFORE_MONTHS) and not await db.fetchval(
        f"SELECT EXISTS (SELECT FROM {BEFORE_MONTHS} WHERE start_utc >= $1)", before, timeout=3600
    ):
        found.append(BEFORE_MONTHS)
    return found


async def size(db: asyncpg.Connection, table: str) -> int:
    """Bytes on the disk, with what belongs to it."""
    return await db.fetchval("SELECT pg_total_relation_size($1::text::regclass)", table)


async def empty(db: asyncpg.Connection, table: str, say: Say) -> None:
    """Empty it as a whole; its disk is free at once. `Transient` where others hold it for half an hour."""
    await db.execute(f"SET lock_timeout = {LOCK_TIMEOUT_MS}")
    try:
        await again_and_again(table, partial(db.execute, f"TRUNCATE {table}"), say)
    finally:
        await db.execute("RESET lock_timeout")


async def _holds(db: asyncpg.Connection, table: str) -> bool:
    return await db.fetchval(f"SELECT EXISTS (SELECT FROM {table})")
