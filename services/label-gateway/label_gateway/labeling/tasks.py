"""What a labeler has to hear, and how much that is."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

import asyncpg
from pydantic import BaseModel, Field

from label_gateway.batches.waiting import WAITING


class Suggestion(BaseModel):
    """A class that an audio probably has."""

    class_id: int
    name: str


class Task(BaseModel):
    """An audio for one labeler to label."""

    iteration_id: UUID
    audio_id: UUID
    file_name: str
    duration_s: float
    rate_hz: int
    channels_heard: str | None = Field(description="which channels are heard, and why; none: all")
    place: int = Field(description="its place in the group's part of the batch, from 1")
    of: int = Field(description="audios in that part")
    suggested: list[Suggestion] = Field(
        description="classes that it probably has, the likeliest first; none where its batch shows none"
    )


class Workload(BaseModel):
    """How much one labeler has done."""

    waiting: int = Field(description="audios still to label")
    done: int = Field(description="audios labeled, in all batches")


@dataclass(frozen=True)
class StoredAudio:
    """Where a recording lies in the object store, and the digest of its bytes."""

    object_key: str
    sha256: bytes


async def next_tasks(db: asyncpg.Pool, labeler_id: int, limit: int) -> list[Task]:
    """The next `limit` audios that the labeler has to hear, oldest batch first, in the group's order."""
    rows = await db.fetch(_NEXT, labeler_id, limit)
    return [Task(**{**row, "suggested": suggestions(row["suggested"])}) for row in rows]


def suggestions(classes: Sequence[tuple[int, str]]) -> list[Suggestion]:
    """What the column `SUGGESTED` gives."""
    return [Suggestion(class_id=class_id, name=name) for class_id, name in classes]


SUGGESTED = """
    array(SELECT (class_id, c.name)
          FROM al.wavs_proposed p CROSS JOIN unnest(p.suggested) WITH ORDINALITY s (class_id, likely)
          JOIN audio.ontology c USING (class_id)
          WHERE (p.iteration_id, p.audio_id) = (task.iteration_id, task.audio_id)
          AND task.suggestions = 'shown' ORDER BY likely) AS suggested
"""
"""Of a `task` with its batch's `suggestions`: the classes that are shown with it."""


# The few audios that come next are looked up at the end, each in its month: joined with the rest, every audio
# that waits would be looked for in every month.
_NEXT = f"""
    WITH task AS MATERIALIZED (
        SELECT a.iteration_id, a.audio_id, w.start_utc, i.proposed_at, i.suggestions, a.place, a.group_id
        FROM audio.labelers l JOIN label.assignments a USING (group_id)
        JOIN al.hearable_proposals w USING (iteration_id, audio_id)
        JOIN al.al_preprocessing i USING (iteration_id)
        WHERE l.labeler_id = $1 AND {WAITING}
        ORDER BY i.proposed_at, a.iteration_id, a.place LIMIT $2)
    SELECT iteration_id, audio_id, f.file_name, f.duration_s, f.rate_hz, f.channels_heard, place,
           (SELECT count(*) FROM label.assignments o
            WHERE (o.iteration_id, o.group_id) = (task.iteration_id, task.group_id)) AS of,
           {SUGGESTED}
    FROM task CROSS JOIN LATERAL (
        SELECT file_name, duration_s, rate_hz, channels_heard FROM audio.hearable AS f
        WHERE f.audio_id = task.audio_id AND f.start_utc = task.start_utc LIMIT 1) AS f
    ORDER BY proposed_at, iteration_id, place
"""


async def workload(db: asyncpg.Pool, labeler_id: int) -> Workload:
    """What the labeler has done and has still to do."""
    row = await db.fetchrow(
        "SELECT (SELECT count(*) FROM audio.labelers l JOIN label.assignments a USING (group_id)"
        f"        WHERE l.labeler_id = $1 AND {WAITING}) AS waiting,"
        " coalesce((SELECT audios FROM label.submission_counts WHERE labeler_id = $1), 0) AS done",
        labeler_id,
    )
    return Workload(**row)


async def may_hear(db: asyncpg.Pool, labeler_id: int, audio_id: UUID) -> bool:
    """Whether the audio may be heard and was ever given to the labeler's group, also if it was withdrawn."""
    return await db.fetchval(
        "SELECT EXISTS (SELECT FROM al.hearable_proposals w JOIN ("
        "  SELECT iteration_id, audio_id, group_id FROM label.assignments"
        "  UNION ALL SELECT iteration_id, audio_id, group_id FROM label.withdrawals) ever"
        " USING (iteration_id, audio_id) JOIN audio.labelers USING (group_id)"
        " WHERE labeler_id = $1 AND w.audio_id = $2)",
        labeler_id,
        audio_id,
    )


async def stored_audio(db: asyncpg.Pool, audio_id: UUID) -> StoredAudio | None:
    """Where the recording lies; None for an audio that the catalog does not know, or that may not be heard.

    One that was ever proposed has its start there, which leads to its month; a lead may hear any other too.
    """
    row = await db.fetchrow(f"{_STORED} AND f.start_utc = ({_START})", audio_id)
    row = row or await db.fetchrow(_STORED, audio_id)
    return StoredAudio(**row) if row else None


_START = "SELECT min(start_utc) FROM al.wavs_proposed WHERE audio_id = $1"
_STORED = (
    "SELECT p.path || f.object_name AS object_key, f.sha256"
    " FROM audio.hearable f JOIN audio.paths p USING (path_id) WHERE f.audio_id = $1"
)
