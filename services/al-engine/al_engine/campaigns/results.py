"""What came of campaigns: mean curves, labels needed, a table for the terminal, rows of JSON, a plot."""

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from rich.table import Table

from al_engine.campaigns.all_classes import Judged
from al_engine.campaigns.campaign import Campaign, Point
from al_engine.campaigns.people import ALONE
from escolta.errors import Misconfigured

TARGET = 0.95
"""The score for which the table says how many labels were needed."""
MACRO_F1 = "macro-F1"
SCORES: dict[str, Callable[[Point], float | None]] = {
    MACRO_F1: lambda point: point.macro_f1,
    "macro-F1 of the rare classes": lambda point: point.macro_f1_rare,
    "mean average precision": lambda point: (
        point.all_classes.mean_average_precision if point.all_classes else None
    ),
    "mean recall": lambda point: point.all_classes.mean_recall if point.all_classes else None,
}
COLUMNS = 10
PLOT_SUFFIXES = (".png", ".svg", ".pdf")


class Result(NamedTuple):
    """A campaign and its points, the fewest labels first."""

    campaign: Campaign
    points: list[Point]


class Curve(NamedTuple):
    """Means and standard deviations of a score over campaigns, `[points]`, at these labels."""

    labels: list[int]
    mean: list[float]
    deviation: list[float]


def rows(results: Sequence[Result]) -> list[dict[str, Any]]:
    """`{strategy, seed, fold, imbalance, labels, macro_f1, classes}`; with imbalance `macro_f1_rare`.

    Where all classes are known `mean_average_precision`, `mean_recall` and `recall` by class; with people who
    they are, the policy, and what it took of them (`Tally`).
    """
    return [
        {
            "strategy": campaign.strategy,
            "seed": campaign.seed,
            "fold": campaign.fold,
            "imbalance": campaign.imbalance,
            "labels": point.labels,
            "macro_f1": round(point.macro_f1, 6),
            "classes": point.classes,
            **({"macro_f1_rare": round(point.macro_f1_rare, 6)} if point.macro_f1_rare is not None else {}),
            **(_of_all_classes(point.all_classes) if point.all_classes else {}),
            **_of_people(campaign, point),
        }
        for campaign, points in results
        for point in points
    ]


def _of_all_classes(judged: Judged) -> dict[str, Any]:
    return {
        "mean_average_precision": round(judged.mean_average_precision, 6),
        "mean_recall": round(judged.mean_recall, 6),
        "recall": {name: round(recall, 4) for name, recall in judged.recall.items()},
    }


def scores_of(results: Sequence[Result]) -> list[str]:
    """The scores that these campaigns have."""
    point = results[0].points[0]
    return [name for name, score in SCORES.items() if score(point) is not None]


def _of_people(campaign: Campaign, point: Point) -> dict[str, Any]:
    if campaign.team == ALONE:
        return {}
    habits, heard = campaign.team.habits, point.heard
    return {
        "people": ",".join(map(str, campaign.team.groups)),
        "errors": habits.errors,
        "doubt": habits.doubt,
        "shared_errors": habits.shared_errors,
        "policy": campaign.policy,
        "listens": heard.listens,
        "medoids": heard.medoids,
        "wrong_medoids": heard.wrong_medoids,
        "sampled": heard.sampled,
        "sampled_apart": heard.sampled_apart,
    }


def mean_curve(results: Sequence[Result], score: str = MACRO_F1) -> Curve:
    """The mean over seeds and folds, at the numbers of labels that every campaign has reached."""
    reached = [{point.labels: point for point in points} for _, points in results]
    labels = sorted(set.intersection(*map(set, reached)))  # a smaller pool ends at a number of its own
    values = np.array([[SCORES[score](points[at]) for at in labels] for points in reached], float)
    return Curve(labels, values.mean(axis=0).tolist(), values.std(axis=0).tolist())


def labels_needed(curve: Curve, target: float = TARGET) -> int | None:
    """The first number of labels at which the mean curve reaches the target; None where it never does."""
    return next(
        (labels for labels, mean in zip(curve.labels, curve.mean, strict=True) if mean >= target), None
    )


def by_strategy(results: Sequence[Result]) -> dict[str, list[Result]]:
    """Results of each strategy, in the order in which strategies first come."""
    found: dict[str, list[Result]] = {}
    for result in results:
        found.setdefault(result.campaign.strategy, []).append(result)
    return found


