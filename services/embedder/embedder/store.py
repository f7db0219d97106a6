"""The embedder's SQL: writes `audio.models`, `audio.embeddings` and `audio.embedding_failures`."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import asyncpg
import numpy as np

from embedder.model import Embedded, EmbeddingModel

TOP = 5


@dataclass(frozen=True)
class Audio:
    """An audio that wants an embedding."""

    audio_id: UUID
    start: datetime
    object_key: str


async def add_model(pool: asyncpg.Pool, model: EmbeddingModel) -> None:
    """Make sure that the model has its row."""
    await pool.execute(
        "INSERT INTO audio.models (model_id, name, dim, class_names) VALUES ($1, $2, $3, $4)"
        " ON CONFLICT (model_id) DO NOTHING",
        model.model_id,
        model.name,
        model.dim,
        list(model.class_names),
    )


async def done(pool: asyncpg.Pool, model_id: str, audios: Sequence[Audio]) -> set[UUID]:
    """Those of `audios` that have an embedding by this model already."""
    rows = await pool.fetch(
        "SELECT audio_id FROM audio.embeddings JOIN unnest($2::uuid[], $3::timestamptz[])"
        " AS wanted (audio_id, start_utc) USING (audio_id, start_utc) WHERE model_id = $1",
        model_id,
        [audio.audio_id for audio in audios],
        [audio.start for audio in audios],
    )
    return {row["audio_id"] for row in rows}


async def waiting(pool: asyncpg.Pool, model_id: str, cataloged_since: datetime, limit: int) -> list[Audio]:
    """Audios without an embedding by this model that did not fail, oldest entry first."""
    rows = await pool.fetch(
        "SELECT audio_id, start_utc, path || object_name AS object_key"
        " FROM audio.audios AS a JOIN audio.paths USING (path_id)"
        " WHERE cataloged_at >= $2"
        " AND NOT EXISTS (SELECT FROM audio.embeddings AS e WHERE e.audio_id = a.audio_id"
        "                 AND e.start_utc = a.start_utc AND e.model_id = $1)"
        " AND NOT EXISTS (SELECT FROM audio.embedding_failures AS f"
        "                 WHERE f.audio_id = a.audio_id AND f.model_id = $1)"
        " ORDER BY cataloged_at LIMIT $3",
        model_id,
        cataloged_since,
        limit,
    )
    return [Audio(*row) for row in rows]


async def save(pool: asyncpg.Pool, model_id: str, audios: Sequence[Audio], embedded: Embedded) -> None:
    """Write embeddings, row by row of `embedded`; one that is there already stays as it is."""
    top = np.argsort(-embedded.probabilities, axis=1, kind="stable")[:, :TOP]
    best = np.take_along_axis(embedded.probabilities, top, axis=1)
    await pool.executemany(
        "INSERT INTO audio.embeddings"
        " (audio_id, start_utc, model_id, vector, top_classes, top_probabilities)"
        " VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING",
        [
            (audio.audio_id, audio.start, model_id, vector.astype("<f2").tobytes(), classes, probabilities)
            for audio, vector, classes, probabilities in zip(
                audios, embedded.vectors, top.tolist(), best.tolist(), strict=True
            )
        ],
    )


async def save_failure(pool: asyncpg.Pool, model_id: str, audio_id: UUID, reason: str) -> None:
    """Remember that this audio cannot be embedded, so that catching up leaves it alone."""
    await pool.execute(
        "INSERT INTO audio.embedding_failures (audio_id, model_id, reason) VALUES ($1, $2, $3)"
        " ON CONFLICT DO NOTHING",
        audio_id,
        model_id,
        reason,
    )


async def counts(pool: asyncpg.Pool, model_id: str) -> tuple[int, int, int]:
    """Audios that are embedded, that wait, and that failed."""
    embedded = await pool.fetchval("SELECT count(*) FROM audio.embeddings WHERE model_id = $1", model_id)
    failed = await pool.fetchval(
        "SELECT count(*) FROM audio.embedding_failures WHERE model_id = $1", model_id
    )
    audios = await pool.fetchval("SELECT count(*) FROM audio.audios")
    return embedded, max(0, audios - embedded - failed), failed
