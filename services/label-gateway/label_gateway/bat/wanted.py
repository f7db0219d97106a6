"""The SQL of what has to be in BAT: audios that somebody who labels there has still to hear."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import asyncpg

from label_gateway.bat.store import Project
from label_gateway.batches.waiting import WAITING

# Of the assignments `a`, those that somebody of the group who labels in BAT has to hear.
_WANTED = f"""
    EXISTS (SELECT FROM al.hearable_proposals h
            WHERE (h.iteration_id, h.audio_id) = (a.iteration_id, a.audio_id))
    AND EXISTS (SELECT FROM audio.labelers l JOIN label.bat_users u USING (labeler_id)
                WHERE l.group_id = a.group_id AND l.enabled AND {WAITING})
"""


@dataclass(frozen=True)
class Part:
    """A group's part of a batch of which something has to be in BAT."""

    iteration_id: UUID
    group_id: int
    group: str
    proposed_at: datetime


async def parts_without_project(db: asyncpg.Pool) -> list[Part]:
    """Those that have none in BAT, and for which none is noted."""
    rows = await db.fetch(
        'SELECT a.iteration_id, a.group_id, g.name AS "group", i.proposed_at FROM label.assignments a'
        " JOIN label.groups g USING (group_id) JOIN al.al_preprocessing i USING (iteration_id)"
        f" WHERE {_WANTED} AND NOT EXISTS (SELECT FROM label.bat_projects p WHERE deleted_at IS NULL"
        "  AND (p.iteration_id, p.group_id) = (a.iteration_id, a.group_id))"
        " GROUP BY 1, 2, 3, 4 ORDER BY i.proposed_at, 2"
    )
    return [Part(**row) for row in rows]


async def to_push(db: asyncpg.Pool, project: Project) -> list[UUID]:
    """Audios that have to be in the project and are not, in the order in which the group hears them."""
    rows = await db.fetch(
        "SELECT a.audio_id FROM label.assignments a LEFT JOIN label.bat_wavs b"
        " USING (iteration_id, group_id, audio_id)"
        " WHERE (a.iteration_id, a.group_id) = ($1, $2) AND b.pushed_at IS NULL"
        " AND (b.refused IS NULL OR b.again_at <= now())"
        f" AND {_WANTED} ORDER BY a.place",
        *project.key,
    )
    return [row["audio_id"] for row in rows]


async def somebody_labels_in_bat(db: asyncpg.Pool) -> bool:
    """Whether there is anybody for whom audios would have to be there."""
    return await db.fetchval(
        "SELECT EXISTS (SELECT FROM label.bat_users JOIN audio.labelers USING (labeler_id)"
        " WHERE enabled AND group_id IS NOT NULL)"
    )


async def mark_what_has_to_go(db: asyncpg.Pool, *, of_all: bool) -> int:
    """Let every project be renewed that holds what may not be heard any longer; how many these are.

    `of_all`: also of those that are read to their end, of which there are more every week.
    """
    rows = await db.fetch(
        "UPDATE label.bat_projects p SET renew = true WHERE deleted_at IS NULL AND NOT renew"
        " AND ($1 OR read_to_end_at IS NULL) AND EXISTS ("
        " SELECT FROM label.bat_wavs w WHERE (w.iteration_id, w.group_id) = (p.iteration_id, p.group_id)"
        " AND coalesce(w.pushed_at, w.attempted_at) IS NOT NULL AND NOT EXISTS ("
        "  SELECT FROM al.hearable_proposals h"
        "  WHERE (h.iteration_id, h.audio_id) = (w.iteration_id, w.audio_id)))"
        " RETURNING 1",
        of_all,
    )
    return len(rows)
