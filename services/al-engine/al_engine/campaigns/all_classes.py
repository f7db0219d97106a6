"""Audios that hold several classes: the one that people agree on, and how a classifier is judged by all.

A medoid has one class, whatever else is to be heard beside it (`escolta.listening.agreement`). So labels
teach one class an audio here as well, and the classifier's probabilities are held against
every class there is.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import average_precision_score

from escolta.truth import Sound, Truth


@dataclass(frozen=True)
class Judged:
    """Against all classes of the audios that a classifier is tested with.

    `mean_average_precision`: over classes, of the audios in order of the class's probability. `recall`: of
    the audios in which a class sounds, the part where it is among the n most probable ones, for the n classes
    that sound there. With one class an audio that is recall as it is known.
    """

    mean_average_precision: float
    recall: Mapping[str, float]

    @property
    def mean_recall(self) -> float:
        """Every class counts as much."""
        return sum(self.recall.values()) / len(self.recall)


class Presence:
    """Which classes sound in which audios.

    `classes`: in alphabetical order. `there`: bool `[audios, classes]`, in the order of the names.
    """

    def __init__(self, truth: Truth, names: Sequence[str]) -> None:
        heard = [_categories(truth, name) for name in names]
        self.classes = np.array(sorted(set().union(*heard)), np.str_)
        self.there = np.array([np.isin(self.classes, sorted(categories)) for categories in heard])

    def judge(
        self, rows: NDArray[np.intp], met: NDArray[np.str_], probabilities: NDArray[np.float64]
    ) -> Judged:
        """`probabilities [rows, met]` of those of the classes that a classifier has met; of others 0."""
        there = self.there[rows]
        given = np.zeros(there.shape)
        given[:, np.searchsorted(self.classes, met)] = probabilities
        tested = np.flatnonzero(there.any(axis=0))
        places = np.argsort(np.argsort(-given, axis=1, kind="stable"), axis=1)
        among = places < there.sum(axis=1, keepdims=True)
        recall = (among & there)[:, tested].sum(axis=0) / there[:, tested].sum(axis=0)
        precision = [average_precision_score(there[:, column], given[:, column]) for column in tested]
        return Judged(
            float(np.mean(precision)),
            dict(zip(self.classes[tested].tolist(), recall.tolist(), strict=True)),
        )


def agreed(truth: Truth) -> tuple[Truth, list[str]]:
    """The truth with the class of each file that people agree on who mark every sound; what to know of it.

    Where the times of its sounds are known, that is the class that sounds longest.
    """
    categories = {
        name: longest(truth.sounds[name]) if name in truth.sounds else category
        for name, category in truth.categories.items()
    }
    notes = []
    if other := [name for name, category in truth.categories.items() if categories[name] != category]:
        notes.append(
            f"files whose category is not what sounds longest in them: {len(other)}, first {other[0]}: labels"
            f" say {categories[other[0]]}, and not {truth.categories[other[0]]}"
        )
    if more := [name for name in truth.sounds if name not in categories]:
        notes.append(f"files that --events alone names: {len(more)}, first {more[0]}: they are left out")
    return replace(truth, categories=categories), notes


def longest(sounds: Sequence[Sound]) -> str:
    """The class that sounds longest, at the same time counted once; of those alike the first by its name.

    It is what label-gateway's rule makes of the marks of one who errs never.
    """
    spans: dict[str, list[tuple[float, float]]] = {}
    for sound in sounds:
        spans.setdefault(sound.category, []).append((sound.onset_s, sound.offset_s))
    return min(spans, key=lambda category: (-_union_s(spans[category]), category))


def _union_s(spans: Sequence[tuple[float, float]]) -> float:
    """To the microsecond, as people's marks are compared."""
    total_s, reached_s = 0.0, 0.0
    for onset_s, offset_s in sorted(spans):
        total_s += max(0.0, offset_s - max(onset_s, reached_s))
        reached_s = max(reached_s, offset_s)
    return round(total_s, 6)


def _categories(truth: Truth, name: str) -> set[str]:
    if name in truth.sounds:
        return {sound.category for sound in truth.sounds[name]}
    return {truth.categories[name]}
