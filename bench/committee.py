"""How smooth the committee's classifier should be: labels that MAL-MF needs, by the C of its mismatches.

    python bench/committee.py --audio ../shared/data/esc10/audio --truth ../shared/data/esc10/esc10.csv

Prints a line for each C, with and without rare classes; `--json FILE` keeps the mean curves.
"""

import argparse
import json
import sys
from itertools import product
from pathlib import Path

from threadpoolctl import threadpool_limits

sys.path.pop(0)  # this folder, whose embedder.py would be taken for the service

from al_engine.campaigns.campaign import Campaign, LabeledAudios
from al_engine.campaigns.inputs import heard
from al_engine.campaigns.results import Result, labels_needed, mean_curve
from al_engine.exact.memory import most_samples
from al_engine.method import committee

OF_MISMATCHES = (100.0, 10.0, 1.0, 0.1)
SEEDS, BATCH, LABELS = 5, 10, 100


def measure(audios: LabeledAudios, c: float, imbalance: bool) -> dict:
    """The mean curve of MAL-MF over seeds and folds where the committee's member has this C."""
    committee.TO_DISAGREE = c
    campaigns = [
        Campaign("mal-mf", seed, fold, imbalance, BATCH, LABELS)
        for seed, fold in product(range(SEEDS), audios.fold_numbers())
    ]
    curve = mean_curve([Result(campaign, audios.run(campaign, most_samples())) for campaign in campaigns])
    means = [round(mean, 4) for mean in curve.mean]
    return {
        "c": c,
        "imbalance": imbalance,
        "labels": curve.labels,
        "macro_f1": means,
        "needed": labels_needed(curve),
    }


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--audio", type=Path, required=True)
    parser.add_argument("--truth", type=Path, required=True)
    parser.add_argument("--json", type=Path)
    chosen = parser.parse_args()
    audios = heard(chosen.truth, chosen.audio, ("yamnet", None), print)
    rows = []
    with threadpool_limits(1):
        for imbalance, c in product((False, True), OF_MISMATCHES):
            rows.append(measure(audios, c, imbalance))
            curve_text = " ".join(f"{mean:.3f}" for mean in rows[-1]["macro_f1"])
            print(
                f"C={c:<6} imbalance={imbalance!s:5} needed={rows[-1]['needed']!s:4} {curve_text}", flush=True
            )
    if chosen.json:
        chosen.json.write_text(json.dumps(rows, indent=1) + "\n", "utf-8")


if __name__ == "__main__":
    main()
