"""Strategies: which audios of a disjoint set people should listen to next.

A strategy is a pure function `(view, count) -> rows`: up to `count` different rows of the view's samples,
best first. What it draws at random follows from the view's seed.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from uuid import UUID

import numpy as np

from al_engine.committee import Opinion
from al_engine.distances import nearest
from al_engine.kmedoids import k_medoids
from al_engine.pairwise import pairwise
from al_engine.traversal import farthest_first
from al_engine.vectors import UnitVectors
from escolta.errors import Misconfigured


@dataclass(frozen=True)
class View:
    """What a strategy knows.

    `samples [samples, dim]` and their `audio_ids`: one disjoint set, in order of audio id. `opinion`: what
    the committee says of them; None while there is no medoid. `medoids [medoids, dim]`: everything labeled.
    `taken`: other audios of this batch, from earlier sets and from the control arm.
    `batch`: the audios wanted of the whole iteration.
    """

    samples: UnitVectors
    audio_ids: Sequence[UUID]
    opinion: Opinion | None
    medoids: UnitVectors
    taken: Sequence[UnitVectors]
    batch: int
    seed: int


Strategy = Callable[[View, int], list[int]]


def mal_mf(view: View, count: int) -> list[int]:
    """MAL while there is no medoid, then mismatch-first farthest-traversal (the paper's method)."""
    return mal(view, count) if view.opinion is None else mismatch_first(view, view.opinion, count)


def mal(view: View, count: int) -> list[int]:
    """The medoids of `count` clusters, largest cluster first (Zhao, Heittola & Virtanen 2017)."""
    clustering = k_medoids(pairwise(view.samples), min(count, len(view.samples)))
    largest_first: list[int] = clustering.medoids[np.argsort(-clustering.sizes(), kind="stable")].tolist()
    return largest_first


def mismatch_first(view: View, opinion: Opinion, count: int) -> list[int]:
    """Farthest-first traversal, mismatched first (Zhao, Heittola & Virtanen 2020)."""
    distance = opinion.medoid_distance
    for earlier in view.taken:
        distance = np.minimum(distance, nearest(view.samples, earlier)[1])
    return farthest_first(view.samples, distance, opinion.mismatched, count)


STRATEGIES: dict[str, Strategy] = {"mal-mf": mal_mf}


def find(name: str) -> Strategy:
    """The strategy of that name; raises `Misconfigured` where there is none."""
    if name not in STRATEGIES:
        raise Misconfigured(f"there is no strategy {name!r}: choose one of {', '.join(STRATEGIES)}")
    return STRATEGIES[name]
