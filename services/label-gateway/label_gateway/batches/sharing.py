"""Which group hears which audio of a batch."""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID


@dataclass(frozen=True)
class Before:
    """What has become of an audio so far: the groups that have it, those of which somebody has answered,
    whether it is settled, so that nobody is waited for, and whether it is withheld: nobody may hear it."""

    groups: frozenset[int] = frozenset()
    answered: frozenset[int] = frozenset()
    settled: bool = False
    withheld: bool = False

    @property
    def frozen(self) -> frozenset[int]:
        """The groups that have it and keep it."""
        return self.groups if self.settled else self.answered


Groups = frozenset[int]
_NOBODYS = Before()


def shares(
    audios: Sequence[UUID],
    weights: Mapping[int, float],
    overlap: float = 0.0,
    before: Mapping[UUID, Before] | None = None,
) -> dict[int, list[UUID]]:
    """Each group's part of a batch, in the order in which it hears it.

    `audios` come best rank first. `weights`: group -> its part in proportion to the others, over 0; the
    paper's two groups have equal weights and hear half each (Naranjo-Alcazar et al. 2024, section 2.4).
    `overlap`, 0 to 1, is the part of the batch that every group hears; else each audio has one group.

    Going down the ranks, an audio goes to the group that is furthest behind its part, so that each group
    gets the batch's best and its last alike (ours). The same arguments give the same answer.

    `before`: audio -> what has become of it, where a batch is given out anew because groups have changed.
    What a group has answered stays with it, even if it is not in `weights` any longer. Of the rest it keeps
    as much as its part has room for. Given out anew to the same groups, nothing changes.
    """
    had = [(before or {}).get(audio, _NOBODYS) for audio in audios]
    for_all = [_whole(overlap, rank + 1) > _whole(overlap, rank) for rank in range(len(audios))]
    alone = iter(_one_each([it for it, every in zip(had, for_all, strict=True) if not every], weights))
    given: dict[int, list[UUID]] = {group: [] for group in sorted(weights)}
    for audio, it, every in zip(audios, had, for_all, strict=True):
        for group in sorted(_of_all(it, weights) if every else next(alone)):
            given.setdefault(group, []).append(audio)
    return given


def _of_all(had: Before, weights: Mapping[int, float]) -> Groups:
    return had.groups if had.settled else had.answered | weights.keys()


def _one_each(had: Sequence[Before], weights: Mapping[int, float]) -> list[Groups]:
    """Who hears each of these audios, that are for one group each.

    1. Those to which it is bound: they have answered it.
    2. The group that has it, as far as its part has room; what it loses lies all along the ranks.
    3. Down the ranks, the group with room that is furthest behind.
    """
    hearers = [it.frozen for it in had]
    bound = Counter(group for groups in hearers for group in groups & weights.keys())
    parts = Counter(_turns(bound.total() + hearers.count(frozenset()), weights))
    room = {group: max(0, parts[group] - bound[group]) for group in sorted(weights)}
    for group in room:
        has = [place for place, it in enumerate(had) if not hearers[place] and group in it.groups]
        keeps = min(room[group], len(has))
        room[group] -= keeps
        for number, place in enumerate(has):
            if _whole(keeps / len(has), number + 1) > _whole(keeps / len(has), number):
                hearers[place] = frozenset({group})
    own: Counter[int] = Counter()
    for place, groups in enumerate(hearers):
        if not groups:
            group = _furthest_behind([group for group in room if room[group]], own, weights)
            room[group] -= 1
            hearers[place] = frozenset({group})
        own.update(hearers[place] & weights.keys())
    return hearers


def _turns(number: int, weights: Mapping[int, float]) -> list[int]:
    """Whose turn it is, as many times."""
    own: Counter[int] = Counter()
    for _ in range(number):
        own[_furthest_behind(sorted(weights), own, weights)] += 1
    return list(own.elements())


def _furthest_behind(groups: Sequence[int], own: Counter[int], weights: Mapping[int, float]) -> int:
    """Of `groups`, the one that lacks most of its part of what was given out and one more."""
    part = (own.total() + 1) / sum(weights.values())
    return max(groups, key=lambda group: round(weights[group] * part - own[group], 9))


def _whole(part: float, number: int) -> int:
    """How many of the first `number` belong to `part`; 0.29 of 100 is 29, though a float says 28.99…"""
    return math.floor(part * number + 1e-9)
