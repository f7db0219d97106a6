"""The 2/3 rule, against a slow account of it in whole milliseconds and exact fractions."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from escolta.listening.agreement import Marked, agree, quorum

DOUBT, HORN, GULL, RAIN = 1, 2, 3, 4
DURATION_MS = 40


def mark(labeler_id: int, class_id: int, onset_s: float = 0.0, offset_s: float = 1.0) -> Marked:
    return Marked(labeler_id, class_id, onset_s, offset_s)


def group(labelers: int, number: int = 1) -> dict[int, int]:
    """Labelers 1, 2 … of one group."""
    return dict.fromkeys(range(1, labelers + 1), number)


@pytest.mark.parametrize(("labelers", "needed"), [(1, 1), (2, 2), (3, 2), (4, 3), (5, 4), (6, 4), (7, 5)])
def test_two_thirds_of_the_labelers_is_rounded_up(labelers, needed):
    assert quorum(labelers) == needed


def test_two_of_three_make_a_medoid():
    agreement = agree(group(3), [mark(1, HORN), mark(2, HORN), mark(3, GULL)], {DOUBT})
    assert agreement.class_id == HORN
    assert agreement.labelers == 3
    assert agreement.agreement_percent == pytest.approx(200 / 3)


def test_one_of_two_does_not():
    agreement = agree(group(2), [mark(1, HORN), mark(2, GULL)], {DOUBT})
    assert (agreement.class_id, agreement.agreement_percent) == (None, 50)


def test_one_labeler_alone_is_enough():
    assert agree({7: 1}, [mark(7, RAIN)], {DOUBT}).class_id == RAIN


def test_many_events_of_one_labeler_are_one_vote():
    events = [mark(1, HORN, onset, onset + 1) for onset in range(5)]
    assert agree(group(3), [*events, mark(2, GULL)], {DOUBT}).class_id is None


def test_doubt_never_wins_even_when_everybody_doubts():
    agreement = agree(group(3), [mark(1, DOUBT), mark(2, DOUBT), mark(3, DOUBT)], {DOUBT})
    assert (agreement.class_id, agreement.agreement_percent) == (None, 0)


def test_nothing_marked_is_no_agreement():
    agreement = agree(group(3), [], {DOUBT})
    assert (agreement.class_id, agreement.labelers, agreement.agreement_percent) == (None, 3, 0)


def test_of_two_candidates_the_longer_wins():
    events = [mark(1, HORN, 0, 2), mark(2, HORN, 0, 2), mark(1, GULL, 0, 3), mark(2, GULL, 0, 2)]
    assert agree(group(2), events, {DOUBT}).class_id == GULL


def test_overlapping_marks_of_one_labeler_count_once():
    events = [mark(1, HORN, 0, 2), mark(1, HORN, 1, 3), mark(1, HORN, 0, 2), mark(1, GULL, 0, 3.5)]
    assert agree(group(1), events, {DOUBT}).class_id == GULL


def test_duration_is_averaged_over_those_who_used_the_class():
    rain = [mark(1, RAIN, 0, 4), mark(2, RAIN, 0, 4)]
    horn = [mark(1, HORN, 0, 4), mark(2, HORN, 0, 4), mark(3, HORN, 0, 3)]
    assert agree(group(3), rain + horn, {DOUBT}).class_id == RAIN


def test_a_tie_goes_to_the_class_that_more_labelers_used():
    events = [mark(1, HORN), mark(2, HORN), mark(1, GULL), mark(2, GULL), mark(3, GULL)]
    assert agree(group(3), events, {DOUBT}).class_id == GULL


def test_a_last_tie_goes_to_the_class_that_came_first():
    events = [mark(1, GULL, 0.1, 0.4), mark(2, GULL), mark(1, HORN), mark(2, HORN, 0.7, 1.0)]
    assert agree(group(2), events, {DOUBT}).class_id == HORN


@st.composite
def teams(draw: st.DrawFn) -> tuple[int, list[tuple[int, int, int, int]]]:
    labelers = draw(st.integers(1, 5))
    event = st.tuples(
        st.integers(1, labelers),
        st.integers(DOUBT, RAIN),
        st.integers(0, DURATION_MS - 1),
        st.integers(1, DURATION_MS),
    ).filter(lambda event: event[2] < event[3])
    return labelers, draw(st.lists(event, max_size=12))


def slow_agreement(labelers: int, events: list[tuple[int, int, int, int]]) -> tuple[int | None, Fraction]:
    heard: dict[int, dict[int, set[int]]] = {}
    for labeler, class_id, onset, offset in events:
        heard.setdefault(class_id, {}).setdefault(labeler, set()).update(range(onset, offset))
    best, best_rank, most = None, None, 0
    for class_id in (HORN, GULL, RAIN):
        users = heard.get(class_id, {})
        most = max(most, len(users))
        if not users or Fraction(len(users), labelers) < Fraction(2, 3):
            continue
        rank = (Fraction(sum(map(len, users.values())), len(users)), len(users))
        if best_rank is None or rank > best_rank:
            best, best_rank = class_id, rank
    reached = len(heard[best]) if best else most
    return best, Fraction(100 * reached, labelers)


@given(teams())
def test_it_agrees_with_the_slow_account(team):
    labelers, events = team
    marks = [Marked(who, what, onset / 1000, offset / 1000) for who, what, onset, offset in events]
    agreement = agree(group(labelers), marks, {DOUBT})
    class_id, percent = slow_agreement(labelers, events)
    assert agreement.class_id == class_id
    assert agreement.agreement_percent == pytest.approx(float(percent))


@given(teams(), st.randoms())
def test_the_order_of_the_marks_does_not_matter(team, random):
    labelers, events = team
    marks = [Marked(who, what, onset / 1000, offset / 1000) for who, what, onset, offset in events]
    before = agree(group(labelers), marks, {DOUBT})
    random.shuffle(marks)
    assert agree(group(labelers), marks, {DOUBT}) == before


@given(teams())
def test_an_agreed_class_has_two_thirds_and_no_doubt(team):
    labelers, events = team
    marks = [Marked(who, what, onset / 1000, offset / 1000) for who, what, onset, offset in events]
    agreement = agree(group(labelers), marks, {DOUBT})
    if agreement.class_id is None:
        assert agreement.agreement_percent < 200 / 3
    else:
        assert agreement.class_id != DOUBT
        assert agreement.agreement_percent >= 200 / 3 - 1e-9


# Several groups ------------------------------------------------------------------------------------

HARBOR_AND_CAMPUS = {1: 1, 2: 1, 3: 1, 4: 2, 5: 2}
"""The paper's groups: three people, and two."""


