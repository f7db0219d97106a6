"""How a simulated labeler answers."""

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

from escolta.truth import Sound

DOUBT = ""
"""Stands for the class Doubt, which no truth has."""


@dataclass(frozen=True)
class Habits:
    """Answers with a wrong class at `error_rate`, with Doubt at `doubt_rate`, else with the truth.

    What a labeler says of an audio depends on the seed and the two names alone, not on the order of things.
    """

    error_rate: float = 0.05
    doubt_rate: float = 0.02
    seed: int = 0

    def answer(
        self, labeler: str, file_name: str, heard: Sequence[Sound], classes: Sequence[str]
    ) -> Sequence[Sound]:
        """What `labeler` says where `heard` is to be heard; a mistake is one of `classes`."""
        rng = Random(f"{self.seed}/{labeler}/{file_name}")  # chance, not a secret
        chance = rng.random()
        if chance < self.doubt_rate:
            return [Sound(DOUBT, sound.onset_s, sound.offset_s) for sound in heard]
        true = {sound.category for sound in heard}
        wrong = [name for name in classes if name not in true]
        if chance < self.doubt_rate + self.error_rate and wrong:
            instead = rng.choice(wrong)
            return [Sound(instead, sound.onset_s, sound.offset_s) for sound in heard]
        return heard
