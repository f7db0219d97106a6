"""The SQL of requests: an iteration that was asked for, until it has run. Writes `al.al_preprocessing`."""

from datetime import datetime
from uuid import UUID, uuid5

import asyncpg
from pydantic import ValidationError

from escolta import audit
from escolta.audit import Who
from escolta.errors import Rejected
from escolta.events import IterationRequested
from escolta.work import WorkTable

ITERATIONS = WorkTable("al.al_preprocessing", "iteration_id", 0x616C, "number NULLS LAST, requested_at")
"""One iteration at a time: two at once would propose the same audios. One that has its number has frozen its
inputs, and is ended before another one chooses."""
REQUEST = (
    "iteration_id, nodes, window_start, window_end, batch, follow_ups, hours, further_windows, strategy,"
    " scheduled_for"
)


async def add_request(pool: asyncpg.Pool, request: IterationRequested, by: Who | None = None) -> None:
    """Write the request, and who made it; one that is there already, or for the same place in the schedule,
    stays."""
    async with pool.acquire() as connection, connection.transaction():
        await connection.execute(
            f"INSERT INTO al.al_preprocessing ({REQUEST})"
            " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) ON CONFLICT DO NOTHING",
            request.iteration_id,
            list(request.nodes),
            request.window_start,
            request.window_end,
            request.batch,
            request.follow_ups,
            request.hours,
            [window.model_dump(mode="json") for window in request.further_windows],
            request.strategy,
            request.scheduled_for,
        )
        if by:
            which = f"{request.iteration_id}: {request.batch} audios, {request.follow_ups} follow-ups"
            await audit.note(connection, "al-engine", by, "asked for an iteration", which)


async def request_of(
    connection: asyncpg.Connection | asyncpg.Pool, iteration_id: UUID
) -> IterationRequested | None:
    """What was asked for, whatever has become of it. Raises `Rejected` for a row that cannot be read."""
    row = await connection.fetchrow(
        f"SELECT {REQUEST} FROM al.al_preprocessing WHERE iteration_id = $1", iteration_id
    )
    if row is None:
        return None
    try:
        return IterationRequested(**row)
    except ValidationError as error:
        fault = error.errors()[0]
        where = ".".join(str(part) for part in fault["loc"])
        raise Rejected(f"the {where} of this iteration cannot be used: {fault['msg']}") from None


async def known(pool: asyncpg.Pool, iteration_ids: list[UUID]) -> set[UUID]:
    """Those of `iteration_ids` that were asked for by a row."""
    rows = await pool.fetch(
        "SELECT iteration_id FROM al.al_preprocessing WHERE iteration_id = ANY ($1)", iteration_ids
    )
    return {row["iteration_id"] for row in rows}


async def add_follow_ups(pool: asyncpg.Pool, iteration_id: UUID | None = None) -> None:
    """Ask for the iteration that follows a closed one: this one, or each.

    Its id follows from the first's, so that it is asked for once; its row is a copy, whatever it holds.
    """
    rows = await pool.fetch(
        "SELECT iteration_id FROM al.al_preprocessing"
        " WHERE status = 'closed' AND follow_ups > 0 AND ($1::uuid IS NULL OR iteration_id = $1)",
        iteration_id,
    )
    await pool.executemany(
        f"INSERT INTO al.al_preprocessing ({REQUEST})"
        " SELECT $2, nodes, window_start, window_end, batch, follow_ups - 1, hours, further_windows,"
        " strategy, NULL FROM al.al_preprocessing WHERE iteration_id = $1 ON CONFLICT DO NOTHING",
        [(row["iteration_id"], uuid5(row["iteration_id"], "follow-up")) for row in rows],
    )


async def last_scheduled(pool: asyncpg.Pool) -> datetime | None:
    """The last moment for which the schedule has asked for an iteration."""
    return await pool.fetchval(
        "SELECT max(scheduled_for) FROM al.al_preprocessing WHERE isfinite(scheduled_for)"
    )
