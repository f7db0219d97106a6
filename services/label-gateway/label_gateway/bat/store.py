"""The SQL of what we have in BAT: names, projects, wavs.

`db` is the pool, or the connection that holds the lock of the one who writes to BAT.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

import asyncpg


@dataclass(frozen=True)
class Project:
    """A group's part of a batch, as it is in BAT. `bat_id` None: it is not there yet.

    `class_ids`: what it offers. `renew`: it holds what may not be heard any longer. `is_closed`: nobody
    labels the batch any longer; `read_to_end_at`: since then all that was finished there is read.
    """

    iteration_id: UUID
    group_id: int
    name: str
    bat_id: int | None
    class_ids: frozenset[int]
    renew: bool
    is_closed: bool
    read_to_end_at: datetime | None

    @property
    def key(self) -> tuple[UUID, int]:
        return self.iteration_id, self.group_id


@dataclass(frozen=True)
class Wav:
    """An audio of a project. `pushed_at` None: it is not known to be there; `refused`: why it is not.

    `under_way`: for how long an upload may be that nobody knows the end of, by the catalog's clock;
    `attempts`: of all.
    """

    audio_id: UUID
    wav_name: str
    under_way: timedelta | None
    attempts: int
    pushed_at: datetime | None
    bat_id: int | None
    refused: str | None


# Names ---------------------------------------------------------------------------------------------


async def names(db: asyncpg.Pool) -> dict[int, str]:
    """Class -> what it is called in BAT, of those that have a name there."""
    return {row["class_id"]: row["bat_name"] for row in await db.fetch("SELECT * FROM label.bat_names")}


async def add_names(db: asyncpg.Pool, added: Mapping[int, str]) -> None:
    """Give classes their names, for good."""
    await db.executemany(
        "INSERT INTO label.bat_names (class_id, bat_name) VALUES ($1, $2)", sorted(added.items())
    )


# Projects ------------------------------------------------------------------------------------------

_PROJECT = """
    SELECT iteration_id, group_id, name, bat_id, class_ids, renew, read_to_end_at,
           EXISTS (SELECT FROM label.closed_iterations c WHERE c.iteration_id = p.iteration_id) AS is_closed
    FROM label.bat_projects p WHERE deleted_at IS NULL
"""


async def project(db: asyncpg.Pool, iteration_id: UUID, group_id: int) -> Project | None:
    """The project of a group's part of a batch."""
    row = await db.fetchrow(f"{_PROJECT} AND (iteration_id, group_id) = ($1, $2)", iteration_id, group_id)
    return _project(row) if row else None


async def projects(db: asyncpg.Pool) -> list[Project]:
    """Every project that may be in BAT, in the order of their names: the oldest batch first."""
    return [_project(row) for row in await db.fetch(f"{_PROJECT} ORDER BY name")]


async def add_project(db: asyncpg.Pool, iteration_id: UUID, group_id: int, name: str) -> None:
    """Note under which name a project is to be made; again after it was deleted."""
    await db.execute(
        "INSERT INTO label.bat_projects (iteration_id, group_id, name) VALUES ($1, $2, $3)"
        " ON CONFLICT (iteration_id, group_id) DO UPDATE SET deleted_at = NULL",
        iteration_id,
        group_id,
        name,
    )


async def offers(db: asyncpg.Pool, which: Project, class_ids: Sequence[int]) -> None:
    """The project is to be made with these classes."""
    await db.execute(
        "UPDATE label.bat_projects SET class_ids = $3 WHERE (iteration_id, group_id) = ($1, $2)",
        *which.key,
        sorted(class_ids),
    )


async def made(db: asyncpg.Pool, which: Project, bat_id: int) -> None:
    """The project is in BAT."""
    await db.execute(
        "UPDATE label.bat_projects SET bat_id = $3, made_at = coalesce(made_at, now())"
        " WHERE (iteration_id, group_id) = ($1, $2)",
        *which.key,
        bat_id,
    )


async def gone(db: asyncpg.Connection, which: Project, *, deleted: bool) -> None:
    """The project is not in BAT any more, nor any wav of it. `deleted`: it is not to come back."""
    async with db.transaction():
        await db.execute("DELETE FROM label.bat_wavs WHERE (iteration_id, group_id) = ($1, $2)", *which.key)
        await db.execute(
            "UPDATE label.bat_projects SET bat_id = NULL, class_ids = '{}', made_at = NULL, renew = false,"
            " deleted_at = CASE WHEN $3 THEN now() END WHERE (iteration_id, group_id) = ($1, $2)",
            *which.key,
            deleted,
        )


