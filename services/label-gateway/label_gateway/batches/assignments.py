"""The SQL of who hears what.

`db` is the pool, or the connection of a transaction.
"""

from collections.abc import Mapping, Sequence
from uuid import UUID

import asyncpg

from label_gateway.batches.sharing import Before
from label_gateway.batches.store import BatchAudio

Part = tuple[UUID, int]
"""An audio of a batch, and a group that hears it."""


async def lock_batch(db: asyncpg.Connection, iteration_id: UUID) -> None:
    """Let one transaction at a time give out this batch."""
    await db.execute("SELECT pg_advisory_xact_lock(hashtextextended($1, 0))", f"label.batch.{iteration_id}")


async def lock_assignments(db: asyncpg.Connection, iteration_id: UUID) -> None:
    """Let submissions wait until this transaction ends; what was submitted before can be seen after this."""
    await db.execute(
        "SELECT FROM label.assignments WHERE iteration_id = $1 ORDER BY audio_id, group_id FOR UPDATE",
        iteration_id,
    )


async def open_batches(db: asyncpg.Pool) -> list[UUID]:
    """Batches that are proposed and not closed, the oldest first."""
    rows = await db.fetch(
        "SELECT iteration_id FROM al.al_preprocessing i WHERE status = 'proposed' AND NOT EXISTS ("
        " SELECT FROM label.closed_iterations c WHERE c.iteration_id = i.iteration_id) ORDER BY proposed_at"
    )
    return [row["iteration_id"] for row in rows]


async def is_proposed(db: asyncpg.Pool, iteration_id: UUID) -> bool:
    """Whether al-engine has proposed the batch, whatever has become of it since."""
    return await db.fetchval(
        "SELECT EXISTS (SELECT FROM al.al_preprocessing WHERE iteration_id = $1 AND proposed_at IS NOT NULL)",
        iteration_id,
    )


async def is_closed(db: asyncpg.Connection, iteration_id: UUID) -> bool:
    """Whether nobody labels the batch any longer."""
    return await db.fetchval(
        "SELECT EXISTS (SELECT FROM label.closed_iterations WHERE iteration_id = $1)", iteration_id
    )


async def proposed_audios(db: asyncpg.Connection, iteration_id: UUID) -> dict[UUID, Before]:
    """The audios of the batch, best rank first, and what has become of each."""
    rows = await db.fetch(
        "SELECT audio_id, array(SELECT group_id FROM label.assignments a"
        "  WHERE (a.iteration_id, a.audio_id) = (w.iteration_id, w.audio_id)) AS groups,"
        " array(SELECT DISTINCT group_id FROM label.submissions s"
        "  WHERE (s.iteration_id, s.audio_id) = (w.iteration_id, w.audio_id)"
        "  AND group_id IS NOT NULL) AS answered,"
        " t.audio_id IS NOT NULL AS settled, h.audio_id IS NULL AS withheld"
        " FROM al.wavs_proposed w LEFT JOIN label.agreements t USING (iteration_id, audio_id)"
        " LEFT JOIN al.hearable_proposals h USING (iteration_id, audio_id)"
        " WHERE iteration_id = $1 ORDER BY w.rank",
        iteration_id,
    )
    return {
        row["audio_id"]: Before(
            frozenset(row["groups"]), frozenset(row["answered"]), row["settled"], row["withheld"]
        )
        for row in rows
    }


async def staffed_groups(db: asyncpg.Connection) -> dict[int, str]:
    """Group -> name, of the groups in which somebody is there to listen."""
    rows = await db.fetch(
        "SELECT group_id, name FROM label.groups g WHERE EXISTS ("
        " SELECT FROM audio.labelers l WHERE l.group_id = g.group_id AND l.enabled) ORDER BY group_id"
    )
    return {row["group_id"]: row["name"] for row in rows}


def changes(
    before: Mapping[UUID, Before], shares: Mapping[int, Sequence[UUID]]
) -> tuple[set[Part], set[Part]]:
    """What groups get that they do not have, and what they have and lose. What was settled before it was
    withheld stays as it is."""
    has = {
        (audio_id, group_id)
        for audio_id, had in before.items()
        if not (had.withheld and had.settled)
        for group_id in had.groups
    }
    gets = {(audio_id, group_id) for group_id, audios in shares.items() for audio_id in audios}
    return gets - has, has - gets


async def change(db: asyncpg.Connection, iteration_id: UUID, given: set[Part], lost: set[Part]) -> None:
    """Give and withdraw these parts of the batch; each group hears what it has in the order of ranks.

    `db` is a transaction that holds `lock_assignments`.
    """
    await _move(db, iteration_id, given, lost)
    await db.execute(
        "UPDATE label.assignments a SET place = ordered.place FROM ("
        " SELECT audio_id, group_id, row_number() OVER (PARTITION BY group_id ORDER BY w.rank) AS place"
        " FROM label.assignments JOIN al.wavs_proposed w USING (iteration_id, audio_id)"
        " WHERE iteration_id = $1) ordered"
        " WHERE a.iteration_id = $1 AND (a.audio_id, a.group_id) = (ordered.audio_id, ordered.group_id)"
        " AND a.place <> ordered.place",
        iteration_id,
    )


async def _move(db: asyncpg.Connection, iteration_id: UUID, given: set[Part], lost: set[Part]) -> None:
    """What is given comes last in its group."""
    withdrawn = [(iteration_id, *part) for part in sorted(lost)]
    await db.executemany(
        "DELETE FROM label.assignments WHERE (iteration_id, audio_id, group_id) = ($1, $2, $3)", withdrawn
    )
    await db.executemany(
        "INSERT INTO label.withdrawals (iteration_id, audio_id, group_id) VALUES ($1, $2, $3)"
        " ON CONFLICT DO NOTHING",
        withdrawn,
    )
    added = [(iteration_id, *part) for part in sorted(given)]
    await db.executemany(
        "DELETE FROM label.withdrawals WHERE (iteration_id, audio_id, group_id) = ($1, $2, $3)", added
    )
    await db.executemany(
        "INSERT INTO label.assignments (iteration_id, audio_id, group_id, place) SELECT $1, $2, $3,"
        " 1 + coalesce((SELECT max(place) FROM label.assignments"
        "               WHERE (iteration_id, group_id) = ($1, $3)), 0)",
        added,
    )


async def take_back(db: asyncpg.Connection, audio: BatchAudio, group: str) -> bool:
    """Give the audio back to a group from which it was withdrawn, if nobody has answered it meanwhile.

    `db` is a transaction that holds `lock_audio`. False: the group never had it, or another has answered.
    """
    group_id = await db.fetchval(
        "SELECT group_id FROM label.withdrawals t JOIN label.groups g USING (group_id)"
        " WHERE (iteration_id, audio_id, g.name) = ($1, $2, $3) AND NOT EXISTS ("
        " SELECT FROM label.submissions s"
        " WHERE (s.iteration_id, s.audio_id) = (t.iteration_id, t.audio_id))",
        audio.iteration_id,
        audio.audio_id,
        group,
    )
    if group_id is None:
        return False
    others = await db.fetch(
        "SELECT group_id FROM label.assignments WHERE (iteration_id, audio_id) = ($1, $2)",
        audio.iteration_id,
        audio.audio_id,
    )
    lost = {(audio.audio_id, other["group_id"]) for other in others}
    await _move(db, audio.iteration_id, {(audio.audio_id, group_id)}, lost)
    return True