def heading(results: Sequence[Result], score: str = MACRO_F1) -> str:
    """What the table of the same arguments shows."""
    return f"{score[0].upper()}{score[1:]} against labels: mean of {_counts(results)}"


def table(results: Sequence[Result], score: str = MACRO_F1) -> Table:
    """Mean score by strategy and labels; at the right the labels needed, of the mean and fold by fold."""
    grouped = by_strategy(results)
    curves = {strategy: mean_curve(runs, score) for strategy, runs in grouped.items()}
    labels = sorted(set.intersection(*(set(curve.labels) for curve in curves.values())))
    shown = labels[:: max(1, -(-len(labels) // COLUMNS))]
    drawn = Table()
    drawn.add_column("strategy", no_wrap=True)
    for at in shown:
        drawn.add_column(str(at), justify="right")
    drawn.add_column(f"labels for {TARGET}")
    for strategy, curve in curves.items():
        means = [f"{curve.mean[curve.labels.index(at)]:.3f}".removeprefix("0") for at in shown]
        drawn.add_row(strategy, *means, _needed(grouped[strategy], curve, score))
    return drawn


def _needed(runs: list[Result], curve: Curve, score: str) -> str:
    folds = sorted({result.campaign.fold for result in runs})
    text = _text(labels_needed(curve))
    if len(folds) > 1:
        alone = [
            labels_needed(mean_curve([result for result in runs if result.campaign.fold == fold], score))
            for fold in folds
        ]
        text += f" (by fold {' '.join(map(_text, alone))})"
    return text


def _text(labels: int | None) -> str:
    return "–" if labels is None else str(labels)


def _counts(results: Sequence[Result]) -> str:
    seeds = len({campaign.seed for campaign, _ in results})
    folds = len({campaign.fold for campaign, _ in results})
    return f"{seeds} seed{'s' * (seeds > 1)} x {folds} fold{'s' * (folds > 1)}"


def check_place(option: str, path: Path) -> None:
    """Raises `Misconfigured` where no file can be written, before hours have gone by."""
    if path.is_dir() or not path.absolute().parent.is_dir():
        raise Misconfigured(f"{option} {path}: give a file in a folder that is there")
    if not os.access(path if path.exists() else path.absolute().parent, os.W_OK):
        raise Misconfigured(f"{option} {path} cannot be written: give a file elsewhere")


def check_plot(path: Path) -> None:
    """Raises `Misconfigured` where the plot could not be drawn, before hours have gone by."""
    if path.suffix.lower() not in PLOT_SUFFIXES:
        raise Misconfigured(f"--plot {path}: the file's name must end in {', '.join(PLOT_SUFFIXES)}")
    try:
        import matplotlib  # noqa: F401  # only whether it is there
    except ImportError as error:
        raise Misconfigured(
            "--plot needs matplotlib: run pip install 'escolta-al-engine[simulate]'"
        ) from error


def plot(results: Sequence[Result], path: Path) -> None:
    """Draw the mean curves of each score, with a band of one standard error of the mean."""
    from matplotlib.figure import Figure

    panels = scores_of(results)
    figure = Figure(figsize=(6.4 * len(panels), 4.8), layout="constrained")
    figure.suptitle(f"Mean of {_counts(results)}", fontsize="medium")
    for number, score in enumerate(panels, 1):
        axes = figure.add_subplot(1, len(panels), number)
        for strategy, runs in by_strategy(results).items():
            curve = mean_curve(runs, score)
            mean, error = np.array(curve.mean), np.array(curve.deviation) / np.sqrt(len(runs))
            [line] = axes.plot(curve.labels, mean, marker="o", markersize=3, label=strategy)
            axes.fill_between(curve.labels, mean - error, mean + error, alpha=0.15, color=line.get_color())
        axes.axhline(TARGET, color="gray", linewidth=0.8, linestyle="--")
        axes.set(xlabel="labels bought", ylabel=score)
        axes.grid(alpha=0.3)
        axes.legend(loc="lower right")
    # Neither a date nor random ids: the same results give the same file.
    metadata = {"Date": None} if path.suffix.lower() == ".svg" else None
    import matplotlib

    with matplotlib.rc_context({"svg.hashsalt": "escolta"}):
        figure.savefig(path, dpi=150, metadata=metadata)
