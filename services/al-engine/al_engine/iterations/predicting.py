"""What the committee says of every audio that nobody has labeled."""

import asyncio
from typing import NamedTuple
from uuid import UUID

import numpy as np

from al_engine.catalog import windows
from al_engine.exact.vectors import blocks, unit_vectors
from al_engine.iterations import inputs, store
from al_engine.method.committee import Classifier
from escolta.events import Window
from escolta.service import Platform

PREDICTED_AT_ONCE = 10_000
"""All vectors may be more than the memory holds."""


class Predicted(NamedTuple):
    """The class and its probability by the committee's classifier."""

    audio_id: UUID
    file_name: str
    predicted_class: str
    probability: float


async def predicted(on: Platform) -> list[Predicted]:
    """Of each embedded audio that no group is done with, by the classifier fitted to every medoid.

    Empty while there are fewer than two classes.
    """
    everything = Window(window_start=windows.BEGINNING, window_end=on.clock.now())
    pool = on.catalog
    async with pool.acquire() as connection:
        model_id, dim = await store.model_in_use(connection, on.settings.model)
        medoids = await inputs.choose_medoids(
            connection, pool, [everything], model_id, on.settings.max_medoids
        )
    audios = await store.never_labeled(pool, model_id)
    if not audios or len(set(medoids.classes)) < 2:
        return []
    known = await windows.vectors(pool, model_id, dim, medoids.audio_ids, medoids.starts)
    classes = np.array(medoids.classes, np.str_)
    classifier = await asyncio.to_thread(Classifier, unit_vectors(known), classes)
    said: list[Predicted] = []
    for block in blocks(len(audios), PREDICTED_AT_ONCE):
        ids, starts, names = (list(column) for column in zip(*audios[block], strict=True))
        vectors = unit_vectors(await windows.vectors(pool, model_id, dim, ids, starts))
        found = await asyncio.to_thread(classifier.predict, vectors)
        of_block = zip(ids, names, found.classes.tolist(), found.probabilities.tolist(), strict=True)
        said += [Predicted(*one) for one in of_block]
    return said
