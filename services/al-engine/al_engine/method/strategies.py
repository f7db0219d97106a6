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

from al_engine.exact.audio_ids import ids_of
from al_engine.exact.distances import nearest
from al_engine.exact.pairwise import pairwise
from al_engine.exact.vectors import UnitVectors, joined
from al_engine.method.committee import Classes, Classifier, Opinion
from al_engine.method.draw import draw
from al_engine.method.herding import MOST_FOR_BANDWIDTH, Support, herd, support_rows
from al_engine.method.kernel import Kernel, bandwidth
from al_engine.method.kmedoids import k_medoids
from al_engine.method.traversal import farthest_first
from al_engine.method.typiclust import typiclust
from escolta.errors import Misconfigured


@dataclass(frozen=True)
class View:
    """What a strategy knows.

    `samples [samples, dim]` and their `audio_ids`: one disjoint set, in order of audio id. `opinion`: what
    the committee says of them; None while there is no medoid. `medoids [medoids, dim]` and their classes:
    everything with an agreed class. `unresolved [unresolved, dim]`: heard, and without one.
    `open_proposals [open, dim]`: of batches that people have not answered yet.
    `taken`: other audios of this batch, from earlier sets and from the control arm.
    `batch`: the audios wanted of the whole iteration.
    """

    samples: UnitVectors
    audio_ids: Sequence[UUID]
    opinion: Opinion | None
    medoids: UnitVectors
    medoid_classes: Classes
    unresolved: UnitVectors
    open_proposals: UnitVectors
    taken: Sequence[UnitVectors]
    batch: int
    seed: int

    def earlier(self) -> list[UnitVectors]:
        """Unresolved audios and open proposals, without those of which there are none."""
        return [audios for audios in (self.unresolved, self.open_proposals) if len(audios)]

    def reached(self) -> list[UnitVectors]:
        """What people have heard or are about to hear, besides the medoids; none of it is empty."""
        return [*self.earlier(), *(audios for audios in self.taken if len(audios))]


Strategy = Callable[[View, int], list[int]]


def mal_mf(view: View, count: int) -> list[int]:
    """MAL while there is no medoid, then mismatch-first farthest-traversal (the paper's method)."""
    return mal(view, count) if view.opinion is None else mismatch_first(view, view.opinion, count)


def mal(view: View, count: int) -> list[int]:
    """The medoids of `count` clusters, largest cluster first (Zhao, Heittola & Virtanen 2017).

    Around open proposals and unresolved audios there are clusters already (ours).
    """
    if count >= len(view.samples):
        return list(range(len(view.samples)))  # a cluster each, without the matrix that says so
    earlier = view.earlier()
    to_earlier = nearest(view.samples, joined(earlier))[1] if earlier else None
    clustering = k_medoids(pairwise(view.samples), count, to_earlier)
    largest_first: list[int] = clustering.medoids[np.argsort(-clustering.sizes(), kind="stable")].tolist()
    return largest_first


def mismatch_first(view: View, opinion: Opinion, count: int) -> list[int]:
    """Farthest-first traversal, mismatched first (Zhao, Heittola & Virtanen 2020).

    What an open proposal's answer will tell of comes with the matched (ours).
    """
    to_open = _to_open(view)
    first = opinion.mismatched & ~(to_open < _to_heard(opinion))
    return farthest_first(view.samples, _to_known(view, opinion, to_open), first, count)


def farthest(view: View, count: int) -> list[int]:
    """Farthest-first traversal whatever the committee says (a greedy core-set, Sener & Savarese 2018)."""
    if view.opinion is None:
        return mal(view, count)
    matched = np.zeros(len(view.samples), bool)
    return farthest_first(view.samples, _to_known(view, view.opinion, _to_open(view)), matched, count)


