"""The windows that a lead wants embedded before all else: the embedder's SQL for them."""

from dataclasses import dataclass
from datetime import datetime

import asyncpg

from embedder.waiting import Scope


@dataclass(frozen=True)
class Window:
    """A window that is wanted first, since `requested_at`."""

    requested_at: datetime
    scope: Scope


async def open_window(pool: asyncpg.Pool, model_id: str, scope: Scope) -> int:
    """Want a window embedded by this model before all else; what failed in it is tried again.

    Returns how many of its audios wait.
    """
    async with pool.acquire() as connection, connection.transaction():
        await connection.execute(
            "INSERT INTO audio.embedding_windows (model_id, window_start, window_end) VALUES ($1, $2, $3)"
            " ON CONFLICT (model_id, window_start, window_end)"
            " DO UPDATE SET requested_at = now(), done_at = NULL",
            model_id,
            scope.start,
            scope.end,
        )
        await connection.execute(
            "DELETE FROM audio.embedding_failures WHERE model_id = $1 AND start_utc >= $2 AND start_utc < $3",
            model_id,
            scope.start,
            scope.end,
        )
        return await connection.fetchval(_WITHOUT_EMBEDDING, model_id, scope.start, scope.end)


# Whole months as they are kept; what the window has of its first and of its last month is counted.
_WITHOUT_EMBEDDING = """
    WITH bounds AS (
        SELECT date_trunc('month', $2::timestamptz AT TIME ZONE 'UTC' + interval '1 month - 1 microsecond')
               AT TIME ZONE 'UTC' AS first_month,
               date_trunc('month', $3::timestamptz, 'UTC') AS month_after),
    parts AS (
        SELECT $2 AS start, least($3, first_month) AS before FROM bounds
        UNION SELECT greatest($2, month_after), $3 FROM bounds)
    SELECT (coalesce((SELECT sum(audios) FROM audio.audio_counts, bounds
                      WHERE month >= first_month AND month < month_after), 0)
            - coalesce((SELECT sum(audios) FROM audio.embedding_counts, bounds
                        WHERE model_id = $1 AND outcome = 'embedded'
                        AND month >= first_month AND month < month_after), 0)
            + (SELECT sum((SELECT count(*) FROM audio.audios
                           WHERE start_utc >= start AND start_utc < before)
                          - (SELECT count(*) FROM audio.embeddings
                             WHERE model_id = $1 AND start_utc >= start AND start_utc < before))
               FROM parts))::bigint
"""


async def open_windows(pool: asyncpg.Pool, model_id: str) -> list[Window]:
    """The windows that are wanted first, in the order in which they were asked for."""
    rows = await pool.fetch(
        "SELECT requested_at, window_start, window_end FROM audio.embedding_windows"
        " WHERE model_id = $1 AND done_at IS NULL ORDER BY requested_at",
        model_id,
    )
    return [Window(at, Scope(start, end)) for at, start, end in rows]


async def close_window(pool: asyncpg.Pool, model_id: str, window: Window) -> None:
    """The window was looked at to its end; it stays open if somebody asked for it again meanwhile."""
    await pool.execute(
        "UPDATE audio.embedding_windows SET done_at = now()"
        " WHERE model_id = $1 AND window_start = $2 AND window_end = $3 AND requested_at = $4",
        model_id,
        window.scope.start,
        window.scope.end,
        window.requested_at,
    )
