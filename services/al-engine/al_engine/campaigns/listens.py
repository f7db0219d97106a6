"""What campaigns took of people: a table beside that of the scores."""

from collections.abc import Sequence

from rich.table import Table

from al_engine.campaigns.people import ALONE
from al_engine.campaigns.results import TARGET, Result, by_strategy, labels_needed, mean_curve


def of_people(results: Sequence[Result]) -> bool:
    """Whether there is anything to tell: one person who never errs listens once a label."""
    return any(campaign.team != ALONE for campaign, _ in results)


def table(results: Sequence[Result]) -> Table:
    """A line a strategy: listens and medoids a campaign at its end, and which share of medoids is wrong."""
    drawn = Table(title=f"Person-listens under the policy {results[0].campaign.policy}, at the last labels")
    heads = ("labels", "listens", "medoids", "wrong medoids", "error rate by the sample")
    drawn.add_column("strategy", no_wrap=True)
    for head in (*heads, f"listens for {TARGET}"):
        drawn.add_column(head, justify="right")
    for strategy, runs in by_strategy(results).items():
        drawn.add_row(strategy, *_cells(runs))
    return drawn


def _cells(runs: Sequence[Result]) -> list[str]:
    labels = [points[-1].labels for _, points in runs]
    ends = [points[-1].heard for _, points in runs]
    medoids, wrong = sum(end.medoids for end in ends), sum(end.wrong_medoids for end in ends)
    sampled, apart = sum(end.sampled for end in ends), sum(end.sampled_apart for end in ends)
    return [
        f"{sum(labels) / len(runs):.1f}",
        f"{sum(end.listens for end in ends) / len(runs):.1f}",
        f"{medoids / len(runs):.1f}",
        f"{wrong} of {medoids} ({_share(wrong, medoids)})",
        f"{apart} of {sampled} ({_share(apart, sampled)})",
        _listens(runs, labels_needed(mean_curve(runs))),
    ]


def _listens(runs: Sequence[Result], labels: int | None) -> str:
    """The mean of person-listens at so many labels."""
    if labels is None:
        return "–"
    at = [point.heard.listens for _, points in runs for point in points if point.labels == labels]
    return f"{sum(at) / len(at):.1f}"


def _share(part: int, of: int) -> str:
    return f"{part / of:.2%}" if of else "–"
