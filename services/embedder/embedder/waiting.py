"""What has no embedding yet, and the windows that a lead wants first: the embedder's SQL for catching up."""

from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

import asyncpg

from embedder.store import AudioKey

BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)
END = datetime(9999, 1, 1, tzinfo=UTC)
LOWEST_ID = UUID(int=0)


@dataclass(frozen=True)
class Scope:
    """Audios that begin in a window, which ends before `end`, and were cataloged since a moment."""

    cataloged_since: datetime = BEGINNING
    start: datetime = BEGINNING
    end: datetime = END


@dataclass(frozen=True)
class Window:
    """A window that is wanted first, since `requested_at`."""

    requested_at: datetime
    scope: Scope


@dataclass(frozen=True)
class Place:
    """A place in the order of entry, after which a page begins."""

    cataloged_at: datetime = BEGINNING
    audio_id: UUID = LOWEST_ID


@dataclass(frozen=True)
class Page:
    """Some audios in the order of entry: when the first one came, and where the last one is."""

    keys: list[AudioKey]
    oldest: datetime
    end: Place


async def page(pool: asyncpg.Pool, model_id: str, scope: Scope, after: Place, limit: int) -> Page | None:
    """The next audios without an embedding by this model that did not fail; None where there are no more."""
    rows = await pool.fetch(
        "SELECT audio_id, start_utc, cataloged_at FROM audio.audios AS a"
        " WHERE cataloged_at >= $2 AND start_utc >= $3 AND start_utc < $4"
        " AND (cataloged_at, audio_id) > ($5, $6)"
        " AND NOT EXISTS (SELECT FROM audio.embeddings AS e WHERE e.audio_id = a.audio_id"
        "                 AND e.start_utc = a.start_utc AND e.model_id = $1)"
        " AND NOT EXISTS (SELECT FROM audio.embedding_failures AS f"
        "                 WHERE f.audio_id = a.audio_id AND f.model_id = $1)"
        " ORDER BY cataloged_at, audio_id LIMIT $7",
        model_id,
        scope.cataloged_since,
        scope.start,
        scope.end,
        after.cataloged_at,
        after.audio_id,
        limit,
    )
    if not rows:
        return None
    keys = [AudioKey(row["audio_id"], row["start_utc"]) for row in rows]
    return Page(keys, rows[0]["cataloged_at"], Place(rows[-1]["cataloged_at"], rows[-1]["audio_id"]))


async def open_window(pool: asyncpg.Pool, model_id: str, start: datetime, end: datetime) -> int:
    """Want a window embedded by this model before all else; what failed in it is tried again.

    Returns how many of its audios wait.
    """
    async with pool.acquire() as connection, connection.transaction():
        await connection.execute(
            "INSERT INTO audio.embedding_windows (model_id, window_start, window_end) VALUES ($1, $2, $3)"
            " ON CONFLICT (model_id, window_start, window_end)"
            " DO UPDATE SET requested_at = now(), done_at = NULL",
            model_id,
            start,
            end,
        )
        await connection.execute(
            "DELETE FROM audio.embedding_failures AS f USING audio.audios AS a"
            " WHERE f.model_id = $1 AND a.audio_id = f.audio_id AND a.start_utc >= $2 AND a.start_utc < $3",
            model_id,
            start,
            end,
        )
        return await connection.fetchval(
            "SELECT count(*) FROM audio.audios AS a WHERE start_utc >= $2 AND start_utc < $3"
            " AND NOT EXISTS (SELECT FROM audio.embeddings AS e WHERE e.audio_id = a.audio_id"
            "                 AND e.start_utc = a.start_utc AND e.model_id = $1)",
            model_id,
            start,
            end,
        )


async def open_windows(pool: asyncpg.Pool, model_id: str) -> list[Window]:
    """The windows that are wanted first, in the order in which they were asked for."""
    rows = await pool.fetch(
        "SELECT requested_at, window_start, window_end FROM audio.embedding_windows"
        " WHERE model_id = $1 AND done_at IS NULL ORDER BY requested_at",
        model_id,
    )
    return [Window(at, Scope(BEGINNING, start, end)) for at, start, end in rows]


async def close_window(pool: asyncpg.Pool, model_id: str, window: Window) -> None:
    """Nothing in the window waits any more; it stays open if somebody asked for it again meanwhile."""
    await pool.execute(
        "UPDATE audio.embedding_windows SET done_at = now()"
        " WHERE model_id = $1 AND window_start = $2 AND window_end = $3 AND requested_at = $4",
        model_id,
        window.scope.start,
        window.scope.end,
        window.requested_at,
    )