def test_two_thirds_are_counted_within_a_group_and_not_over_all():
    over_all = [mark(labeler, HORN) for labeler in (1, 4)]
    assert agree(HARBOR_AND_CAMPUS, over_all, {DOUBT}).class_id is None
    in_harbor = [mark(labeler, HORN) for labeler in (1, 2)]
    agreement = agree(HARBOR_AND_CAMPUS, in_harbor, {DOUBT})
    assert (agreement.class_id, agreement.labelers, agreement.agreement_percent) == (HORN, 5, 40)


def test_of_what_groups_agree_on_the_class_of_most_groups_wins():
    events = [mark(1, GULL, 0, 9), mark(2, HORN, 0, 1), mark(3, HORN, 0, 1)]
    assert agree({1: 1, 2: 2, 3: 3}, events, {DOUBT}).class_id == HORN


def test_where_groups_differ_the_longer_class_wins():
    events = [mark(1, HORN, 0, 1), mark(2, HORN, 0, 1), mark(4, GULL, 0, 3), mark(5, GULL, 0, 3)]
    agreement = agree(HARBOR_AND_CAMPUS, events, {DOUBT})
    assert (agreement.class_id, agreement.agreement_percent) == (GULL, 40)


@given(teams(), teams())
def test_what_groups_agree_on_together_is_what_one_of_them_agrees_on(one, other):
    (ones, of_one), (others, of_other) = one, other
    marks = [Marked(who, what, onset / 1000, offset / 1000) for who, what, onset, offset in of_one]
    marks += [Marked(ones + who, what, onset / 1000, offset / 1000) for who, what, onset, offset in of_other]
    together = agree(group(ones) | {ones + who: 2 for who in group(others)}, marks, {DOUBT})
    agreed = {
        what
        for size, events in ((ones, of_one), (others, of_other))
        for what in (HORN, GULL, RAIN)
        if 3 * len({it[0] for it in events if it[1] == what}) >= 2 * size
    }
    assert (together.class_id in agreed) if agreed else (together.class_id is None)
    assert together.labelers == ones + others