async def to_renew(db: asyncpg.Pool, which: Project) -> None:
    """The project holds what has to go."""
    await db.execute(
        "UPDATE label.bat_projects SET renew = true WHERE (iteration_id, group_id) = ($1, $2)", *which.key
    )


async def read_to_end(db: asyncpg.Pool, which: Project) -> None:
    """After its batch was closed, all that was finished in the project is read, and read once more."""
    await db.execute(
        "UPDATE label.bat_projects SET read_to_end_at = now() WHERE (iteration_id, group_id) = ($1, $2)",
        *which.key,
    )


async def had_its_turn(db: asyncpg.Pool, which: Project, error: str | None, *, failed: bool) -> bool:
    """A round has come to the project, or has `failed` to; whether what is to be told is new.

    `error`: what somebody should know of it, None where all is well.
    """
    return await db.fetchval(
        "WITH before AS (SELECT last_error FROM label.bat_projects WHERE (iteration_id, group_id) = ($1, $2))"
        " UPDATE label.bat_projects SET last_error = $3,"
        " last_round_at = CASE WHEN $4 THEN last_round_at ELSE now() END"
        " WHERE (iteration_id, group_id) = ($1, $2)"
        " RETURNING (SELECT before.last_error FROM before) IS DISTINCT FROM $3::text",
        *which.key,
        error,
        failed,
    )


def _project(row: asyncpg.Record) -> Project:
    return Project(**{**row, "class_ids": frozenset(row["class_ids"])})


# Wavs ----------------------------------------------------------------------------------------------


async def wavs(db: asyncpg.Pool, which: Project) -> dict[UUID, Wav]:
    """Every audio of the project that was pushed, begun to be, or refused."""
    rows = await db.fetch(
        "SELECT audio_id, wav_name, clock_timestamp() - attempted_at AS under_way, attempts, pushed_at,"
        " bat_id, refused FROM label.bat_wavs"
        " WHERE (iteration_id, group_id) = ($1, $2) ORDER BY wav_name",
        *which.key,
    )
    return {row["audio_id"]: Wav(**row) for row in rows}


async def begun(db: asyncpg.Pool, which: Project, audio_id: UUID, wav_name: str) -> None:
    """An upload begins: from here on the wav may be there."""
    await db.execute(
        "INSERT INTO label.bat_wavs (iteration_id, group_id, audio_id, wav_name, attempted_at, attempts)"
        " VALUES ($1, $2, $3, $4, now(), 1) ON CONFLICT (iteration_id, group_id, audio_id)"
        " DO UPDATE SET attempted_at = now(), attempts = label.bat_wavs.attempts + 1, refused = NULL",
        *which.key,
        audio_id,
        wav_name,
    )


async def pushed(db: asyncpg.Pool, which: Project, audio_id: UUID, wav_name: str, bat_id: int) -> None:
    """The wav was seen in BAT."""
    await db.execute(
        "INSERT INTO label.bat_wavs (iteration_id, group_id, audio_id, wav_name, bat_id, pushed_at)"
        " VALUES ($1, $2, $3, $4, $5, now()) ON CONFLICT (iteration_id, group_id, audio_id)"
        " DO UPDATE SET bat_id = $5, pushed_at = now(), refused = NULL",
        *which.key,
        audio_id,
        wav_name,
        bat_id,
    )


async def refused(
    db: asyncpg.Pool, which: Project, audio_id: UUID, wav_name: str, why: str, again_in: timedelta
) -> None:
    """The audio does not get to BAT, and is left alone for a time."""
    await db.execute(
        "INSERT INTO label.bat_wavs (iteration_id, group_id, audio_id, wav_name, refused, again_at)"
        " VALUES ($1, $2, $3, $4, $5, now() + $6::interval) ON CONFLICT (iteration_id, group_id, audio_id)"
        " DO UPDATE SET refused = $5, again_at = now() + $6::interval, attempted_at = NULL",
        *which.key,
        audio_id,
        wav_name,
        why,
        again_in,
    )
