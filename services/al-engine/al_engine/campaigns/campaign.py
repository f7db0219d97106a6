"""An offline campaign: what a strategy's labels teach, on audios whose classes are known beforehand.

Pure: from embeddings and truth to macro-F1 against labels bought. Whoever labels here never errs.
"""

import unicodedata
from dataclasses import dataclass
from uuid import NAMESPACE_URL, UUID, uuid5

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import f1_score

from al_engine.campaigns.all_classes import Judged, Presence
from al_engine.campaigns.folder_embeddings import Embeddings
from al_engine.method.committee import predict_classes
from al_engine.method.selection import SelectionSettings, select_batch
from escolta.truth import Truth

HIDDEN = 0.1
"""Part of the pool that a seed hides, so that a strategy that draws nothing at random has a spread too."""
RARE_CLASSES = 1 / 3
RARE_KEEP = 1 / 4
FEWEST_KEPT = 2
HELD_OUT = 0.25
"""Part of each class that is held out where the truth has no folds."""


@dataclass(frozen=True)
class Campaign:
    """One strategy with one seed, tested on one fold, buying labels in batches up to a budget."""

    strategy: str
    seed: int
    fold: int
    imbalance: bool
    batch: int
    labels: int


@dataclass(frozen=True)
class Split:
    """`pool` and `test`: rows, ascending. `rare`: the classes of which the pool keeps few."""

    pool: NDArray[np.intp]
    test: NDArray[np.intp]
    rare: NDArray[np.str_]


@dataclass(frozen=True)
class Point:
    """After so many labels: macro-F1 on the held-out audios, and over their rare classes alone, if any.

    `classes`: those met so far, of which there is a label. `all_classes`: judged by every class that sounds
    in the held-out audios, where the truth says when each does.
    """

    labels: int
    macro_f1: float
    macro_f1_rare: float | None
    classes: int
    all_classes: Judged | None = None


class LabeledAudios:
    """Audios with embeddings and truth, put in order of audio id, as the catalog gives them."""

    def __init__(self, truth: Truth, embeddings: Embeddings) -> None:
        """Of the embeddings, those of the files that the truth knows, by the category of each."""
        row_of = {name: row for row, name in enumerate(embeddings.names) if name in truth.categories}
        ids = {name: uuid5(NAMESPACE_URL, unicodedata.normalize("NFC", name)) for name in row_of}
        names = sorted(row_of, key=ids.__getitem__)
        order = np.array([row_of[name] for name in names], np.intp)
        self.ids: list[UUID] = [ids[name] for name in names]
        self.vectors = embeddings.vectors[order]
        self.top_classes = embeddings.top_classes[order]
        self.top_probabilities = embeddings.top_probabilities[order]
        self.classes = np.array([truth.categories[name] for name in names], np.str_)
        self.folds = np.array([truth.folds[name] for name in names], np.intp) if truth.folds else None
        self.presence = Presence(truth, names) if truth.sounds else None

    def fold_numbers(self) -> list[int]:
        """The folds to hold out, one after the other; without folds one, which every seed draws anew."""
        return [1] if self.folds is None else np.unique(self.folds).tolist()

    def split(self, seed: int, fold: int, imbalance: bool) -> Split:
        """What can be bought and what is tested with; the same for every strategy.

        1. Hold out the fold; without folds, a quarter of each class, at random.
        2. With imbalance, a third of the classes, drawn at random, keep a quarter of their audios.
        3. Hide a tenth of what is left, at random. Two audios of a class stay in any case.
        """
        rng = np.random.default_rng([seed, fold])
        test = self._held_out(fold, rng)
        classes = np.unique(self.classes)
        rare = rng.permutation(classes)[: int(len(classes) * RARE_CLASSES)] if imbalance else classes[:0]
        pool = []
        for name in classes:
            rows = rng.permutation(np.flatnonzero((self.classes == name) & ~test))
            share = RARE_KEEP if name in rare else 1.0
            pool.append(rows[: max(FEWEST_KEPT, round(share * (1 - HIDDEN) * len(rows)))])
        return Split(np.sort(np.concatenate(pool)), np.flatnonzero(test), rare)

    def _held_out(self, fold: int, rng: np.random.Generator) -> NDArray[np.bool_]:
        if self.folds is not None:
            return self.folds == fold
        test = np.zeros(len(self.classes), bool)
        for name in np.unique(self.classes):
            rows = rng.permutation(np.flatnonzero(self.classes == name))
            test[rows[: max(1, round(HELD_OUT * len(rows)))]] = True
        return test

    def run(self, campaign: Campaign, max_set: int) -> list[Point]:
        """Buy batch after batch, and test after each, until the budget or the pool is used up."""
        split = self.split(campaign.seed, campaign.fold, campaign.imbalance)
        row_of = {self.ids[row]: row for row in split.pool}
        labeled = split.pool[:0]
        points: list[Point] = []
        while len(labeled) < min(campaign.labels, len(split.pool)):
            left = np.setdiff1d(split.pool, labeled)
            batch = min(campaign.batch, campaign.labels - len(labeled))
            seed = campaign.seed * 1_000_000 + len(labeled)
            proposals = select_batch(
                self.vectors[left],
                [self.ids[row] for row in left],
                self.top_classes[left],
                self.top_probabilities[left],
                self.vectors[labeled],
                self.classes[labeled],
                SelectionSettings(batch, max_set, campaign.strategy, seed=seed),
            ).proposals
            bought = [row_of[proposal.audio_id] for proposal in proposals]
            labeled = np.union1d(labeled, np.array(bought, np.intp))
            points.append(self._point(labeled, split))
        return points

    def _point(self, labeled: NDArray[np.intp], split: Split) -> Point:
        classes, probabilities = predict_classes(
            self.vectors[labeled], self.classes[labeled], self.vectors[split.test]
        )
        predicted = classes[probabilities.argmax(axis=1)]
        truth = self.classes[split.test]
        rare = _macro_f1(truth, predicted, split.rare) if len(split.rare) else None
        met = len(np.unique(self.classes[labeled]))
        judged = self.presence.judge(split.test, classes, probabilities) if self.presence else None
        return Point(len(labeled), _macro_f1(truth, predicted, np.unique(truth)), rare, met, judged)


def _macro_f1(truth: NDArray[np.str_], predicted: NDArray[np.str_], classes: NDArray[np.str_]) -> float:
    return float(f1_score(truth, predicted, labels=classes, average="macro", zero_division=0))
