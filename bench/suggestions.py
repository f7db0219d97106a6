"""How often the class that people would give is among the three that are suggested.

    python bench/suggestions.py --audio ../shared/data/esc10/audio --truth ../shared/data/esc10/esc10.csv

Labels bought in batches of ten and never wrong, one fold held out. After 40 and after 60: what is suggested
for the next ten proposals, and for the held-out audios, which stand for those drawn at random. `first`: the
truth is the likeliest class; `three`: it is one of the three. `--json FILE` keeps the figures.
"""

import argparse
import json
import sys
from itertools import product
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

sys.path.pop(0)  # this folder, whose embedder.py would be taken for the service

from al_engine.campaigns.campaign import LabeledAudios, Split
from al_engine.campaigns.inputs import given, heard
from al_engine.exact.memory import most_samples
from al_engine.iterations.suggestions import SUGGESTED
from al_engine.method.committee import likeliest
from al_engine.method.selection import SelectionSettings, select_batch

SEEDS, BATCH, AFTER = 5, 10, (40, 60)

Rows = NDArray[np.intp]


def batch(audios: LabeledAudios, pool: Rows, labeled: Rows, strategy: str, seed: int) -> Rows:
    """The next ten of the pool."""
    left = np.setdiff1d(pool, labeled)
    proposals = select_batch(
        audios.vectors[left],
        [audios.ids[row] for row in left],
        audios.top_classes[left],
        audios.top_probabilities[left],
        audios.vectors[labeled],
        audios.classes[labeled],
        SelectionSettings(BATCH, most_samples(), strategy, seed=seed * 1_000_000 + len(labeled)),
    ).proposals
    row_of = {audios.ids[row]: row for row in left}
    return np.array([row_of[proposal.audio_id] for proposal in proposals], np.intp)


def right(audios: LabeledAudios, labeled: Rows, asked: Rows) -> NDArray[np.bool_]:
    """Whether each place of the suggestions holds the truth, `[asked, up to 3]`."""
    vectors = audios.vectors
    suggested = likeliest(vectors[labeled], audios.classes[labeled], vectors[:0], vectors[asked], SUGGESTED)
    if suggested is None:
        raise SystemExit(f"the first {len(labeled)} labels are of one class: nothing is suggested")
    return suggested == audios.classes[asked, None]


def campaign(
    audios: LabeledAudios, split: Split, strategy: str, seed: int
) -> dict[tuple[int, str], NDArray[np.bool_]]:
    """By number of labels, and by what was asked of."""
    labeled, found = split.pool[:0], {}
    while True:
        proposed = batch(audios, split.pool, labeled, strategy, seed)
        if len(labeled) in AFTER:
            found[len(labeled), "proposals"] = right(audios, labeled, proposed)
            found[len(labeled), "held out"] = right(audios, labeled, split.test)
        if len(labeled) == AFTER[-1]:
            return found
        labeled = np.union1d(labeled, proposed)


def measured(audios: LabeledAudios, strategy: str) -> list[dict[str, object]]:
    """Shares over all campaigns of a strategy."""
    runs = [
        campaign(audios, audios.split(seed, fold, False), strategy, seed)
        for seed, fold in product(range(SEEDS), audios.fold_numbers())
    ]
    rows: list[dict[str, object]] = []
    for labels, asked in runs[0]:
        places = np.concatenate([run[labels, asked] for run in runs])
        shares = {"first": places[:, 0].mean(), "three": places.any(axis=1).mean()}
        rounded = {name: round(float(share), 4) for name, share in shares.items()}
        rows.append({"strategy": strategy, "labels": labels, "audios": asked, "n": len(places)} | rounded)
    return rows


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--audio", type=Path)
    parser.add_argument("--embeddings", type=Path, help="[audios, dim], rows in the order of the truth")
    parser.add_argument("--truth", type=Path, required=True)
    parser.add_argument("--strategy", nargs="+", default=["mal-mf", "mal-then-herding"])
    parser.add_argument("--json", type=Path)
    chosen = parser.parse_args()
    if (chosen.audio is None) == (chosen.embeddings is None):
        parser.error("give --audio or --embeddings")
    if chosen.audio:
        audios = heard(chosen.truth, chosen.audio, ("yamnet", None), print)
    else:
        audios = given(chosen.truth, chosen.embeddings, print)
    rows: list[dict[str, object]] = []
    with threadpool_limits(1):
        for strategy in chosen.strategy:
            rows += measured(audios, strategy)
            for row in rows[-2 * len(AFTER) :]:
                print(json.dumps(row), flush=True)
    if chosen.json:
        chosen.json.write_text(json.dumps(rows, indent=1) + "\n", "utf-8")


if __name__ == "__main__":
    main()
