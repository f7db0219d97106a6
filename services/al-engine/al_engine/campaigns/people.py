"""People who label in a campaign, and err: alone, or all who hear an audio together."""

from dataclasses import dataclass
from random import Random
from uuid import UUID

from escolta.errors import Misconfigured

DOUBT = ""
"""Stands for the class Doubt, which no truth has."""


@dataclass(frozen=True)
class Habits:
    """An answer is wrong with probability `errors`, Doubt with probability `doubt`, else the truth.

    `shared_errors`: the part of a person's errors that all who hear the audio make together, since all see
    the same suggestion. The rest a person makes alone: any other class, each as probable.
    """

    errors: float = 0.0
    doubt: float = 0.0
    shared_errors: float = 0.0

    def __post_init__(self) -> None:
        """Raises `Misconfigured` where an answer would have to be both wrong and Doubt."""
        if self.errors + self.doubt > 1:
            raise Misconfigured(
                f"--errors {self.errors} and --doubt {self.doubt} are together more than all answers, 1"
            )

    @property
    def misled(self) -> float:
        """How probable it is that an audio misleads all who do not doubt."""
        together = self.errors * self.shared_errors
        return together / (1 - self.doubt) if together else 0.0

    @property
    def errs_alone(self) -> float:
        """How probable it is that a person errs on an audio that misleads nobody else."""
        alone = self.errors * (1 - self.shared_errors)
        return alone / (1 - self.misled) if alone else 0.0


@dataclass(frozen=True)
class Team:
    """`groups`: how many people are in each.

    Labelers are numbered from 0, group after group.
    """

    groups: tuple[int, ...] = (1,)
    habits: Habits = Habits()

    @classmethod
    def of(cls, people: str, habits: Habits) -> "Team":
        """A team such as "3,2", a group of three and one of two. Raises `Misconfigured` for anything else."""
        sizes = people.split(",")
        if not all(size.strip().isdecimal() and int(size) > 0 for size in sizes):
            raise Misconfigured(f"--people {people}: give how many are in each group, such as 3,2")
        return cls(tuple(map(int, sizes)), habits)

    def hearing(self, place: int) -> list[int]:
        """The labelers of the group that hears the audio at this place of a campaign, in the order of turns.

        Groups take turns, and within a group everybody is the first as often.
        """
        number = place % len(self.groups)
        size, first = self.groups[number], sum(self.groups[:number])
        turn = place // len(self.groups)
        return [first + (turn + later) % size for later in range(size)]


ALONE = Team()
"""One person who never errs."""


@dataclass(frozen=True)
class Sounding:
    """An audio as people hear it: its class, all that there are, and the one that is suggested, if any."""

    audio_id: UUID
    truth: str
    classes: tuple[str, ...]
    suggested: str | None


def answer(habits: Habits, seed: int, labeler: int, heard: Sounding) -> str:
    """What a labeler says; it depends on seed, labeler and audio alone, not on the order of things.

    An audio that misleads does so with the suggestion, where that is wrong, or with one class of its own.
    """
    of_audio = Random(f"{seed}/{heard.audio_id}")  # chance, not a secret
    of_labeler = Random(f"{seed}/{heard.audio_id}/{labeler}")
    misleads, misleading = of_audio.random() < habits.misled, _other(heard, of_audio)
    chance = of_labeler.random()
    if chance < habits.doubt:
        return DOUBT
    if misleads:
        return heard.suggested if heard.suggested not in (None, heard.truth) else misleading
    if chance < habits.doubt + habits.errs_alone:
        return _other(heard, of_labeler)
    return heard.truth


def _other(heard: Sounding, chance: Random) -> str:
    return chance.choice([name for name in heard.classes if name != heard.truth])
