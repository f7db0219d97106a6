"""What a labeler said last, to be looked at and, until its group is done with it, said otherwise."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import asyncpg
from pydantic import BaseModel, Field

from label_gateway.labeling.tasks import SUGGESTED, Task, suggestions


class Said(BaseModel):
    """One sound that the labeler marked, in seconds from the audio's start."""

    class_id: int
    onset_s: float
    offset_s: float


class LastAudio(Task):
    """An audio that the labeler is done with, as they had it, and what they said of it."""

    submitted_at: datetime
    settled: bool = Field(description="the group is done with it: what was said stays")
    events: Sequence[Said]


async def last_audios(db: asyncpg.Pool, labeler_id: int, limit: int) -> list[LastAudio]:
    """The `limit` audios of open batches that the labeler submitted last, the newest first."""
    rows = await db.fetch(_LAST, labeler_id, limit)
    marked = await db.fetch(
        "SELECT iteration_id, audio_id, class_id, onset_s, offset_s FROM audio.chunks"
        " WHERE labeler_id = $1 AND (iteration_id, audio_id) IN"
        " (SELECT * FROM unnest($2::uuid[], $3::uuid[]))"
        " ORDER BY onset_s, class_id",
        labeler_id,
        [row["iteration_id"] for row in rows],
        [row["audio_id"] for row in rows],
    )
    said: dict[tuple[UUID, UUID], list[Said]] = {}
    for iteration_id, audio_id, *event in marked:
        class_id, onset_s, offset_s = event
        sound = Said(class_id=class_id, onset_s=onset_s, offset_s=offset_s)
        said.setdefault((iteration_id, audio_id), []).append(sound)
    return [
        LastAudio(
            **{**row, "suggested": suggestions(row["suggested"])},
            events=said.get((row["iteration_id"], row["audio_id"]), []),
        )
        for row in rows
    ]


# Only open batches are looked at, so that this costs the same after years. What may no longer be heard is
# left out, and what was given to another group since.
_LAST = f"""
    WITH task AS MATERIALIZED (
        SELECT s.iteration_id, s.audio_id, s.submitted_at, w.start_utc, i.suggestions, a.place, a.group_id
        FROM al.al_preprocessing i JOIN label.submissions s USING (iteration_id)
        JOIN audio.labelers l USING (labeler_id)
        JOIN label.assignments a ON (a.iteration_id, a.audio_id, a.group_id)
                                  = (s.iteration_id, s.audio_id, l.group_id)
        JOIN al.hearable_proposals w ON (w.iteration_id, w.audio_id) = (s.iteration_id, s.audio_id)
        WHERE l.labeler_id = $1 AND i.status = 'proposed'
        ORDER BY s.submitted_at DESC LIMIT $2)
    SELECT task.iteration_id, task.audio_id, f.file_name, f.duration_s, f.rate_hz, f.channels_heard, place,
           (SELECT count(*) FROM label.assignments o
            WHERE (o.iteration_id, o.group_id) = (task.iteration_id, task.group_id)) AS of,
           submitted_at, {SUGGESTED},
           EXISTS (SELECT FROM label.agreements t
                   WHERE (t.iteration_id, t.audio_id) = (task.iteration_id, task.audio_id))
           OR EXISTS (SELECT FROM label.closed_iterations c
                      WHERE c.iteration_id = task.iteration_id) AS settled
    FROM task CROSS JOIN LATERAL (
        SELECT file_name, duration_s, rate_hz, channels_heard FROM audio.hearable AS f
        WHERE f.audio_id = task.audio_id AND f.start_utc = task.start_utc LIMIT 1) AS f
    ORDER BY submitted_at DESC
"""