def uncertainty(view: View, count: int) -> list[int]:
    """Those on which the classifier hesitates most between two classes, after a first batch by MAL.

    Margin sampling (Scheffer, Decomain & Wrobel 2001). With one class only there is nothing to hesitate
    between, and the farthest come first. Those nearest to an open proposal come last, the farthest of them
    first (ours).
    """
    if view.opinion is None or view.opinion.prediction is None:
        return farthest(view, count)
    classifier = Classifier(view.medoids, view.medoid_classes, unresolved=view.unresolved)
    margins = classifier.margins(view.samples)
    to_open = _to_open(view)
    awaiting = np.where(to_open < _to_heard(view.opinion), to_open, np.inf)
    return np.lexsort((margins, -awaiting))[:count].tolist()


def mal_then_herding(view: View, count: int) -> list[int]:
    """Uncertainty Herding (Bae et al. 2025) after a first batch by MAL."""
    if view.opinion is None:
        return mal(view, count)
    support, kernel = to_herd(view, view.opinion)
    return herd(view.samples, support, kernel, count)


def to_herd(view: View, opinion: Opinion) -> tuple[Support, Kernel]:
    """What herding has to cover, and how near is near.

    Doubtful is what the classifier that predicts hesitates on: 1 less the margin. With one class only all is.
    What an open proposal's answer will tell of is not (ours). Covered is what is near to medoids and
    to what is reached.
    """
    rows = support_rows(view.audio_ids, view.seed)
    for_bandwidth = draw(ids_of(view.audio_ids)[rows], MOST_FOR_BANDWIDTH, view.seed, "bandwidth")
    kernel = Kernel(bandwidth(view.samples.take(rows[for_bandwidth])))
    to_open = _to_open(view)
    doubt = (to_open >= _to_heard(opinion))[rows].astype(np.float64)
    if opinion.prediction is not None:
        classifier = Classifier(view.medoids, view.medoid_classes, unresolved=view.unresolved)
        doubt *= 1 - classifier.margins(view.samples.take(rows))
    covered = kernel.of(_to_known(view, opinion, to_open)[rows])
    return Support.of(rows, doubt, covered), kernel


def at_random(view: View, count: int) -> list[int]:
    """Uniformly at random, from this disjoint set; the control arm is drawn from all of them."""
    return draw(view.audio_ids, count, view.seed, "strategy").tolist()


def most_typical(view: View, count: int) -> list[int]:
    """TypiClust (Hacohen, Dekel & Weinshall 2022)."""
    return typiclust(view.samples, joined([view.medoids, *view.earlier()]), count, view.seed)


def typical_then_mal_mf(view: View, count: int) -> list[int]:
    """TypiClust while there are at most as many medoids as one batch gives, then MAL-MF (ours)."""
    return most_typical(view, count) if len(view.medoids) <= view.batch else mal_mf(view, count)


def _to_known(view: View, opinion: Opinion, to_open: NDArray[np.float32]) -> NDArray[np.float32]:
    """Each sample's distance to the nearest of the medoids and of what is reached."""
    distance = np.minimum(_to_heard(opinion), to_open)
    for taken in view.taken:
        if len(taken):
            distance = np.minimum(distance, nearest(view.samples, taken)[1])
    return distance


def _to_open(view: View) -> NDArray[np.float32]:
    """Each sample's distance to the nearest open proposal; infinite without one."""
    if not len(view.open_proposals):
        return np.full(len(view.samples), np.inf, np.float32)
    return nearest(view.samples, view.open_proposals)[1]


def _to_heard(opinion: Opinion) -> NDArray[np.float32]:
    """Each sample's distance to the nearest of the medoids and the unresolved audios."""
    if opinion.unresolved is None:
        return opinion.medoid_distance
    return np.minimum(opinion.medoid_distance, opinion.unresolved.distance)


STRATEGIES: dict[str, Strategy] = {
    "mal-mf": mal_mf,
    "random": at_random,
    "uncertainty": uncertainty,
    "farthest": farthest,
    "mal-then-herding": mal_then_herding,
    "typical": most_typical,
    "typical-then-mal-mf": typical_then_mal_mf,
}


def find(name: str) -> Strategy:
    """The strategy of that name; raises `Misconfigured` where there is none."""
    if name not in STRATEGIES:
        raise Misconfigured(f"there is no strategy {name!r}: choose one of {', '.join(STRATEGIES)}")
    return STRATEGIES[name]
