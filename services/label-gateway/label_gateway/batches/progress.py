"""How far every batch is."""

from datetime import datetime
from uuid import UUID

import asyncpg
from pydantic import BaseModel, Field


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
