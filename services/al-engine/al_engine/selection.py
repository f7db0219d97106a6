"""One batch of the active-learning iteration: which audios people should listen to next.

Naranjo-Alcazar et al. 2024, section 2.4: the unlabeled audios are partitioned into disjoint sets; from
the first, MAL (Zhao, Heittola & Virtanen 2017) proposes while there is no medoid, then MAL-MF (2020).
Nothing here is random, and rows are put in order of audio id first: the same audios, settings and
medoids give the same batch.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

import numpy as np
from numpy.typing import ArrayLike, NDArray

from al_engine.committee import Classes, Committee, Opinion
from al_engine.distances import UnitVectors, nearest, pairwise, unit_vectors
from al_engine.kmedoids import k_medoids
from al_engine.partition import partition
from al_engine.traversal import farthest_first
from escolta.errors import Rejected


@dataclass(frozen=True)
class SelectionSettings:
    """`batch`: audios to propose, B. `max_set`: the most audios of one disjoint set, N_max."""

    batch: int
    max_set: int


@dataclass(frozen=True)
class Proposal:
    """One audio of the batch. What the committee said of it is None where there was no medoid yet.

    `rank` and `disjoint_set` count from 1. `nearest_medoid` is a row of the given medoids.
    `predicted_class` and its probability are None as well while the medoids have one class only.
    """

    rank: int
    audio_id: UUID
    disjoint_set: int
    nearest_medoid: int | None = None
    medoid_distance: float | None = None
    propagated_class: str | None = None
    predicted_class: str | None = None
    predicted_probability: float | None = None
    mismatched: bool = False


def select_batch(
    embeddings: NDArray[np.floating],
    audio_ids: Sequence[UUID],
    top_classes: ArrayLike,
    top_probabilities: ArrayLike,
    medoid_embeddings: NDArray[np.floating],
    medoid_classes: ArrayLike,
    settings: SelectionSettings,
) -> list[Proposal]:
    """Propose `settings.batch` of the unlabeled audios, or all when there are fewer; best first.

    `embeddings [samples, dim]` float16 or float32 of any length; `audio_ids`, `top_classes`,
    `top_probabilities` `[samples]`: the tagger's top-1 class and its probability.
    `medoid_embeddings [medoids, dim]` and `medoid_classes [medoids]`, in the order in which medoids are
    wanted: of equally near ones the first counts. There may be none of either.

    1. Put the rows in order of audio id, and partition them into disjoint sets.
    2. Take D_1; no medoids yet: k-medoids; otherwise: mismatch-first farthest-traversal.
    3. A set that is used up leaves the rest of the batch to the next one.

    Raises `Rejected` when an embedding is not finite, `ValueError` when shapes do not fit.
    """
    classes, p = np.asarray(top_classes), np.asarray(top_probabilities)
    labels = np.asarray(medoid_classes, np.str_)
    _check_shapes(embeddings, audio_ids, classes, p, medoid_embeddings, labels)
    by_id = np.array(sorted(range(len(audio_ids)), key=audio_ids.__getitem__), np.intp)
    sets = partition(classes[by_id], p[by_id], settings.max_set)
    committee = _committee(medoid_embeddings, labels)
    proposals: list[Proposal] = []
    used_up: list[UnitVectors] = []
    for number, members in enumerate(sets, 1):
        if len(proposals) >= settings.batch:
            break
        ids = [audio_ids[row] for row in by_id[members]]
        samples = unit_vectors(embeddings, by_id[members])
        _check_finite(samples, [f"audio {audio_id}" for audio_id in ids])
        opinion = committee.judge(samples) if committee else None
        wanted = settings.batch - len(proposals)
        taken = _mal_mf(samples, opinion, used_up, wanted) if opinion else _mal(samples, wanted)
        for row in taken:
            proposals.append(_proposal(len(proposals) + 1, ids[row], number, row, opinion))
        used_up.append(samples)
    return proposals


def _mal(samples: UnitVectors, count: int) -> list[int]:
    """Rows of the medoids of `count` clusters, largest cluster first."""
    clustering = k_medoids(pairwise(samples), min(count, len(samples)))
    largest_first: list[int] = clustering.medoids[np.argsort(-clustering.sizes(), kind="stable")].tolist()
    return largest_first


def _mal_mf(samples: UnitVectors, opinion: Opinion, used_up: list[UnitVectors], count: int) -> list[int]:
    """Rows by farthest-first traversal, mismatched first; earlier sets' audios count as taken."""
    distance = opinion.medoid_distance
    for earlier in used_up:
        distance = np.minimum(distance, nearest(samples, earlier)[1])
    return farthest_first(samples, distance, opinion.mismatched, count)


def _proposal(rank: int, audio_id: UUID, disjoint_set: int, row: int, opinion: Opinion | None) -> Proposal:
    if opinion is None:
        return Proposal(rank, audio_id, disjoint_set)
    said = opinion.prediction
    return Proposal(
        rank,
        audio_id,
        disjoint_set,
        nearest_medoid=int(opinion.nearest_medoid[row]),
        medoid_distance=float(opinion.medoid_distance[row]),
        propagated_class=str(opinion.propagated[row]),
        predicted_class=None if said is None else str(said.classes[row]),
        predicted_probability=None if said is None else float(said.probabilities[row]),
        mismatched=bool(opinion.mismatched[row]),
    )


def _committee(embeddings: NDArray[np.floating], classes: Classes) -> Committee | None:
    if len(classes) == 0:
        return None
    medoids = unit_vectors(embeddings)
    _check_finite(medoids, [f"medoid {row}" for row in range(len(medoids))])
    return Committee(medoids, classes)


def _check_finite(vectors: UnitVectors, names: list[str]) -> None:
    bad = np.flatnonzero(~np.isfinite(vectors.half_squares))
    if len(bad):
        raise Rejected(f"the embedding of {names[bad[0]]} is not finite: embed it again")


def _check_shapes(
    embeddings: NDArray[np.floating],
    audio_ids: Sequence[UUID],
    top_classes: NDArray[np.generic],
    top_probabilities: NDArray[np.floating],
    medoid_embeddings: NDArray[np.floating],
    medoid_classes: Classes,
) -> None:
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
