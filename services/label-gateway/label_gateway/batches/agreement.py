"""What a group agrees on: the 2/3 rule, as a function of what its labelers marked.

Naranjo-Alcazar et al. 2024, section 2.4; which of several candidates wins, and the percentage where
nobody agrees, are ours.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Set
from dataclasses import dataclass


@dataclass(frozen=True)
class Marked:
    """One event that one labeler marked in an audio, in seconds from the audio's start."""

    labeler_id: int
    class_id: int
    onset_s: float
    offset_s: float


@dataclass(frozen=True)
class Agreement:
    """The class of a medoid, or none, with the number of labelers and how many of them agreed."""

    class_id: int | None
    labelers: int
    agreement_percent: float


def agree(labelers: int, events: Iterable[Marked], doubts: Set[int]) -> Agreement:
    """What `labelers` people, who are all done with an audio, agree on. `doubts`: classes that never win.

    1. A class is a candidate when at least two thirds of the labelers used it, any number of times.
    2. Of several candidates the one that lasts longest wins: each labeler's time is the union of their
       intervals, and the average is over those who used the class. A tie goes to the class that more
       labelers used, then to the one that came first into the ontology.
    3. The percentage is the winner's share of the labelers; without a winner, the largest share that any
       class but Doubt reached (ours), and 0 where nobody marked one.
    """
    intervals = _intervals(events, doubts)
    used_by = {class_id: len(by_labeler) for class_id, by_labeler in intervals.items()}
    candidates = [class_id for class_id, users in used_by.items() if users >= quorum(labelers)]
    if not candidates:
        return Agreement(None, labelers, 100 * max(used_by.values(), default=0) / labelers)
    winner = min(candidates, key=lambda it: (-_average_s(intervals[it]), -used_by[it], it))
    return Agreement(winner, labelers, 100 * used_by[winner] / labelers)


def quorum(labelers: int) -> int:
    """The least number of people that is two thirds of `labelers`: 1 of 1, 2 of 2, 2 of 3, 3 of 4."""
    return (2 * labelers + 2) // 3


Spans = list[tuple[float, float]]


def _intervals(events: Iterable[Marked], doubts: Set[int]) -> Mapping[int, Mapping[int, Spans]]:
    """Class -> labeler -> what that labeler marked as that class, without Doubt."""
    found: dict[int, dict[int, Spans]] = defaultdict(lambda: defaultdict(list))
    for event in events:
        if event.class_id not in doubts:
            found[event.class_id][event.labeler_id].append((event.onset_s, event.offset_s))
    return found


def _average_s(by_labeler: Mapping[int, Spans]) -> float:
    """Rounded to the microsecond, so that equal durations tie whatever the order of the additions."""
    return round(sum(map(_union_s, by_labeler.values())) / len(by_labeler), 6)


def _union_s(spans: Spans) -> float:
    total_s, reached_s = 0.0, 0.0
    for onset_s, offset_s in sorted(spans):
        total_s += max(0.0, offset_s - max(onset_s, reached_s))
        reached_s = max(reached_s, offset_s)
    return total_s
