"""Campaigns under listening policies: each listen and each wrong medoid is counted, and no more changes."""

from collections import Counter
from dataclasses import replace
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from unit.al_engine.test_campaign import CLASSES, audios, campaign

from al_engine.campaigns.campaign import Point
from al_engine.campaigns.hearing import NOTHING_HEARD, Listening, Settled, tally
from al_engine.campaigns.people import DOUBT, Habits, Sounding, Team, answer
from escolta.listening.policies import POLICIES, drawn_for_all

NAMES = ("gull", "horn", "rain")
PAPER = (3, 2)
"""The paper's groups."""


def run(
    policy: str,
    habits: Habits,
    groups: tuple[int, ...] = PAPER,
    strategy: str = "mal-mf",
    seed: int = 0,
    labels: int = 30,
) -> list[Point]:
    chosen = replace(campaign(strategy, seed, labels=labels), team=Team(groups, habits), policy=policy)
    return audios().run(chosen, max_set=1000)


def slow_settled(
    team: Team, policy: str, seed: int, audio: tuple[int, UUID, str, str | None]
) -> tuple[str | None, list[str]]:
    """What is agreed and what was said, by counting hands."""
    place, audio_id, truth, expected = audio
    people = team.hearing(place)
    all_say = [answer(team.habits, seed, who, Sounding(audio_id, truth, NAMES, expected)) for who in people]
    said = all_say[:1]
    if policy == "group" or (policy == "adaptive" and drawn_for_all(audio_id, str(seed))):
        said = all_say
    elif policy == "adaptive" and all_say[0] in (DOUBT, *(name for name in NAMES if name != expected)):
        said = all_say[:2]
        if len(said) == 2 and said[0] != said[1]:
            said = all_say[:3]
    agreed = [name for name in NAMES if 3 * said.count(name) >= 2 * len(said)]
    return (agreed[0] if agreed else None), said


habits_of_all_kinds = st.tuples(st.integers(0, 5), st.integers(0, 5), st.integers(0, 2)).map(
    lambda it: Habits(it[0] / 10, it[1] / 10, it[2] / 2)
)
heard_audios = st.lists(
    st.tuples(st.sampled_from(NAMES), st.sampled_from([None, *NAMES])), min_size=1, max_size=12
)


@given(
    st.lists(st.integers(1, 5), min_size=1, max_size=3),
    habits_of_all_kinds,
    st.sampled_from(list(POLICIES)),
    heard_audios,
    st.integers(0, 99),
)
def test_what_is_settled_agrees_with_the_slow_account(groups, habits, policy, heard, seed):
    team = Team(tuple(groups), habits)
    listening = Listening(team, policy, NAMES, seed)
    for place, (truth, expected) in enumerate(heard):
        settled = listening.settle(UUID(int=place), truth, expected)
        slow = slow_settled(team, policy, seed, (place, UUID(int=place), truth, expected))
        assert (settled.agreed, list(settled.answers)) == slow


@pytest.mark.parametrize("strategy", ["mal-mf", "random"])
def test_without_errors_every_policy_makes_the_same_medoids_and_learns_as_much(strategy):
    learned = {policy: run(policy, Habits(), strategy=strategy) for policy in POLICIES}
    [alone] = {tuple(replace(point, heard=NOTHING_HEARD) for point in found) for found in learned.values()}
    assert alone[-1].classes == CLASSES
    for points in learned.values():
        assert all(point.heard.medoids == point.labels for point in points)
        assert all(point.heard.wrong_medoids == 0 for point in points)


def test_listens_are_counted_one_by_one():
    assert [point.heard.listens for point in run("group", Habits())] == [15, 30, 45, 60, 75]
    assert [point.heard.listens for point in run("single", Habits())] == [6, 12, 18, 24, 30]
    adaptive = [point.heard.listens for point in run("adaptive", Habits())]
    assert 12 <= adaptive[0] <= 15  # no classifier yet: two hear each
    assert 30 < adaptive[-1] < 75


@pytest.mark.parametrize("shared", [0.0, 1.0])
def test_adaptive_never_asks_more_than_group_nor_less_than_single(shared):
    habits = Habits(0.3, 0.1, shared)
    single, adaptive, group = (run(policy, habits) for policy in ("single", "adaptive", "group"))
    for few, some, many in zip(single, adaptive, group, strict=True):
        assert few.labels == few.heard.listens <= some.heard.listens <= many.heard.listens


def test_one_person_who_never_errs_is_what_a_campaign_has_without_people():
    asked = [replace(point, heard=NOTHING_HEARD) for point in run("adaptive", Habits(), (1,))]
    assert asked == [replace(point, heard=NOTHING_HEARD) for point in audios().run(campaign(), max_set=1000)]


def test_a_campaign_with_errors_is_the_same_when_run_again_and_another_by_another_seed():
    habits = Habits(0.2, 0.1, 0.5)
    assert run("adaptive", habits) == run("adaptive", habits)
    assert run("adaptive", habits) != run("adaptive", habits, seed=1)


def test_where_everybody_doubts_nothing_is_learned_and_every_listen_is_paid():
    points = run("group", Habits(doubt=1))
    assert points[-1] == Point(30, 0, None, 0, heard=replace(NOTHING_HEARD, listens=75))


def test_where_everybody_errs_every_medoid_is_wrong():
    [*_, last] = run("single", Habits(errors=1), labels=12)
    assert (last.heard.medoids, last.heard.wrong_medoids) == (12, 12)
    assert last.macro_f1 < 0.2


def test_audios_without_an_agreed_class_are_bought_and_make_no_medoid():
    last = run("group", Habits(errors=0.4))[-1]
    assert last.labels == 30
    assert 0 < last.heard.medoids < 30


def test_a_tally_counts_what_was_heard_agreed_and_wrong():
    settled = [
        (Settled("gull", ("gull",), by_all=False), "gull"),
        (Settled("gull", ("gull", "gull"), by_all=False), "horn"),
        (Settled("horn", ("horn", DOUBT, "horn"), by_all=True), "horn"),
        (Settled(None, ("horn", "gull"), by_all=True), "horn"),  # of whom one errs cannot be told
        (Settled("rain", ("rain",), by_all=True), "rain"),  # a group of one confirms nothing
    ]
    assert tally(settled) == replace(
        NOTHING_HEARD, listens=9, medoids=4, wrong_medoids=1, sampled=3, sampled_apart=1
    )


def test_the_share_that_everybody_hears_tells_how_often_people_err_alone_and_not_together():
    def measured(habits: Habits) -> float:
        listening = Listening(Team((5,), habits), "adaptive", NAMES, 0)
        heard = [listening.settle(UUID(int=number), "horn", "horn") for number in range(8000)]
        counted = tally((it, "horn") for it in heard)
        assert Counter(len(it.answers) for it in heard if it.by_all).keys() == {5}
        return counted.sampled_apart / counted.sampled

    assert measured(Habits(errors=0.1)) == pytest.approx(0.1, abs=0.03)
    assert measured(Habits(errors=0.1, shared_errors=1)) == 0
