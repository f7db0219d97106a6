"""What a group agrees on: the 2/3 rule, as a function of what its labelers marked.

Naranjo-Alcazar et al. 2024, section 2.4; which of several candidates wins, what several groups make of
one audio, and the percentage where nobody agrees, are ours (docs/decisions/0023).
"""

from collections import Counter, defaultdict
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


def agree(group_of: Mapping[int, int], events: Iterable[Marked], doubts: Set[int]) -> Agreement:
    """What those who are done with an audio agree on: `group_of` says for which group each labeler answered.
    `doubts`: classes that never win.

    1. A class is a candidate of a group when at least two thirds of the group's labelers used it, any number
       of times. Those of another group do not count: 1 of 2 and 2 of 3 are no 3 of 5.
    2. Of several candidates the one of most groups wins; then the one that lasts longest: each labeler's time
       is the union of their intervals, and the average is over all who used the class. A tie goes to the
       class that more labelers used, then to the one that came first into the ontology.
    3. The percentage is the winner's share of all the labelers; without a winner, the largest share that any
       class but Doubt reached (ours), and 0 where nobody marked one.
    """
    labelers = len(group_of)
    intervals = _intervals(events, doubts)
    used_by = {class_id: len(by_labeler) for class_id, by_labeler in intervals.items()}
    agreed_in = {class_id: _agreeing_groups(group_of, users) for class_id, users in intervals.items()}
    candidates = [class_id for class_id, groups in agreed_in.items() if groups]
    if not candidates:
        return Agreement(None, labelers, 100 * max(used_by.values(), default=0) / labelers)
    winner = min(candidates, key=lambda it: (-agreed_in[it], -_average_s(intervals[it]), -used_by[it], it))
    return Agreement(winner, labelers, 100 * used_by[winner] / labelers)


def _agreeing_groups(group_of: Mapping[int, int], users: Iterable[int]) -> int:
    """In how many groups two thirds are among the users of a class."""
    sizes = Counter(group_of.values())
    used = Counter(group_of[labeler_id] for labeler_id in users)
    return sum(number >= quorum(sizes[group]) for group, number in used.items())


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
