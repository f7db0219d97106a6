"""How far every batch is, for whom it waits, and what to do where it stands still."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

import asyncpg
from pydantic import BaseModel, Field

from label_gateway.batches.waiting import WAITING

STILL_AFTER = timedelta(days=3)
"""A weekend is no reason to worry."""


class GroupProgress(BaseModel):
    """How far a group is with its part of a batch."""

    name: str
    audios: int
    done: int = Field(description="audios with which the whole group is done")


class Awaited(BaseModel):
    """Somebody whose answers a batch waits for."""

    name: str
    group: str
    audios: int = Field(description="audios that this labeler has still to hear")


class BatchProgress(BaseModel):
    """How far a batch is. One that no group has yet, for want of labelers, has no groups."""

    iteration_id: UUID
    proposed_at: datetime | None
    audios: int
    finished: int = Field(description="audios on which their group agreed, or could not")
    withheld: int = Field(description="audios without a label that nobody may hear any longer")
    closed: bool
    groups: list[GroupProgress]
    waits_for: list[Awaited] = Field(description="nobody once the batch is closed")
    stands_still: str | None = Field(description="why nothing moves, and what to do; null: it moves")


async def progress(db: asyncpg.Pool, now: datetime) -> list[BatchProgress]:
    """Every batch, oldest first."""
    batches = await db.fetch(
        "SELECT iteration_id, proposed_at,"
        " (SELECT count(*) FROM al.wavs_proposed w WHERE w.iteration_id = i.iteration_id) AS audios,"
        " (SELECT count(*) FROM label.agreements t WHERE t.iteration_id = i.iteration_id) AS finished,"
        " (SELECT count(*) FROM al.wavs_proposed w LEFT JOIN al.hearable_proposals h"
        "  USING (iteration_id, audio_id) LEFT JOIN label.agreements t USING (iteration_id, audio_id)"
        "  WHERE iteration_id = i.iteration_id AND h.rank IS NULL AND t.labelers IS NULL) AS withheld,"
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
    groups = defaultdict(list)
    for part in parts:
        groups[part["iteration_id"]].append(
            GroupProgress(name=part["name"], audios=part["audios"], done=part["done"])
        )
    awaited = await _awaited(db)
    moved_at = await _moved_at(db, [row["iteration_id"] for row in batches if not row["closed"]])
    return [
        BatchProgress(
            **row,
            groups=groups[row["iteration_id"]],
            waits_for=awaited[row["iteration_id"]],
            stands_still=None
            if row["closed"]
            else stands_still(
                row["audios"] - row["finished"] - row["withheld"],
                awaited[row["iteration_id"]],
                now - (moved_at.get(row["iteration_id"]) or row["proposed_at"] or now),
            ),
        )
        for row in batches
    ]


def stands_still(left: int, awaited: Sequence[Awaited], since: timedelta) -> str | None:
    """Why an open batch does not move, and what a lead can do. `left`: audios that are not settled; `since`:
    how long ago somebody labeled one last."""
    if left and not awaited:
        return (
            f"Nobody is in a group that could hear the {left} audios that are left."
            " Put somebody into a group, and they go there at once; or close the batch with what there is."
        )
    if not left or since < STILL_AFTER:
        return None
    who = ", ".join(f"{it.name} ({it.audios})" for it in awaited)
    return (
        f"Nobody has labeled for {since.days} days. It waits for {who}. Whoever does not come can be put"
        " out of their group, and nobody waits for them; or close the batch with what there is."
    )


async def _awaited(db: asyncpg.Pool) -> dict[UUID, list[Awaited]]:
    rows = await db.fetch(
        'SELECT a.iteration_id, l.name, g.name AS "group", count(*) AS audios'
        " FROM audio.labelers l JOIN label.groups g USING (group_id)"
        " JOIN label.assignments a USING (group_id)"
        f" WHERE l.enabled AND {WAITING} GROUP BY a.iteration_id, l.labeler_id, g.group_id"
        " ORDER BY g.group_id, l.labeler_id"
    )
    awaited = defaultdict(list)
    for row in rows:
        awaited[row["iteration_id"]].append(
            Awaited(name=row["name"], group=row["group"], audios=row["audios"])
        )
    return awaited


async def _moved_at(db: asyncpg.Pool, iteration_ids: Sequence[UUID]) -> dict[UUID, datetime]:
    """When somebody labeled an audio of these batches last."""
    rows = await db.fetch(
        "SELECT iteration_id, max(submitted_at) AS moved_at FROM label.submissions"
        " WHERE iteration_id = ANY ($1) GROUP BY 1",
        list(iteration_ids),
    )
    return {row["iteration_id"]: row["moved_at"] for row in rows}
