"""Which group hears which audio of a batch."""

import math
from collections.abc import Mapping, Sequence
from uuid import UUID


def shares(
    audios: Sequence[UUID], weights: Mapping[int, float], overlap: float = 0.0
) -> dict[int, list[UUID]]:
    """Each group's part of a batch, in the order in which it hears it.

    `audios` come best rank first. `weights`: group -> its part in proportion to the others, over 0; the
    paper's two groups have equal weights and hear half each (Naranjo-Alcazar et al. 2024, section 2.4).
    `overlap`, 0 to 1, is the part of the batch that every group hears; else each audio has one group.

    Going down the ranks, an audio goes to the group that is furthest behind its part, so that each group
    gets the batch's best and its last alike (ours). The same arguments give the same answer.
    """
    total = sum(weights.values())
    given: dict[int, list[UUID]] = {group: [] for group in sorted(weights)}
    own = dict.fromkeys(given, 0)
    alone = 0
    for rank, audio in enumerate(audios):
        if _whole(overlap, rank + 1) > _whole(overlap, rank):
            hearers = list(given)
        else:
            alone += 1
            behind = {group: round(weights[group] / total * alone - own[group], 9) for group in given}
            hearers = [max(given, key=behind.__getitem__)]
            own[hearers[0]] += 1
        for group in hearers:
            given[group].append(audio)
    return given


def _whole(part: float, number: int) -> int:
    """How many of the first `number` belong to `part`; 0.29 of 100 is 29, though a float says 28.99…"""
    return math.floor(part * number + 1e-9)
