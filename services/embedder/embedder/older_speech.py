"""Speech in what was embedded before it was looked for: found in the patch scores that were kept, once.

A model that kept none, such as CNN14, leaves it unknown in its older rows. What stands in audio.patches came
later, with its speech.
"""

import asyncpg
import numpy as np

from embedder.models.model import EmbeddingModel
from embedder.models.speech import speech_classes, speech_of
from embedder.store import LAST_ID

AT_ONCE = 200
"""Audios whose patch scores, 20 kB each, are in memory at once."""


async def find(pool: asyncpg.Pool, model: EmbeddingModel) -> None:
    """Go on where it was left, to the last audio; where all is found, it reads one row."""
    while await _find_some(pool, model):
        pass


async def _find_some(pool: asyncpg.Pool, model: EmbeddingModel) -> bool:
    """Whether there may be more. Two at once write the same."""
    found_to = await pool.fetchval(
        "SELECT speech_found_to FROM audio.models WHERE model_id = $1", model.model_id
    )
    if found_to == LAST_ID:
        return False
    rows = await pool.fetch(
        "SELECT audio_id, start_utc, scores FROM audio.patch_scores WHERE model_id = $1 AND audio_id > $2"
        " ORDER BY audio_id LIMIT $3",
        model.model_id,
        found_to,
        AT_ONCE,
    )
    classes = speech_classes(model.class_names)
    async with pool.acquire() as connection, connection.transaction():
        await connection.executemany(
            "UPDATE audio.embeddings SET speech = $4"
            " WHERE (audio_id, start_utc, model_id) = ($1, $2, $3) AND speech IS NULL",
            [
                (row["audio_id"], row["start_utc"], model.model_id, _speech(row["scores"], model, classes))
                for row in rows
            ],
        )
        await connection.execute(
            "UPDATE audio.models SET speech_found_to = $2 WHERE model_id = $1",
            model.model_id,
            rows[-1]["audio_id"] if len(rows) == AT_ONCE else LAST_ID,
        )
    return len(rows) == AT_ONCE


def _speech(scores: bytes, model: EmbeddingModel, classes: list[int]) -> float | None:
    """Of float16 `[patches, classes]`."""
    return speech_of(np.frombuffer(scores, "<f2").reshape(-1, len(model.class_names)), classes)
