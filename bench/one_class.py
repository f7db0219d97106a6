"""What it costs that a label has one class: the same labels, taught with one and with all that sound.

    python bench/one_class.py --audio var/mixtures --truth var/mixtures/truth.csv \
      --events var/mixtures/events.csv

Random labels, 50, 150 and all of the pool. With one class: the classifier that predicts, of the class that
sounds longest. With all: the same regression for each class, of whether it sounds. Mean average precision and
mean recall on the held-out audios; `--json FILE` keeps them.
"""

import argparse
import json
import sys
from itertools import product
from pathlib import Path

import numpy as np
from threadpoolctl import threadpool_limits

sys.path.pop(0)  # this folder, whose embedder.py would be taken for the service

from al_engine.campaigns.all_classes import Judged, Presence
from al_engine.campaigns.campaign import LabeledAudios, Split
from al_engine.campaigns.inputs import heard
from al_engine.method.committee import predict_classes

SEEDS, LABELS = 3, (50, 150, None)


def with_one(audios: LabeledAudios, presence: Presence, labeled: np.ndarray, split: Split) -> Judged:
    """As at work."""
    vectors = audios.vectors
    return presence.judge(
        split.test, *predict_classes(vectors[labeled], audios.classes[labeled], vectors[split.test])
    )


def with_all(audios: LabeledAudios, presence: Presence, labeled: np.ndarray, split: Split) -> Judged:
    """A regression for each class that sounds in some of the labeled audios, and not in all."""
    there = presence.there[labeled]
    vectors, met = audios.vectors, np.flatnonzero(there.any(axis=0) & ~there.all(axis=0))
    probabilities = [
        predict_classes(vectors[labeled], np.where(there[:, column], "yes", "no"), vectors[split.test])[1][
            :, 1
        ]
        for column in met
    ]
    return presence.judge(split.test, presence.classes[met], np.stack(probabilities, axis=1))


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    for option in ("--audio", "--truth", "--events"):
        parser.add_argument(option, type=Path, required=True)
    parser.add_argument("--json", type=Path)
    chosen = parser.parse_args()
    audios = heard(chosen.truth, chosen.audio, ("yamnet", None), print, events=chosen.events)
    assert audios.presence, "the events say what sounds when"
    rows = []
    with threadpool_limits(1):
        for seed, fold, labels in product(range(SEEDS), audios.fold_numbers(), LABELS):
            split = audios.split(seed, fold, False)
            labeled = np.random.default_rng([seed, fold]).permutation(split.pool)[:labels]
            for taught, teach in (("one", with_one), ("all", with_all)):
                judged = teach(audios, audios.presence, labeled, split)
                rows.append(
                    {
                        "taught": taught,
                        "labels": labels or "pool",
                        "mean_average_precision": round(judged.mean_average_precision, 6),
                        "mean_recall": round(judged.mean_recall, 6),
                    }
                )
    for bought, taught in product(("pool" if it is None else it for it in LABELS), ("one", "all")):
        found = [row for row in rows if (row["labels"], row["taught"]) == (bought, taught)]
        precision, recall = (
            np.mean([row[name] for row in found]) for name in ("mean_average_precision", "mean_recall")
        )
        print(f"{bought!s:5} {taught}: {precision:.3f} {recall:.3f}")
    if chosen.json:
        chosen.json.write_text(json.dumps(rows, indent=1) + "\n", "utf-8")


if __name__ == "__main__":
    main()
