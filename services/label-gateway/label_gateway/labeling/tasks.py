"""What a labeler has to hear, and how far everybody is."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import asyncpg
from pydantic import BaseModel, Field


class Task(BaseModel):
    """An audio for one labeler to label."""

    iteration_id: UUID
    audio_id: UUID
    file_name: str
    duration_s: float
    rate_hz: int
    place: int = Field(description="its place in the group's part of the batch, from 1")
    of: int = Field(description="audios in that part")


class Workload(BaseModel):
    """How much one labeler has done."""

    waiting: int = Field(description="audios still to label")
    done: int = Field(description="audios labeled, in all batches")


@dataclass(frozen=True)
class StoredAudio:
    """Where a recording lies in the object store, and the digest of its bytes."""

    object_key: str
    sha256: bytes


class GroupProgress(BaseModel):
    """How far a group is with its part of a batch."""

    name: str
    audios: int
    done: int = Field(description="audios with which the whole group is done")


class BatchProgress(BaseModel):
    """How far a batch is. One that no group has yet, for want of labelers, has no groups."""

    iteration_id: UUID
    proposed_at: datetime | None
    audios: int
    finished: int = Field(description="audios on which their group agreed, or could not")
    closed: bool
    groups: list[GroupProgress]


# Of the assignments `a`, those that labeler `l` has to hear: not settled, and not labeled by `l` yet. Only
# open batches are looked at, so that this costs the same after years.
_WAITING = """
    a.iteration_id IN (SELECT iteration_id FROM al.al_preprocessing WHERE status = 'proposed')
    AND NOT EXISTS (SELECT FROM label.agreements t
                WHERE (t.iteration_id, t.audio_id) = (a.iteration_id, a.audio_id))
    AND NOT EXISTS (SELECT FROM label.submissions s
                    WHERE (s.iteration_id, s.audio_id, s.labeler_id)
                        = (a.iteration_id, a.audio_id, l.labeler_id))
"""


async def next_tasks(db: asyncpg.Pool, labeler_id: int, limit: int) -> list[Task]:
    """The next `limit` audios that the labeler has to hear, oldest batch first, in the group's order."""
    rows = await db.fetch(
        "SELECT iteration_id, audio_id, f.file_name, f.duration_s, f.rate_hz, a.place,"
        " (SELECT count(*) FROM label.assignments o"
        "  WHERE (o.iteration_id, o.group_id) = (a.iteration_id, a.group_id)) AS of"
        " FROM audio.labelers l JOIN label.assignments a USING (group_id)"
        " JOIN al.wavs_proposed w USING (iteration_id, audio_id)"
        " JOIN al.al_preprocessing i USING (iteration_id)"
        " JOIN audio.audios f USING (audio_id, start_utc)"
        f" WHERE l.labeler_id = $1 AND {_WAITING}"
        " ORDER BY i.proposed_at, iteration_id, a.place LIMIT $2",
        labeler_id,
        limit,
    )
    return [Task(**row) for row in rows]


async def workload(db: asyncpg.Pool, labeler_id: int) -> Workload:
    """What the labeler has done and has still to do."""
    row = await db.fetchrow(
        "SELECT (SELECT count(*) FROM audio.labelers l JOIN label.assignments a USING (group_id)"
        f"        WHERE l.labeler_id = $1 AND {_WAITING}) AS waiting,"
        " (SELECT count(*) FROM label.submissions WHERE labeler_id = $1) AS done",
        labeler_id,
    )
    return Workload(**row)


async def waiting_for_all(db: asyncpg.Pool) -> int:
    """Audios to hear, summed over the labelers who are enabled."""
    return await db.fetchval(
        "SELECT count(*) FROM audio.labelers l JOIN label.assignments a USING (group_id)"
        f" WHERE l.enabled AND {_WAITING}"
    )


async def may_hear(db: asyncpg.Pool, labeler_id: int, audio_id: UUID) -> bool:
    """Whether the audio was ever given to the labeler's group."""
    return await db.fetchval(
        "SELECT EXISTS (SELECT FROM al.wavs_proposed w"
        " JOIN label.assignments USING (iteration_id, audio_id) JOIN audio.labelers USING (group_id)"
        " WHERE labeler_id = $1 AND w.audio_id = $2)",
        labeler_id,
        audio_id,
    )


async def stored_audio(db: asyncpg.Pool, audio_id: UUID) -> StoredAudio | None:
    """Where the recording lies; None for an audio that the catalog does not know."""
    row = await db.fetchrow(
        "SELECT p.path || f.object_name AS object_key, f.sha256"
        " FROM audio.audios f JOIN audio.paths p USING (path_id) WHERE f.audio_id = $1",
        audio_id,
    )
    return StoredAudio(**row) if row else None


async def progress(db: asyncpg.Pool) -> list[BatchProgress]:
    """Every batch, oldest first."""
    batches = await db.fetch(
        "SELECT iteration_id, proposed_at,"
        " (SELECT count(*) FROM al.wavs_proposed w WHERE w.iteration_id = i.iteration_id) AS audios,"
        " (SELECT count(*) FROM label.agreements t WHERE t.iteration_id = i.iteration_id) AS finished,"
        " EXISTS (SELECT FROM label.closed_iterations c WHERE c.iteration_id = i.iteration_id) AS closed"
        " FROM al.al_preprocessing i WHERE status IN ('proposed', 'closed')"
        " ORDER BY proposed_at, iteration_id"
    )
    parts = await db.fetch(
        "SELECT iteration_id, g.name, count(*) AS audios, count(t.audio_id) AS done"
        " FROM label.assignments a JOIN label.groups g USING (group_id)"
        " LEFT JOIN label.agreements t USING (iteration_id, audio_id)"
        " GROUP BY iteration_id, group_id, g.name ORDER BY group_id"
    )
    groups: dict[UUID, list[GroupProgress]] = {}
    for part in parts:
        row = dict(part)
        groups.setdefault(row.pop("iteration_id"), []).append(GroupProgress(**row))
    return [BatchProgress(**row, groups=groups.get(row["iteration_id"], [])) for row in batches]
