"""Person-listens by listening policy and error rate: groups of three and of two, Doubt in 2 % of answers.

    python bench/listening.py --audio ../shared/data/esc10/audio --truth ../shared/data/esc10/esc10.csv
    python bench/listening.py --embeddings ../shared/data/animals/embeddings.npy \\
      --truth ../shared/data/animals/animals.csv --seeds 10 --targets .80 .85

Each combination of error rate, policy and strategy is what `escolta simulate --people 3,2 --doubt .02` runs,
here in one process. `--json FILE` keeps the means after each batch, written anew after each combination.
"""

import argparse
import json
import sys
from collections.abc import Sequence
from itertools import product
from pathlib import Path

import numpy as np
from threadpoolctl import threadpool_limits

sys.path.pop(0)  # this folder, whose embedder.py would be taken for the service

from al_engine.campaigns.campaign import Campaign, LabeledAudios, Point
from al_engine.campaigns.inputs import given, heard
from al_engine.campaigns.people import Habits, Team
from al_engine.exact.memory import most_samples

GROUPS, DOUBT, BATCH = (3, 2), 0.02, 10
ERRORS = [(0.05, 0.0), (0.15, 0.0), (0.05, 1.0), (0.15, 1.0), (0.0, 0.0)]
"""How often a person errs, and the part of it that all who hear an audio err in together."""
STRATEGIES = ("mal-mf", "mal-then-herding")


def figures(runs: Sequence[Sequence[Point]]) -> dict[str, object]:
    """Means over campaigns at each number of labels, and what became of all medoids at the end."""
    last = [points[-1].heard for points in runs]
    columns = list(zip(*runs, strict=True))
    return {
        "campaigns": len(runs),
        "labels": [column[0].labels for column in columns],
        "listens": [
            round(float(np.mean([point.heard.listens for point in column])), 2) for column in columns
        ],
        "macro_f1": [round(float(np.mean([point.macro_f1 for point in column])), 4) for column in columns],
        "medoids": sum(tally.medoids for tally in last),
        "wrong_medoids": sum(tally.wrong_medoids for tally in last),
        "sampled": sum(tally.sampled for tally in last),
        "sampled_apart": sum(tally.sampled_apart for tally in last),
    }


def needed(found: dict, target: float) -> str:
    """Person-listens and labels at which the mean macro-F1 first reaches the target."""
    for labels, listens, score in zip(found["labels"], found["listens"], found["macro_f1"], strict=True):
        if score >= target:
            return f"{listens:.0f} ({labels})"
    return "–"


def table(rows: Sequence[dict], targets: Sequence[float]) -> str:
    """In Markdown, a line a combination."""
    heads = [f"listens (labels) for {target}" for target in targets]
    head = ["errors", "shared", "strategy", "policy", *heads, "wrong medoids", "by the sample"]
    lines = [f"| {' | '.join(head)} |", f"{'|---' * len(head)}|"]
    for row in rows:
        wrong, of = row["wrong_medoids"], row["medoids"]
        cells = [f"{row['errors']:.0%}", f"{row['shared_errors']:.0%}", row["strategy"], row["policy"]]
        cells += [needed(row, target) for target in targets]
        cells += [f"{wrong} of {of} ({wrong / of:.2%})"]
        cells += [f"{row['sampled_apart']} of {row['sampled']}" if row["sampled"] else "–"]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def draw(rows: Sequence[dict], path: Path) -> None:
    """Macro-F1 against person-listens, a panel an error rate."""
    import matplotlib
    from matplotlib.figure import Figure

    settings = list(dict.fromkeys((row["errors"], row["shared_errors"]) for row in rows))
    figure = Figure(figsize=(4.2 * len(settings), 4.0), layout="constrained")
    panels = figure.subplots(1, len(settings), sharey=True, squeeze=False)[0]
    for axes, setting in zip(panels, sorted(settings, key=lambda it: (it[1], it[0])), strict=True):
        for row in rows:
            if (row["errors"], row["shared_errors"]) == setting:
                style = "--" if row["strategy"] == STRATEGIES[0] else "-"
                color = {"group": "C0", "single": "C2", "adaptive": "C1"}[row["policy"]]
                label = f"{row['policy']}, {row['strategy']}"
                axes.plot(row["listens"], row["macro_f1"], style, color=color, label=label)
        how = "shared" if setting[1] else "of each alone"
        axes.set(title=f"errors {setting[0]:.0%}" + f", {how}" * bool(setting[0]), xlabel="person-listens")
        axes.grid(alpha=0.3)
    panels[0].set_ylabel("macro-F1")
    panels[-1].legend(loc="lower right", fontsize="small")
    with matplotlib.rc_context({"svg.hashsalt": "escolta"}):
        figure.savefig(path, metadata={"Date": None} if path.suffix == ".svg" else None)


def audios_of(chosen: argparse.Namespace) -> LabeledAudios:
    """From a folder's sound, or from embeddings at hand."""
    if chosen.embeddings:
        return given(chosen.truth, chosen.embeddings, print)
    return heard(chosen.truth, chosen.audio, ("yamnet", None), print)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--audio", type=Path)
    parser.add_argument("--embeddings", type=Path)
    parser.add_argument("--truth", type=Path, required=True)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--labels", type=int, default=100)
    parser.add_argument("--policies", nargs="+", default=["group", "adaptive", "single"])
    parser.add_argument("--targets", type=float, nargs="+", default=[0.90, 0.95])
    parser.add_argument("--json", type=Path)
    parser.add_argument("--plot", type=Path)
    chosen = parser.parse_args()
    audios = audios_of(chosen)
    rows = []
    with threadpool_limits(1):
        for (errors, shared), policy, strategy in product(ERRORS, chosen.policies, STRATEGIES):
            team = Team(GROUPS, Habits(errors, DOUBT, shared))
            campaigns = [
                Campaign(strategy, seed, fold, False, BATCH, chosen.labels, team, policy)
                for seed, fold in product(range(chosen.seeds), audios.fold_numbers())
            ]
            runs = [audios.run(campaign, most_samples()) for campaign in campaigns]
            told = {"errors": errors, "shared_errors": shared, "strategy": strategy, "policy": policy}
            rows.append(told | figures(runs))
            print(table(rows[-1:], chosen.targets).splitlines()[-1], flush=True)
            if chosen.json:
                lines = ",\n".join(map(json.dumps, rows))
                chosen.json.write_text(f"[\n{lines}\n]\n", "utf-8")
    print(table(rows, chosen.targets))
    if chosen.plot:
        draw(rows, chosen.plot)


if __name__ == "__main__":
    main()
