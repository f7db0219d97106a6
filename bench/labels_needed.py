"""What `escolta simulate --json FILE` says of labels needed and classes met, as tables in Markdown.

    python bench/labels_needed.py --target 0.90 --target 0.95 bench/results/simulate-esc10.json

Of each file a line a strategy: the labels at which the mean macro-F1 first reaches each target, and the share
of them that `mal-mf` needs; where rows say it, the mean number of classes met after 20, 40 and 60 labels.
"""

import argparse
import json
from collections import defaultdict
from pathlib import Path
from statistics import mean

BESIDE = "mal-mf"
AT = (20, 40, 60)


def needed(curve: dict[int, float], target: float) -> int | None:
    """The first number of labels at which the curve is at the target or above it."""
    return next((labels for labels in sorted(curve) if curve[labels] >= target), None)


def curves(rows: list[dict], column: str) -> dict[str, dict[int, float]]:
    """The mean of a column by strategy and labels, where every campaign of the strategy has it."""
    values: dict[str, dict[int, list[float]]] = defaultdict(lambda: defaultdict(list))
    for row in rows:
        if column in row:
            values[row["strategy"]][row["labels"]].append(row[column])
    return {
        strategy: {labels: mean(found) for labels, found in by.items() if len(found) == len(by[min(by)])}
        for strategy, by in values.items()
    }


def cell(labels: int | None, beside: int | None) -> str:
    """Labels, and their ratio to those of the other strategy."""
    if labels is None:
        return "–"
    return f"{labels} ({labels / beside:.2f})" if beside else str(labels)


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("files", type=Path, nargs="+")
    parser.add_argument("--target", type=float, action="append", required=True)
    chosen = parser.parse_args()
    for file in chosen.files:
        rows = json.loads(file.read_text("utf-8"))
        scores, met = curves(rows, "macro_f1"), curves(rows, "classes")
        heads = [f"labels for {target:.2f}" for target in chosen.target] + [f"classes at {n}" for n in AT]
        print(f"\n{file.name}\n\n| strategy | {' | '.join(heads)} |\n{'|---' * (len(heads) + 1)}|")
        for strategy, curve in scores.items():
            cells = [
                cell(needed(curve, target), needed(scores.get(BESIDE, {}), target))
                for target in chosen.target
            ]
            cells += [f"{met[strategy][n]:.1f}" if n in met.get(strategy, {}) else "–" for n in AT]
            print(f"| `{strategy}` | {' | '.join(cells)} |")


if __name__ == "__main__":
    main()
