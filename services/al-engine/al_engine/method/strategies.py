"""Strategies: which audios of a disjoint set people should listen to next.

A strategy is a pure function `(view, count) -> rows`: up to `count` different rows of the view's samples,
best first. What it draws at random follows from the view's seed. A window over several nodes or times is
one view like any other. docs/strategies.md shows which strategy wins where.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from al_engine.exact.distances import nearest
from al_engine.exact.pairwise import pairwise
from al_engine.exact.vectors import UnitVectors
from al_engine.method.committee import Classes, Classifier, Opinion
from al_engine.method.draw import draw
from al_engine.method.kmedoids import k_medoids
from al_engine.method.traversal import farthest_first
from al_engine.method.typiclust import typiclust
from escolta.errors import Misconfigured


@dataclass(frozen=True)
class View:
    """What a strategy knows.

    `samples [samples, dim]` and their `audio_ids`: one disjoint set, in order of audio id. `opinion`: what
    the committee says of them; None while there is no medoid. `medoids [medoids, dim]` and their classes:
    everything labeled.
    `taken`: other audios of this batch, from earlier sets and from the control arm.
    `batch`: the audios wanted of the whole iteration.
    """

    samples: UnitVectors
    audio_ids: Sequence[UUID]
    opinion: Opinion | None
    medoids: UnitVectors
    medoid_classes: Classes
    taken: Sequence[UnitVectors]
    batch: int
    seed: int


Strategy = Callable[[View, int], list[int]]


def mal_mf(view: View, count: int) -> list[int]:
    """MAL while there is no medoid, then mismatch-first farthest-traversal (the paper's method)."""
    return mal(view, count) if view.opinion is None else mismatch_first(view, view.opinion, count)


def mal(view: View, count: int) -> list[int]:
    """The medoids of `count` clusters, largest cluster first (Zhao, Heittola & Virtanen 2017)."""
    if count >= len(view.samples):
        return list(range(len(view.samples)))  # a cluster each, without the matrix that says so
    clustering = k_medoids(pairwise(view.samples), count)
    largest_first: list[int] = clustering.medoids[np.argsort(-clustering.sizes(), kind="stable")].tolist()
    return largest_first


def mismatch_first(view: View, opinion: Opinion, count: int) -> list[int]:
    """Farthest-first traversal, mismatched first (Zhao, Heittola & Virtanen 2020)."""
    return farthest_first(view.samples, _to_known(view, opinion), opinion.mismatched, count)


def farthest(view: View, count: int) -> list[int]:
    """Farthest-first traversal whatever the committee says (a greedy core-set, Sener & Savarese 2018)."""
    if view.opinion is None:
        return mal(view, count)
    matched = np.zeros(len(view.samples), bool)
    return farthest_first(view.samples, _to_known(view, view.opinion), matched, count)


def uncertainty(view: View, count: int) -> list[int]:
    """Those on which the classifier hesitates most between two classes, after a first batch by MAL.

    Margin sampling (Scheffer, Decomain & Wrobel 2001). With one class only there is nothing to hesitate
    between, and the farthest come first.
    """
    if view.opinion is None or view.opinion.prediction is None:
        return farthest(view, count)
    margins = Classifier(view.medoids, view.medoid_classes).margins(view.samples)
    return np.argsort(margins, kind="stable")[:count].tolist()


def at_random(view: View, count: int) -> list[int]:
    """Uniformly at random, from this disjoint set; the control arm is drawn from all of them."""
    return draw(view.audio_ids, count, view.seed, "strategy").tolist()


def most_typical(view: View, count: int) -> list[int]:
    """TypiClust (Hacohen, Dekel & Weinshall 2022)."""
    return typiclust(view.samples, view.medoids, count, view.seed)


def typical_then_mal_mf(view: View, count: int) -> list[int]:
    """TypiClust while there are at most as many medoids as one batch gives, then MAL-MF (ours)."""
    return most_typical(view, count) if len(view.medoids) <= view.batch else mal_mf(view, count)


def _to_known(view: View, opinion: Opinion) -> NDArray[np.float32]:
    """Each sample's distance to the nearest of the medoids and the batch's other audios."""
    distance = opinion.medoid_distance
    for earlier in view.taken:
        distance = np.minimum(distance, nearest(view.samples, earlier)[1])
    return distance


STRATEGIES: dict[str, Strategy] = {
    "mal-mf": mal_mf,
    "random": at_random,
    "uncertainty": uncertainty,
    "farthest": farthest,
    "typical": most_typical,
    "typical-then-mal-mf": typical_then_mal_mf,
}


def find(name: str) -> Strategy:
    """The strategy of that name; raises `Misconfigured` where there is none."""
    if name not in STRATEGIES:
        raise Misconfigured(f"there is no strategy {name!r}: choose one of {', '.join(STRATEGIES)}")
    return STRATEGIES[name]
