"""The port to listening policies: who of a group hears an audio next, as a function of what has been said.

A policy answers with labelers, in the order in which they are asked; nobody: the audio is settled, by what
those who were asked `agree` on, the 2/3 rule over them. So the first of one is a medoid with 1 labeler and
100 %, two of two have 100 %, two of three 67 %, and one of two is none.

`group` is Naranjo-Alcazar et al. 2024, section 2.4; the others are ours (docs/decisions/0053).
"""

import hashlib
from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import dataclass
from uuid import UUID

from escolta.errors import Misconfigured
from escolta.listening.agreement import Agreement, Marked, agree

HEARD_BY_ALL = 0.05
"""The share of audios that `adaptive` lets everybody hear, so that error rates stay measured."""


@dataclass(frozen=True)
class Hearing:
    """How an audio stands with one group.

    `group`: who is there to hear it, in the order in which they are asked. `answered`: who is done with it,
    the first answer first, whoever has left the group since among them. `events`: what these marked; nothing
    of whom heard nothing. `doubts`: classes that never win. `expected`: the class that the classifier gives
    it, None where there is no classifier yet. `by_all`: it is of the share that everybody hears.
    """

    group: Sequence[int]
    answered: Sequence[int]
    events: Sequence[Marked]
    doubts: Set[int]
    expected: int | None
    by_all: bool

    def waiting(self) -> list[int]:
        """Who of the group has not answered."""
        return [labeler for labeler in self.group if labeler not in self.answered]

    def agreed(self, first: int) -> Agreement:
        """What the `first` so many who answered agree on; at least one."""
        heard_by = self.answered[:first]
        events = [event for event in self.events if event.labeler_id in heard_by]
        return agree(dict.fromkeys(heard_by, 0), events, self.doubts)


Policy = Callable[[Hearing], Sequence[int]]


def group(hearing: Hearing) -> Sequence[int]:
    """Everybody of the group, whatever the others say."""
    return hearing.waiting()


def single(hearing: Hearing) -> Sequence[int]:
    """One, and nobody else."""
    return [] if hearing.answered else hearing.waiting()[:1]


def adaptive(hearing: Hearing) -> Sequence[int]:
    """One; a second where the first contradicts the classifier; a third where the second contradicts that.

    1. What is of the share that everybody hears, everybody hears.
    2. The first contradicts the classifier where its answer alone would make another class, or none (Doubt,
       nothing heard); and where there is no classifier that could confirm it.
    3. The second contradicts the first where they agree on no class, unless neither alone names one.
    """
    if hearing.by_all:
        return hearing.waiting()
    return hearing.waiting()[:1] if _wants_another(hearing) else []


def _wants_another(hearing: Hearing) -> bool:
    match len(hearing.answered):
        case 0:
            return True
        case 1:
            return hearing.expected is None or hearing.agreed(1).class_id != hearing.expected
        case 2:
            return hearing.agreed(2).class_id is None and hearing.agreed(2).agreement_percent > 0
        case _:
            return False


POLICIES: Mapping[str, Policy] = {"group": group, "single": single, "adaptive": adaptive}


def find(name: str) -> Policy:
    """The policy of that name. Raises `Misconfigured` where there is none."""
    if name not in POLICIES:
        raise Misconfigured(f"there is no listening policy {name!r}: there are {', '.join(POLICIES)}")
    return POLICIES[name]


def drawn_for_all(audio_id: UUID, salt: str) -> bool:
    """Whether an audio is of the share that everybody hears: at random, and always the same with one salt."""
    digest = hashlib.sha256(f"{salt}/{audio_id}".encode()).digest()
    return int.from_bytes(digest[:8]) < HEARD_BY_ALL * 2**64
