"""What has no embedding yet: the embedder's SQL for catching up, in the order of entry into the catalog.

A mark per model moves forward through the catalog; what it passes without an embedding goes to a queue. So
what is done is looked at once, whatever the catalog's size and however often an embedder starts.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

import asyncpg

from embedder.store import AudioKey

BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)
END = datetime(9999, 1, 1, tzinfo=UTC)
LOWEST_ID = UUID(int=0)
LOOKED_AT = 2000
"""Audios that one statement looks at."""
STILL_COMING = timedelta(minutes=15)
"""An audio enters the catalog with the time at which its transaction began. ingest's ends within this time:
none of its three statements may take more than 300 s."""


@dataclass(frozen=True)
class Scope:
    """Audios that begin in a window, which ends before `end`."""

    start: datetime = BEGINNING
    end: datetime = END


EVERYTHING = Scope()


@dataclass(frozen=True)
class Place:
    """A place in the order of entry."""

    cataloged_at: datetime = BEGINNING
    audio_id: UUID = LOWEST_ID


@dataclass(frozen=True)
class Page:
    """Some audios in the order of entry: when the first one came, and where the last one is."""

    keys: list[AudioKey]
    oldest: datetime
    end: Place


# Neither is written as NOT EXISTS: PostgreSQL would be free to join whole months of embeddings.
_WAITS = """
    (SELECT true FROM audio.embeddings AS e
     WHERE e.audio_id = a.audio_id AND e.start_utc = a.start_utc AND e.model_id = $1) IS NULL
    AND (SELECT true FROM audio.embedding_failures AS f
         WHERE f.audio_id = a.audio_id AND f.model_id = $1) IS NULL
"""

_CATALOGED = """
    (SELECT true FROM audio.audios AS c
     WHERE c.audio_id = a.audio_id AND c.start_utc = a.start_utc) IS NOT NULL
"""

_LOOK = f"""
    WITH looked AS MATERIALIZED (
        SELECT audio_id, start_utc, cataloged_at FROM audio.audios
        WHERE (cataloged_at, audio_id) > ($2, $3) AND start_utc >= $4 AND start_utc < $5
        ORDER BY cataloged_at, audio_id LIMIT $6),
    queued AS (
        INSERT INTO audio.embedding_queue (model_id, audio_id, start_utc, cataloged_at)
        SELECT $1, audio_id, start_utc, cataloged_at FROM looked AS a WHERE {_WAITS}
        ON CONFLICT DO NOTHING),
    moved AS (
        INSERT INTO audio.embedding_marks AS mark (model_id, cataloged_at, audio_id)
        SELECT $1, cataloged_at, audio_id FROM looked WHERE $7 AND cataloged_at < now() - $8::interval
        ORDER BY cataloged_at DESC, audio_id DESC LIMIT 1
        ON CONFLICT (model_id) DO UPDATE
        SET cataloged_at = excluded.cataloged_at, audio_id = excluded.audio_id
        WHERE (mark.cataloged_at, mark.audio_id) < (excluded.cataloged_at, excluded.audio_id))
    SELECT cataloged_at, audio_id FROM looked ORDER BY cataloged_at DESC, audio_id DESC LIMIT 1
"""


async def mark(pool: asyncpg.Pool, model_id: str) -> Place:
    """Where the model's mark is: every audio up to there is embedded, has failed, or is in the queue."""
    row = await pool.fetchrow(
        "SELECT cataloged_at, audio_id FROM audio.embedding_marks WHERE model_id = $1", model_id
    )
    return Place(*row) if row else Place()


async def look(pool: asyncpg.Pool, model_id: str, scope: Scope, after: Place) -> Place | None:
    """Put what waits of the next audios of `scope` into the queue; returns where the last of them is.

    None where there are no more. Where `scope` is everything, the model's mark moves along, but not to where
    audios may still come.
    """
    row = await pool.fetchrow(
        _LOOK,
        model_id,
        after.cataloged_at,
        after.audio_id,
        scope.start,
        scope.end,
        LOOKED_AT,
        scope == EVERYTHING,
        STILL_COMING,
    )
    return Place(*row) if row else None


async def page(
    pool: asyncpg.Pool, model_id: str, scope: Scope, after: Place, until: Place, limit: int
) -> Page | None:
    """The next audios of the queue that are in `scope`, up to a place; None where there are no more."""
    rows = await pool.fetch(
        "SELECT audio_id, start_utc, cataloged_at FROM audio.embedding_queue WHERE model_id = $1"
        " AND (cataloged_at, audio_id) > ($2, $3) AND (cataloged_at, audio_id) <= ($4, $5)"
        " AND start_utc >= $6 AND start_utc < $7 ORDER BY cataloged_at, audio_id LIMIT $8",
        model_id,
        after.cataloged_at,
        after.audio_id,
        until.cataloged_at,
        until.audio_id,
        scope.start,
        scope.end,
        limit,
    )
    if not rows:
        return None
    keys = [AudioKey(row["audio_id"], row["start_utc"]) for row in rows]
    return Page(keys, rows[0]["cataloged_at"], Place(rows[-1]["cataloged_at"], rows[-1]["audio_id"]))


async def forget_settled(pool: asyncpg.Pool, model_id: str, keys: Sequence[AudioKey]) -> None:
    """Take from the queue those of the audios that are embedded or have failed, whoever did it, or that have
    left the catalog."""
    await pool.execute(
        "DELETE FROM audio.embedding_queue AS a WHERE model_id = $1 AND audio_id = ANY ($2)"
        f" AND NOT ({_WAITS} AND {_CATALOGED})",
        model_id,
        [key.audio_id for key in keys],
    )
