"""Who hears next, against a slow account of it: a table of who said what, read from the top."""

from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from escolta.errors import Misconfigured
from escolta.listening.agreement import Agreement, Marked
from escolta.listening.policies import HEARD_BY_ALL, POLICIES, Hearing, drawn_for_all, find

DOUBT, HORN, GULL, RAIN = 1, 2, 3, 4

Said = dict[int, int]
"""Class -> for how many seconds somebody marked it; empty: heard nothing."""


def hearing(people: list[Said], answered: int, expected: int | None, by_all: bool = False) -> Hearing:
    """Labelers 0, 1 … of whom the first so many have answered."""
    events = [
        Marked(who, class_id, 0, length)
        for who, said in enumerate(people[:answered])
        for class_id, length in said.items()
    ]
    return Hearing(range(len(people)), range(answered), events, {DOUBT}, expected, by_all)


def heard(
    policy: str, people: list[Said], expected: int | None, by_all: bool = False
) -> tuple[int, Agreement]:
    """How many hear an audio until it is settled, and on what they agree."""
    answered = 0
    while asked := find(policy)(hearing(people, answered, expected, by_all)):
        assert list(asked) == list(range(answered, answered + len(asked)))  # in order, and nobody twice
        answered += len(asked)
    return answered, hearing(people, answered, expected, by_all).agreed(answered)


@pytest.mark.parametrize(
    ("said", "listens", "agreed", "percent"),
    [
        ([HORN, GULL, GULL], 1, HORN, 100),  # as the classifier has it: nobody else is asked
        ([GULL, GULL, HORN], 2, GULL, 100),
        ([GULL, HORN, HORN], 3, HORN, 200 / 3),
        ([GULL, RAIN, GULL], 3, GULL, 200 / 3),
        ([GULL, HORN, RAIN], 3, None, 100 / 3),
        ([DOUBT, HORN, HORN], 3, HORN, 200 / 3),
        ([DOUBT, DOUBT, HORN], 2, None, 0),
        ([None, None, HORN], 2, None, 0),
        ([None, DOUBT, HORN], 2, None, 0),
    ],
)
def test_a_further_one_hears_what_the_one_before_contradicts(said, listens, agreed, percent):
    people: list[Said] = [{} if class_id is None else {class_id: 1} for class_id in said]
    number, agreement = heard("adaptive", people, expected=HORN)
    assert (number, agreement.class_id, agreement.labelers) == (listens, agreed, listens)
    assert agreement.agreement_percent == pytest.approx(percent)


def test_without_a_classifier_a_second_confirms_the_first():
    assert heard("adaptive", [{HORN: 1}] * 3, expected=None)[0] == 2


def test_where_a_group_has_nobody_else_those_who_are_there_settle_it():
    assert heard("adaptive", [{GULL: 1}], HORN) == (1, Agreement(GULL, 1, 100))
    assert heard("adaptive", [{GULL: 1}, {HORN: 1}], HORN) == (2, Agreement(None, 2, 50))


def test_a_fourth_hears_only_what_everybody_hears():
    people: list[Said] = [{GULL: 1}, {RAIN: 1}, {DOUBT: 1}, {HORN: 1}]
    assert heard("adaptive", people, HORN)[0] == 3
    assert heard("adaptive", people, HORN, by_all=True)[0] == 4


def test_the_first_confirms_the_classifier_by_the_class_that_its_answer_makes():
    assert heard("adaptive", [{HORN: 5, GULL: 1}, {}, {}], HORN)[0] == 1
    assert heard("adaptive", [{HORN: 1, GULL: 5}, {}, {}], HORN)[0] == 3


def test_single_takes_the_word_of_one():
    assert heard("single", [{DOUBT: 1}, {HORN: 1}], HORN) == (1, Agreement(None, 1, 0))
    assert heard("single", [{GULL: 1}, {HORN: 1}], HORN) == (1, Agreement(GULL, 1, 100))


def test_who_has_left_is_not_asked_and_counts_as_having_answered():
    gone = Hearing([8, 9], [7], [Marked(7, GULL, 0, 1)], {DOUBT}, HORN, by_all=False)
    assert list(find("adaptive")(gone)) == [8]
    assert list(find("single")(gone)) == []
    assert list(find("group")(gone)) == [8, 9]


def test_nobody_is_asked_where_nobody_is():
    assert all(not policy(hearing([], 0, HORN)) for policy in POLICIES.values())


teams = st.lists(
    st.dictionaries(st.integers(DOUBT, RAIN), st.integers(1, 3), max_size=3), min_size=1, max_size=5
)
expectations = st.sampled_from([None, HORN, GULL, RAIN])


def of_one(said: Said) -> int | None:
    """What one makes of an audio alone: the longest, of equally long ones the first of the ontology."""
    longest = sorted((-length, class_id) for class_id, length in said.items() if class_id != DOUBT)
    return longest[0][1] if longest else None


def slow_listens(people: list[Said], expected: int | None, by_all: bool) -> int:
    if by_all or len(people) == 1:
        return len(people)
    confirmed = expected is not None and of_one(people[0]) == expected
    if confirmed:
        return 1
    known = [{class_id for class_id in said if class_id != DOUBT} for said in people]
    alike = bool(known[0] & known[1]) or not (known[0] | known[1])
    return 2 if alike else min(3, len(people))


@given(teams, expectations, st.booleans())
def test_adaptive_agrees_with_the_slow_account(people, expected, by_all):
    assert heard("adaptive", people, expected, by_all)[0] == slow_listens(people, expected, by_all)


@given(teams, expectations, st.booleans())
def test_adaptive_asks_as_many_as_single_or_more_and_never_more_than_group(people, expected, by_all):
    listens = {policy: heard(policy, people, expected, by_all)[0] for policy in POLICIES}
    assert listens["single"] == 1 <= listens["adaptive"] <= listens["group"] == len(people)


@given(teams, st.booleans())
def test_where_all_say_the_same_every_policy_makes_the_same_medoid(people, by_all):
    same = [people[0]] * len(people)
    for expected in (None, HORN, GULL, RAIN):
        made = {heard(policy, same, expected, by_all)[1].class_id for policy in POLICIES}
        assert made == {of_one(people[0])}


@given(teams, expectations)
def test_what_everybody_hears_is_what_the_group_makes_of_it(people, expected):
    assert heard("adaptive", people, expected, by_all=True) == heard("group", people, expected)


def test_the_share_that_everybody_hears_is_as_stated_and_another_by_another_salt():
    audios = [UUID(int=number) for number in range(20_000)]
    drawn, again, other = ({it for it in audios if drawn_for_all(it, salt)} for salt in "aab")
    assert drawn == again
    assert len(drawn) / len(audios) == pytest.approx(HEARD_BY_ALL, abs=0.005)
    assert len(drawn & other) < len(drawn) / 2


def test_a_policy_that_is_not_there_is_refused():
    with pytest.raises(Misconfigured, match="no listening policy 'two': there are group, single, adaptive"):
        find("two")
