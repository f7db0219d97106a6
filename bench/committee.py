"""How smooth the committee's classifier should be: labels that MAL-MF needs, by the C of its mismatches.

    python bench/committee.py --audio ../shared/data/esc10/audio --truth ../shared/data/esc10/esc10.csv
    python bench/committee.py --embeddings ../shared/data/animals/embeddings.npy \
        --truth ../shared/data/animals/animals.csv --seeds 10 --labels 150 --target .80 --target .85

Prints a line for each C, with and without rare classes: how many labels each target needs, and the mean
curve. `--json FILE` keeps the curves.
"""

import argparse
import json
import sys
from itertools import product
from pathlib import Path

from threadpoolctl import threadpool_limits

sys.path.pop(0)  # this folder, whose embedder.py would be taken for the service

from al_engine.campaigns.campaign import Campaign, LabeledAudios
from al_engine.campaigns.inputs import given, heard
from al_engine.campaigns.results import Result, labels_needed, mean_curve
from al_engine.exact.memory import most_samples
from al_engine.method import committee

OF_MISMATCHES = (100.0, 10.0, 1.0, 0.1)
BATCH = 10


def measure(audios: LabeledAudios, c: float, imbalance: bool, chosen: argparse.Namespace) -> dict:
    """The mean curve of MAL-MF over seeds and folds where the committee's member has this C."""
    committee.TO_DISAGREE = c
    campaigns = [
        Campaign("mal-mf", seed, fold, imbalance, BATCH, chosen.labels)
        for seed, fold in product(range(chosen.seeds), audios.fold_numbers())
    ]
    curve = mean_curve([Result(campaign, audios.run(campaign, most_samples())) for campaign in campaigns])
    return {
        "c": c,
        "imbalance": imbalance,
        "labels": curve.labels,
        "macro_f1": [round(mean, 4) for mean in curve.mean],
        "needed": {target: labels_needed(curve, target) for target in chosen.target},
    }


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    sound = parser.add_mutually_exclusive_group(required=True)
    sound.add_argument("--audio", type=Path)
    sound.add_argument("--embeddings", type=Path)
    parser.add_argument("--truth", type=Path, required=True)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--labels", type=int, default=100)
    parser.add_argument("--target", type=float, action="append")
    parser.add_argument("--json", type=Path)
    chosen = parser.parse_args()
    chosen.target = chosen.target or [0.95]
    if chosen.audio:
        audios = heard(chosen.truth, chosen.audio, ("yamnet", None), print)
    else:
        audios = given(chosen.truth, chosen.embeddings, print)
    rows = []
    with threadpool_limits(1):
        for imbalance, c in product((False, True), OF_MISMATCHES):
            rows.append(measure(audios, c, imbalance, chosen))
            curve_text = " ".join(f"{mean:.3f}" for mean in rows[-1]["macro_f1"])
            print(f"C={c:<6} {imbalance=!s:5} needed={rows[-1]['needed']} {curve_text}", flush=True)
    if chosen.json:
        chosen.json.write_text(json.dumps(rows, indent=1) + "\n", "utf-8")


if __name__ == "__main__":
    main()
