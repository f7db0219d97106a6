"""A batch is heard in a campaign: by whom, under a listening policy, and what comes of each audio.

Who is asked and what they agree on is said by `escolta.listening`, as at work.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

from al_engine.campaigns.people import DOUBT, Sounding, Team, answer
from escolta.listening.agreement import Marked
from escolta.listening.policies import Hearing, drawn_for_all, find

WHOLE_S = (0.0, 1.0)
"""A campaign's people mark the whole of an audio."""


@dataclass(frozen=True)
class Settled:
    """What came of an audio: its agreed class or None, and the answers, the first one first.

    `by_all`: it is of the share that everybody hears.
    """

    agreed: str | None
    answers: tuple[str, ...]
    by_all: bool


@dataclass(frozen=True)
class Tally:
    """What a campaign took of people, and what it got.

    `listens`: how often somebody heard an audio. `medoids`: audios with an agreed class; `wrong_medoids`:
    with another than the truth. `sampled`: answers about agreed audios of the share that everybody hears, if
    several heard it; `sampled_apart`: those that name another class than was agreed, or Doubt. Their ratio is
    the error rate that can be measured without knowing the truth: of what people err in alone.
    """

    listens: int = 0
    medoids: int = 0
    wrong_medoids: int = 0
    sampled: int = 0
    sampled_apart: int = 0


NOTHING_HEARD = Tally()


def tally(settled: Iterable[tuple[Settled, str]]) -> Tally:
    """The sums over audios, each with its truth."""
    audios = list(settled)
    agreed = [(it, truth) for it, truth in audios if it.agreed is not None]
    sampled = [
        said == it.agreed for it, _ in agreed if it.by_all and len(it.answers) > 1 for said in it.answers
    ]
    return Tally(
        listens=sum(len(it.answers) for it, _ in audios),
        medoids=len(agreed),
        wrong_medoids=sum(it.agreed != truth for it, truth in agreed),
        sampled=len(sampled),
        sampled_apart=sampled.count(False),
    )


class Listening:
    """A team under a policy, for one campaign; audio after audio."""

    def __init__(self, team: Team, policy: str, classes: Iterable[str], seed: int) -> None:
        """`classes`: all there are; in the order of the ontology. Raises `Misconfigured` for no policy."""
        self._team, self._policy, self._seed = team, find(policy), seed
        self._classes = tuple(classes)
        self._class_id = {DOUBT: -1} | {name: number for number, name in enumerate(self._classes)}
        self._place = 0

    def settle(self, audio_id: UUID, truth: str, expected: str | None) -> Settled:
        """Ask as long as the policy wants more; `expected`: what the classifier says, if one is there."""
        people = self._team.hearing(self._place)
        self._place += 1
        heard = Sounding(audio_id, truth, self._classes, expected)
        by_all = drawn_for_all(audio_id, str(self._seed))
        said: dict[int, str] = {}
        while asked := self._policy(self._hearing(people, said, expected, by_all)):
            said |= {it: answer(self._team.habits, self._seed, it, heard) for it in asked}
        class_id = self._hearing(people, said, expected, by_all).agreed(len(said)).class_id
        agreed = None if class_id is None else self._classes[class_id]
        return Settled(agreed, tuple(said.values()), by_all)

    def _hearing(
        self, people: list[int], said: dict[int, str], expected: str | None, by_all: bool
    ) -> Hearing:
        events = [Marked(who, self._class_id[name], *WHOLE_S) for who, name in said.items()]
        doubts = {self._class_id[DOUBT]}
        of_class = None if expected is None else self._class_id[expected]
        return Hearing(people, list(said), events, doubts, of_class, by_all)
