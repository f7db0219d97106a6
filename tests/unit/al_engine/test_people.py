"""Simulated people of a campaign: how often they err, alone and together, and who hears what."""

from collections import Counter
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from al_engine.campaigns.people import DOUBT, Habits, Sounding, Team, answer
from escolta.errors import Misconfigured

CLASSES = ("gull", "horn", "rain", "wind")
AUDIOS = 6000


def sounding(number: int, suggested: str | None = None) -> Sounding:
    return Sounding(UUID(int=number), "horn", CLASSES, suggested)


def answers(habits: Habits, labeler: int = 0, suggested: str | None = None) -> list[str]:
    return [answer(habits, 0, labeler, sounding(number, suggested)) for number in range(AUDIOS)]


@pytest.mark.parametrize("shared", [0, 0.5, 1])
def test_errors_and_doubt_are_as_often_as_stated_shared_or_not(shared):
    said = Counter(answers(Habits(errors=0.2, doubt=0.1, shared_errors=shared)))
    assert said[DOUBT] / AUDIOS == pytest.approx(0.1, abs=0.02)
    assert said["horn"] / AUDIOS == pytest.approx(0.7, abs=0.02)
    for wrong in ("gull", "rain", "wind"):
        assert said[wrong] / AUDIOS == pytest.approx(0.2 / 3, abs=0.015)


@pytest.mark.parametrize("shared", [0, 0.5, 1])
def test_the_shared_part_of_errors_is_made_by_all_and_alike(shared):
    habits = Habits(errors=0.3, shared_errors=shared)
    pairs = list(zip(answers(habits, 1), answers(habits, 2), strict=True))
    erred = [pair for pair in pairs if pair[0] != "horn"]
    alike = sum(first == second for first, second in erred) / len(erred)
    misled = 0.3 * shared
    by_chance = (1 - shared) * (0.3 - misled) / (1 - misled) / 3
    assert alike == pytest.approx(shared + by_chance, abs=0.03)


def test_a_wrong_suggestion_is_what_misled_people_say():
    habits = Habits(errors=0.3, shared_errors=1)
    assert set(answers(habits, suggested="rain")) == {"horn", "rain"}
    assert set(answers(habits, suggested="horn")) == set(answers(habits)) == set(CLASSES)


@given(st.integers(0, 10), st.integers(0, 10), st.integers(0, 10), st.integers(0, 3))
def test_every_error_rate_that_leaves_room_for_doubt_has_probabilities(errors, doubt, shared, labeler):
    if errors + doubt > 10:
        with pytest.raises(Misconfigured, match="together more than all answers"):
            Habits(errors / 10, doubt / 10, shared / 10)
        return
    habits = Habits(errors / 10, doubt / 10, shared / 10)
    assert 0 <= habits.misled <= 1 + 1e-9
    assert 0 <= habits.errs_alone <= 1 - doubt / 10 + 1e-9
    first, second = (answer(habits, 5, labeler, sounding(7, "rain")) for _ in range(2))
    assert first == second


def test_groups_take_turns_and_everybody_of_a_group_is_first_as_often():
    team = Team.of("3, 2", Habits())
    heard = [team.hearing(place) for place in range(12)]
    assert heard[:4] == [[0, 1, 2], [3, 4], [1, 2, 0], [4, 3]]
    assert Counter(people[0] for people in heard) == {0: 2, 1: 2, 2: 2, 3: 3, 4: 3}


@pytest.mark.parametrize("people", ["", "three", "3,", "0", "3,-1", "2.5"])
def test_people_that_are_no_groups_are_refused(people):
    with pytest.raises(Misconfigured, match="give how many are in each group, such as 3,2"):
        Team.of(people, Habits())
