"""The SQL of who hears what.

`db` is the pool, or the connection of a transaction.
"""

from collections.abc import Mapping, Sequence
from uuid import UUID

import asyncpg


async def lock_batch(db: asyncpg.Connection, iteration_id: UUID) -> None:
    """Let one transaction at a time give out this batch."""
    await db.execute("SELECT pg_advisory_xact_lock(hashtextextended($1, 0))", f"label.batch.{iteration_id}")


async def is_given_out(db: asyncpg.Connection, iteration_id: UUID) -> bool:
    """Whether the batch has assignments."""
    return await db.fetchval(
        "SELECT EXISTS (SELECT FROM label.assignments WHERE iteration_id = $1)", iteration_id
    )


async def proposed_audios(db: asyncpg.Connection, iteration_id: UUID) -> list[UUID]:
    """The audios of the batch, best rank first."""
    rows = await db.fetch(
        "SELECT audio_id FROM al.wavs_proposed WHERE iteration_id = $1 ORDER BY rank", iteration_id
    )
    return [row["audio_id"] for row in rows]


async def staffed_groups(db: asyncpg.Connection) -> dict[int, str]:
    """Group -> name, of the groups in which somebody is there to listen."""
    rows = await db.fetch(
        "SELECT group_id, name FROM label.groups g WHERE EXISTS ("
        " SELECT FROM audio.labelers l WHERE l.group_id = g.group_id AND l.enabled) ORDER BY group_id"
    )
    return {row["group_id"]: row["name"] for row in rows}


async def give_out(db: asyncpg.Connection, iteration_id: UUID, shares: Mapping[int, Sequence[UUID]]) -> None:
    """Keep which group hears which audios, each group in its own order."""
    await db.executemany(
        "INSERT INTO label.assignments (iteration_id, audio_id, group_id, place) VALUES ($1, $2, $3, $4)",
        [
            (iteration_id, audio_id, group_id, place)
            for group_id, audios in shares.items()
            for place, audio_id in enumerate(audios, start=1)
        ],
    )


async def batches_to_give_out(db: asyncpg.Pool) -> list[UUID]:
    """Proposed batches that no group has."""
    rows = await db.fetch(
        "SELECT iteration_id FROM al.al_preprocessing i WHERE status = 'proposed' AND NOT EXISTS ("
        " SELECT FROM label.assignments a WHERE a.iteration_id = i.iteration_id) ORDER BY proposed_at"
    )
    return [row["iteration_id"] for row in rows]
