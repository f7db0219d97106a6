"""How BAT and the catalog stand to each other, for leads: on the page, and by `escolta bat status`."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

import asyncpg
from pydantic import BaseModel, Field

MOST_NAMED = 5
"""Audios that are named where several wait for the same."""


class BatUser(BaseModel):
    """What one user has done in a project."""

    bat_user: str
    name: str | None = Field(description="the labeler who is that user; null: nobody here")
    finished: int = Field(description="audios that are finished there now")
    imported: int = Field(description="audios of which the answer was taken over")


class Listed(BaseModel):
    """Answers that are not taken over for one reason. Nothing else waits for them."""

    bat_user: str
    reason: str
    todo: str = Field(description="what a lead, or the labeler, does about it")
    audios: int
    which: list[str] = Field(description="some of them, each with what is wrong with it")


class BatProject(BaseModel):
    """A group's part of a batch, in BAT."""

    iteration_id: UUID
    name: str = Field(description="what it is called there")
    group: str
    proposed_at: datetime
    audios: int
    pushed: int = Field(description="audios that were seen there")
    refused: list[str] = Field(description="why audios cannot go there: they are answered on the page")
    users: list[BatUser]
    listed: list[Listed]
    closed: bool = Field(description="the batch is closed: nobody labels it any longer")
    read_to_end: bool = Field(description="everything was read once more after the batch was closed")
    deleted: bool
    last_error: str | None
    last_round_s: float | None = Field(
        description="seconds since the last round; null: none has come here yet"
    )


MOST_PROJECTS = 30
"""Half a year of weekly batches for one group."""

_NEWEST = f"""
    (SELECT iteration_id, group_id FROM label.bat_projects JOIN al.al_preprocessing USING (iteration_id)
     ORDER BY proposed_at DESC, group_id LIMIT {MOST_PROJECTS})
"""
_PROJECTS = f"""
    SELECT p.iteration_id, p.group_id, p.name, g.name AS "group", i.proposed_at, p.last_error,
           p.last_round_at, read_to_end_at IS NOT NULL AS read_to_end, deleted_at IS NOT NULL AS deleted,
           (SELECT count(*) FROM label.assignments s
            WHERE (s.iteration_id, s.group_id) = (p.iteration_id, p.group_id)) AS audios,
           (SELECT count(w.pushed_at) FROM label.bat_wavs w
            JOIN label.assignments USING (iteration_id, audio_id, group_id)
            WHERE (w.iteration_id, w.group_id) = (p.iteration_id, p.group_id)) AS pushed,
           array(SELECT DISTINCT refused FROM label.bat_wavs w
                 WHERE (w.iteration_id, w.group_id) = (p.iteration_id, p.group_id)
                   AND refused IS NOT NULL) AS refused,
           EXISTS (SELECT FROM label.closed_iterations c WHERE c.iteration_id = p.iteration_id) AS closed
    FROM label.bat_projects p JOIN label.groups g USING (group_id)
    JOIN al.al_preprocessing i USING (iteration_id)
    WHERE (iteration_id, p.group_id) IN {_NEWEST} ORDER BY i.proposed_at DESC, p.group_id
"""
_USERS = f"""
    SELECT iteration_id, a.group_id, bat_user, l.name, count(*) FILTER (WHERE seen > 0) AS finished,
           count(imported_at) AS imported
    FROM label.bat_annotations a LEFT JOIN label.bat_users u USING (bat_user)
    LEFT JOIN audio.labelers l ON l.labeler_id = u.labeler_id
    WHERE (iteration_id, a.group_id) IN {_NEWEST}
    GROUP BY iteration_id, a.group_id, bat_user, l.name ORDER BY bat_user
"""
_LISTED = f"""
    SELECT iteration_id, group_id, bat_user, reason, todo, count(*) AS audios,
           (array_agg(concat_ws(': ', coalesce(f.file_name, wav_name), detail)
                      ORDER BY f.file_name, wav_name))[1:$1] AS which
    FROM label.bat_annotations LEFT JOIN al.wavs_proposed f USING (iteration_id, audio_id)
    WHERE todo IS NOT NULL AND (iteration_id, group_id) IN {_NEWEST}
    GROUP BY iteration_id, group_id, bat_user, reason, todo ORDER BY bat_user, reason
"""


async def projects(db: asyncpg.Pool, now: datetime) -> list[BatProject]:
    """The newest projects, those of the newest batch first."""
    users = _by_project(await db.fetch(_USERS), BatUser)
    listed = _by_project(await db.fetch(_LISTED, MOST_NAMED), Listed)
    return [
        BatProject(
            **row,
            users=users[row["iteration_id"], row["group_id"]],
            listed=listed[row["iteration_id"], row["group_id"]],
            last_round_s=(now - row["last_round_at"]).total_seconds() if row["last_round_at"] else None,
        )
        for row in await db.fetch(_PROJECTS)
    ]


def _by_project(rows: Sequence[Mapping], of: type[BaseModel]) -> dict[tuple[UUID, int], list]:
    found = defaultdict(list)
    for row in rows:
        found[row["iteration_id"], row["group_id"]].append(of(**row))
    return found
