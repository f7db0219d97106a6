"""What the committee's classifier says of every audio that nobody has labeled, a page at a time."""

import asyncio
from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import asyncpg
import numpy as np
from pydantic import BaseModel

from al_engine.catalog import models, windows
from al_engine.exact.vectors import unit_vectors
from al_engine.iterations import earlier
from al_engine.iterations.earlier import Medoids
from al_engine.method.committee import Classifier
from escolta.events import Window
from escolta.service import Platform


class PredictedAudio(BaseModel):
    """What the committee's classifier says of an audio that nobody has labeled."""

    audio_id: UUID
    file_name: str
    predicted_class: str
    probability: float


class Predictor:
    """Predicts by the classifier of today's medoids; it is fitted anew only where they have changed."""

    def __init__(self, on: Platform) -> None:
        self._on = on
        self._fitting = asyncio.Lock()
        self._fitted: tuple[str, Medoids, Classifier] | None = None

    async def page(self, after: UUID, limit: int) -> list[PredictedAudio]:
        """Of the next `limit` embedded audios, by id, that no group is done with.

        Empty at the end, and while there are fewer than two classes. Raises `Waits` before the first
        embedding.
        """
        pool = self._on.catalog
        everything = Window(window_start=windows.BEGINNING, window_end=self._on.clock.now())
        async with pool.acquire() as connection:
            model_id, dim = await models.model_in_use(connection, self._on.settings.model)
            limit_medoids = self._on.settings.max_medoids
            medoids = await earlier.choose_medoids(connection, pool, [everything], model_id, limit_medoids)
        if len(set(medoids.classes)) < 2:
            return []
        audios = await never_labeled(pool, model_id, after, limit)
        if not audios:
            return []
        classifier = await self._classifier(model_id, dim, medoids)
        ids, starts, names = zip(*audios, strict=True)
        vectors = unit_vectors(await windows.vectors(pool, model_id, dim, ids, starts))
        predicted = await asyncio.to_thread(classifier.predict, vectors)
        classes, probabilities = predicted.classes.tolist(), predicted.probabilities.tolist()
        return [
            PredictedAudio(audio_id=audio_id, file_name=name, predicted_class=class_, probability=probability)
            for audio_id, name, class_, probability in zip(ids, names, classes, probabilities, strict=True)
        ]

    async def _classifier(self, model_id: str, dim: int, medoids: Medoids) -> Classifier:
        async with self._fitting:
            if self._fitted is None or self._fitted[:2] != (model_id, medoids):
                known = await windows.vectors(
                    self._on.catalog, model_id, dim, medoids.audio_ids, medoids.starts
                )
                classes = np.array(medoids.classes, np.str_)
                classifier = await asyncio.to_thread(Classifier, unit_vectors(known), classes)
                self._fitted = model_id, medoids, classifier
            return self._fitted[2]


async def never_labeled(
    pool: asyncpg.Pool, model_id: str, after: UUID, limit: int
) -> Sequence[tuple[UUID, datetime, str]]:
    """Id, start and file name; each page comes out of the indexes by id, whatever lies before it."""
    rows = await pool.fetch(_NEVER_LABELED, model_id, after, limit)
    return [(row["audio_id"], row["start_utc"], row["file_name"]) for row in rows]


# Not joined: PostgreSQL would be free to join and sort the whole catalog for a page of it.
_NEVER_LABELED = """
    WITH next AS MATERIALIZED (
        SELECT audio_id, start_utc FROM audio.hearable_embeddings AS e WHERE model_id = $1 AND audio_id > $2
        AND (SELECT true FROM al.wavs_proposed AS w
             WHERE w.audio_id = e.audio_id AND w.labeled_at IS NOT NULL LIMIT 1) IS NULL
        ORDER BY audio_id LIMIT $3)
    SELECT audio_id, start_utc,
           (SELECT file_name FROM audio.hearable AS a
            WHERE a.audio_id = next.audio_id AND a.start_utc = next.start_utc) AS file_name
    FROM next ORDER BY audio_id
"""
