"""An offline campaign: what a strategy's labels teach, on audios whose classes are known beforehand.

Pure: from embeddings and truth to macro-F1 against labels bought. Who labels, whether they err, and how many
of them hear an audio are said by a team and a listening policy.
"""

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from uuid import NAMESPACE_URL, UUID, uuid5

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import f1_score

from al_engine.campaigns.all_classes import Judged, Presence
from al_engine.campaigns.folder_embeddings import Embeddings
from al_engine.campaigns.hearing import NOTHING_HEARD, Listening, Settled, Tally, tally
from al_engine.campaigns.people import ALONE, Team
from al_engine.method.committee import predict_classes
from al_engine.method.earlier import Earlier
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
    team: Team = ALONE
    policy: str = "group"


@dataclass(frozen=True)
class Split:
    """`pool` and `test`: rows, ascending. `rare`: the classes of which the pool keeps few."""

    pool: NDArray[np.intp]
    test: NDArray[np.intp]
    rare: NDArray[np.str_]


@dataclass(frozen=True)
class Point:
    """After so many labels: macro-F1 on the held-out audios, and over their rare classes alone, if any.

    `labels`: audios that were heard, agreed on or not. `classes`: those met so far, of which there is a
    medoid. `all_classes`: judged by every class that sounds in the held-out audios, where the truth says when
    each does. `heard`: what it took of the people, and what they made of it.
    """

    labels: int
    macro_f1: float
    macro_f1_rare: float | None
    classes: int
    all_classes: Judged | None = None
    heard: Tally = NOTHING_HEARD


@dataclass(frozen=True)
class Predicted:
    """What the classifier says: `classes [met]`, which have a medoid, and `probabilities [audios, met]`."""

    classes: NDArray[np.str_]
    probabilities: NDArray[np.float64]

    def of(self, row: int) -> str | None:
        """The most probable class of an audio; None where there is no medoid yet."""
        return str(self.classes[self.probabilities[row].argmax()]) if len(self.classes) else None


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
        """Buy batch after batch, and test after each, until the budget or the pool is used up.

        What is heard without an agreed class is bought, teaches no class, and is known to be unresolved.
        """
        split = self.split(campaign.seed, campaign.fold, campaign.imbalance)
        row_of = {self.ids[row]: row for row in split.pool}
        listening = Listening(campaign.team, campaign.policy, np.unique(self.classes), campaign.seed)
        settled: dict[int, Settled] = {}
        predicted = self._predict(settled)
        points: list[Point] = []
        while len(settled) < min(campaign.labels, len(split.pool)):
            for audio_id in self._batch(campaign, split, settled, max_set):
                row = row_of[audio_id]
                settled[row] = listening.settle(audio_id, str(self.classes[row]), predicted.of(row))
            predicted = self._predict(settled)
            points.append(self._point(settled, predicted, split))
        return points

    def _batch(
        self, campaign: Campaign, split: Split, settled: Mapping[int, Settled], max_set: int
    ) -> list[UUID]:
        left = np.setdiff1d(split.pool, list(settled))
        medoids, classes, unresolved = _learned(settled)
        batch = min(campaign.batch, campaign.labels - len(settled))
        proposals = select_batch(
            self.vectors[left],
            [self.ids[row] for row in left],
            self.top_classes[left],
            self.top_probabilities[left],
            self.vectors[medoids],
            classes,
            SelectionSettings(
                batch, max_set, campaign.strategy, seed=campaign.seed * 1_000_000 + len(settled)
            ),
            earlier=Earlier(self.vectors[unresolved], self.vectors[:0]),
        ).proposals
        return [proposal.audio_id for proposal in proposals]

    def _predict(self, settled: Mapping[int, Settled]) -> Predicted:
        medoids, classes, _ = _learned(settled)
        if not len(medoids):
            return Predicted(classes, np.empty((len(self.classes), 0)))
        return Predicted(*predict_classes(self.vectors[medoids], classes, self.vectors))

    def _point(self, settled: Mapping[int, Settled], predicted: Predicted, split: Split) -> Point:
        truth = self.classes[split.test]
        said = np.array([predicted.of(row) or "" for row in split.test], np.str_)
        probabilities = predicted.probabilities[split.test]
        return Point(
            len(settled),
            _macro_f1(truth, said, np.unique(truth)),
            _macro_f1(truth, said, split.rare) if len(split.rare) else None,
            len(predicted.classes),
            self.presence.judge(split.test, predicted.classes, probabilities) if self.presence else None,
            tally((it, str(self.classes[row])) for row, it in settled.items()),
        )


def _learned(
    settled: Mapping[int, Settled],
) -> tuple[NDArray[np.intp], NDArray[np.str_], NDArray[np.intp]]:
    """Rows of the medoids, ascending, their classes, and rows of what is unresolved."""
    medoids = sorted(row for row, it in settled.items() if it.agreed is not None)
    unresolved = sorted(settled.keys() - set(medoids))
    classes = np.array([settled[row].agreed for row in medoids], np.str_)
    return np.array(medoids, np.intp), classes, np.array(unresolved, np.intp)


def _macro_f1(truth: NDArray[np.str_], predicted: NDArray[np.str_], classes: NDArray[np.str_]) -> float:
    return float(f1_score(truth, predicted, labels=classes, average="macro", zero_division=0))
