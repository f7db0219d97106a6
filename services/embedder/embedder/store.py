"""The embedder's SQL: writes `audio.models`, `embeddings`, `patches`, `embedding_failures`."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import asyncpg
import numpy as np
import numpy.typing as npt

from embedder.computing import EmbeddedAudio
from embedder.models.model import EmbeddingModel
from escolta.errors import Rejected

TOP = 5
LAST_ID = UUID(int=2**128 - 1)


@dataclass(frozen=True)
class AudioKey:
    """Names an audio."""

    audio_id: UUID
    start: datetime


@dataclass(frozen=True)
class Audio:
    """An audio whose embedding is ours to make; `age_s` is how long it has waited in the catalog.

    From `sha256` on it is what its node has told of it.
    """

    audio_id: UUID
    start: datetime
    object_key: str
    age_s: float
    node: str
    file_name: str
    sha256: bytes
    samples: int
    rate_hz: int
    channels: int
    bits_per_sample: int


async def add_model(pool: asyncpg.Pool, model: EmbeddingModel) -> None:
    """Make sure that the model has its row."""
    await pool.execute(
        "INSERT INTO audio.models (model_id, name, dim, class_names, speech_found_to)"
        " VALUES ($1, $2, $3, $4, $5) ON CONFLICT (model_id) DO NOTHING",
        model.model_id,
        model.name,
        model.dim,
        list(model.class_names),
        LAST_ID,  # a new model's rows have it from the first audio on
    )


async def claim(
    connection: asyncpg.Connection, model_id: str, keys: Sequence[AudioKey]
) -> tuple[list[Audio], list[UUID]]:
    """Take those of `keys` that have no embedding by this model, until the transaction ends.

    Returns them, and the ids that the catalog does not know. What another transaction has taken, in this
    process or in another, is left out. A claim is an advisory lock, so it ends with the connection of a
    process that dies; whoever gets it then sees, in a second statement, what was committed meanwhile.
    """
    taken = await connection.fetch(
        "WITH wanted AS MATERIALIZED (SELECT DISTINCT audio_id, start_utc"
        " FROM unnest($2::uuid[], $3::timestamptz[]) AS keys (audio_id, start_utc)),"
        " tried AS MATERIALIZED (SELECT *, pg_try_advisory_xact_lock("
        "   hashtextextended('embedder ' || $1 || ' ' || audio_id::text, 0)) AS mine FROM wanted)"
        " SELECT audio_id, start_utc FROM tried WHERE mine",
        model_id,
        [key.audio_id for key in keys],
        [key.start for key in keys],
    )
    rows = await connection.fetch(
        # Each audio by itself, in its month: PostgreSQL would be free to join whole months instead.
        "SELECT w.audio_id, w.start_utc, a.*"
        " FROM unnest($2::uuid[], $3::timestamptz[]) AS w (audio_id, start_utc)"
        " LEFT JOIN LATERAL (SELECT path || object_name AS object_key,"
        "     extract(epoch FROM clock_timestamp() - cataloged_at)::float8 AS age_s, nodes.name, file_name,"
        "     sha256, samples, rate_hz, channels, bits_per_sample"
        "   FROM audio.audios JOIN audio.paths USING (path_id) JOIN audio.nodes USING (node_id)"
        "   WHERE (audio_id, start_utc) = (w.audio_id, w.start_utc) LIMIT 1) AS a ON true"
        " WHERE (SELECT true FROM audio.embeddings AS e WHERE e.audio_id = w.audio_id"
        "        AND e.start_utc = w.start_utc AND e.model_id = $1) IS NULL",
        model_id,
        [row["audio_id"] for row in taken],
        [row["start_utc"] for row in taken],
    )
    unknown = [row["audio_id"] for row in rows if row["object_key"] is None]
    return [Audio(*row) for row in rows if row["object_key"] is not None], unknown


async def save(
    connection: asyncpg.Connection, model_id: str, embedded: Sequence[tuple[Audio | AudioKey, EmbeddedAudio]]
) -> None:
    """Write the embeddings and forget that any of these audios failed before."""
    embedded = sorted(embedded, key=lambda pair: pair[0].start)  # one order for all who write months' counts
    await connection.executemany(
        "INSERT INTO audio.embeddings"
        " (audio_id, start_utc, model_id, speech, channels_heard, vector, top_classes, top_probabilities)"
        " VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT DO NOTHING",
        [
            (
                audio.audio_id,
                audio.start,
                model_id,
                found.speech,
                found.channels_heard or None,
                found.vector.astype("<f2").tobytes(),
                *_top(found),
            )
            for audio, found in embedded
        ],
    )
    await connection.executemany(
        "INSERT INTO audio.patches (audio_id, start_utc, model_id, onsets_s, scores)"
        " VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING",
        [
            (audio.audio_id, audio.start, model_id, scores.onsets_s.tolist(), in_255ths(scores.scores))
            for audio, found in embedded
            if (scores := found.patch_scores)
        ],
    )
    await connection.execute(
        "DELETE FROM audio.embedding_failures WHERE model_id = $1 AND audio_id = ANY ($2)",
        model_id,
        [audio.audio_id for audio, _ in embedded],
    )


def in_255ths(scores: npt.NDArray[np.float16]) -> bytes:
    """Scores between 0 and 1 as `audio.patches` keeps them, uint8 `[patches, classes]`: most are 0 there, and
    PostgreSQL compresses them (decision 39)."""
    return np.rint(scores.astype(np.float32) * 255).astype(np.uint8).tobytes()


def _top(embedding: EmbeddedAudio) -> tuple[list[int], list[float]]:
    """The most likely classes, best first, and their probabilities."""
    top = np.argsort(-embedding.probabilities, kind="stable")[:TOP]
    return top.tolist(), embedding.probabilities[top].tolist()


async def save_failures(
    connection: asyncpg.Connection, model_id: str, failures: Sequence[tuple[AudioKey, Rejected]]
) -> None:
    """Remember which audios cannot be embedded, so that catching up leaves them alone."""
    await connection.executemany(
        "INSERT INTO audio.embedding_failures (audio_id, start_utc, model_id, reason) VALUES ($1, $2, $3, $4)"
        " ON CONFLICT (audio_id, model_id) DO UPDATE SET reason = excluded.reason, failed_at = now()",
        [(key.audio_id, key.start, model_id, str(error)) for key, error in sorted(failures, key=_start)],
    )


def _start(failure: tuple[AudioKey, Rejected]) -> datetime:
    return failure[0].start


async def counts(pool: asyncpg.Pool, model_id: str) -> tuple[int, int, int]:
    """Audios that are embedded, that wait, and that failed, as the catalog keeps these counts."""
    embedded, failed, audios = await pool.fetchrow(
        "SELECT coalesce(sum(audios) FILTER (WHERE outcome = 'embedded'), 0)::bigint,"
        " coalesce(sum(audios) FILTER (WHERE outcome = 'failed'), 0)::bigint,"
        " (SELECT coalesce(sum(audios), 0)::bigint FROM audio.audio_counts)"
        " FROM audio.embedding_counts WHERE model_id = $1",
        model_id,
    )
    return embedded, max(0, audios - embedded - failed), failed
