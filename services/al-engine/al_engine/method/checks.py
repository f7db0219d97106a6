"""What a selection can be given, and what not."""

from collections.abc import Sequence
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from al_engine.exact.vectors import UnitVectors, unit_vectors
from al_engine.method.committee import Classes
from escolta.errors import Rejected


def finite_vectors(embeddings: NDArray[np.floating], kind: str) -> UnitVectors:
    """Scaled to unit length, if all are finite; `kind` is how one is named."""
    vectors = unit_vectors(embeddings)
    check_finite(vectors, [f"{kind} {row}" for row in range(len(vectors))])
    return vectors


def check_finite(vectors: UnitVectors, names: list[str]) -> None:
    """Raises `Rejected` with the first name whose vector is not."""
    bad = np.flatnonzero(~vectors.finite)
    if len(bad):
        raise Rejected(f"the embedding of {names[bad[0]]} is not finite: embed it again")


def check_shapes(
    embeddings: NDArray[np.floating],
    audio_ids: Sequence[UUID],
    top_classes: NDArray[np.generic],
    top_probabilities: NDArray[np.floating],
    medoid_embeddings: NDArray[np.floating],
    medoid_classes: Classes,
) -> None:
    """Raises `ValueError` where arrays do not belong together: a fault of whoever calls."""
    n = len(audio_ids)
    if not n == len(embeddings) == len(top_classes) == len(top_probabilities):
        raise ValueError(f"{n} audio ids need as many embeddings, top-1 classes and probabilities")
    if len(medoid_embeddings) != len(medoid_classes):
        raise ValueError(f"{len(medoid_embeddings)} medoids need as many classes, not {len(medoid_classes)}")
    if n and len(medoid_classes) and medoid_embeddings.shape[1] != embeddings.shape[1]:
        raise ValueError(
            f"medoids of {medoid_embeddings.shape[1]} dimensions cannot be compared with "
            f"audios of {embeddings.shape[1]}: they are from different models"
        )
