"""What it brings that open proposals count as taken, and that what nobody agreed on leaves a trace.

    python bench/earlier.py --audio ../shared/data/esc10/audio --truth ../shared/data/esc10/esc10.csv

A second batch of ten while the first is open, at a cold start and after 20 labels: how far its audios are
from the first ten, and macro-F1 when both are labeled. A class that nobody ever agrees on: how many of the
first 40 listens it takes, and macro-F1 over the other classes. Each without and with what earlier batches
left; `--json FILE` keeps the figures.
"""

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from itertools import product
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import f1_score
from threadpoolctl import threadpool_limits

sys.path.pop(0)  # this folder, whose embedder.py would be taken for the service

from al_engine.campaigns.campaign import LabeledAudios, Split
from al_engine.campaigns.inputs import heard
from al_engine.exact.distances import nearest
from al_engine.exact.memory import most_samples
from al_engine.exact.vectors import unit_vectors
from al_engine.method.committee import predict
from al_engine.method.earlier import Earlier
from al_engine.method.selection import SelectionSettings, select_batch

SEEDS, BATCH, LISTENS = 5, 10, 40

Rows = NDArray[np.intp]


class Pool:
    """Audios that can be proposed, and those that a classifier is tested with."""

    def __init__(self, audios: LabeledAudios, split: Split, strategy: str) -> None:
        self.audios, self.split, self.strategy = audios, split, strategy
        self.nobody = split.pool[:0]

    def batch(self, heard: Rows, medoids: Rows, unresolved: Rows, open_proposals: Rows) -> Rows:
        """The next ten that are neither heard nor open."""
        left = np.setdiff1d(self.split.pool, np.union1d(heard, open_proposals))
        vectors = self.audios.vectors
        found = select_batch(
            vectors[left],
            [self.audios.ids[row] for row in left],
            self.audios.top_classes[left],
            self.audios.top_probabilities[left],
            vectors[medoids],
            self.audios.classes[medoids],
            SelectionSettings(BATCH, most_samples(), self.strategy, seed=len(heard)),
            earlier=Earlier(vectors[unresolved], vectors[open_proposals]),
        )
        row_of = {self.audios.ids[row]: row for row in left}
        return np.array([row_of[proposal.audio_id] for proposal in found.proposals])

    def macro_f1(self, medoids: Rows, but: str = "") -> float:
        """Over the classes of the held-out audios, one left out."""
        test = self.split.test[self.audios.classes[self.split.test] != but]
        truth, vectors = self.audios.classes[test], self.audios.vectors
        said = predict(vectors[medoids], self.audios.classes[medoids], vectors[test]).classes
        return float(f1_score(truth, said, labels=np.unique(truth), average="macro", zero_division=0))


def open_batch(pool: Pool, labeled: int, told: bool) -> dict[str, float]:
    """A second batch while the first is open, after so many labels."""
    medoids = pool.nobody
    while len(medoids) < labeled:
        medoids = np.append(medoids, pool.batch(medoids, medoids, pool.nobody, pool.nobody))
    first = pool.batch(medoids, medoids, pool.nobody, pool.nobody)
    second = (
        pool.batch(medoids, medoids, pool.nobody, first)
        if told
        else pool.batch(np.append(medoids, first), medoids, pool.nobody, pool.nobody)
    )
    vectors = pool.audios.vectors
    away = nearest(unit_vectors(vectors[second]), unit_vectors(vectors[first]))[1]
    both = np.concatenate([medoids, first, second])
    return {"median_distance": float(np.median(away)), "macro_f1": pool.macro_f1(both)}


def never_agreed(pool: Pool, name: str, told: bool) -> dict[str, float]:
    """Four batches, of whose audios those of one class are never agreed on."""
    medoids, unresolved = pool.nobody, pool.nobody
    while len(medoids) + len(unresolved) < LISTENS:
        heard = np.append(medoids, unresolved)
        batch = pool.batch(heard, medoids, unresolved if told else pool.nobody, pool.nobody)
        agreed = pool.audios.classes[batch] != name
        medoids, unresolved = np.append(medoids, batch[agreed]), np.append(unresolved, batch[~agreed])
    return {"listens": len(unresolved), "macro_f1": pool.macro_f1(medoids, name)}


def mean(measure: Callable[[bool], list[dict[str, float]]]) -> dict[str, dict[str, float]]:
    """Of every figure, without and with what earlier batches left."""
    rows = {"without": measure(False), "with": measure(True)}
    return {
        when: {name: round(float(np.mean([row[name] for row in found])), 4) for name in found[0]}
        for when, found in rows.items()
    }


def measured(pools: Sequence[Pool], classes: Sequence[str]) -> dict[str, dict[str, dict[str, float]]]:
    """All three figures of a strategy."""
    return {
        "open batch, no label": mean(lambda told: [open_batch(pool, 0, told) for pool in pools]),
        "open batch, 20 labels": mean(lambda told: [open_batch(pool, 20, told) for pool in pools]),
        "a class that nobody agrees on": mean(
            lambda told: [never_agreed(pool, name, told) for pool in pools for name in classes]
        ),
    }


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--audio", type=Path, required=True)
    parser.add_argument("--truth", type=Path, required=True)
    parser.add_argument("--strategy", nargs="+", default=["mal-mf", "uncertainty"])
    parser.add_argument("--json", type=Path)
    chosen = parser.parse_args()
    audios = heard(chosen.truth, chosen.audio, ("yamnet", None), print)
    splits = [audios.split(seed, fold, False) for seed, fold in product(range(SEEDS), audios.fold_numbers())]
    classes = np.unique(audios.classes).tolist()
    found = {}
    with threadpool_limits(1):
        for strategy in chosen.strategy:
            found[strategy] = measured([Pool(audios, split, strategy) for split in splits], classes)
            print(strategy, json.dumps(found[strategy], indent=1), flush=True)
    if chosen.json:
        chosen.json.write_text(json.dumps(found, indent=1) + "\n", "utf-8")


if __name__ == "__main__":
    main()
