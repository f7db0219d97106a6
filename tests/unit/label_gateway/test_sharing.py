"""Sharing a batch out among groups."""

from collections import Counter
from collections.abc import Set
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from label_gateway.batches.sharing import Before, shares

weights = st.dictionaries(
    st.integers(1, 50), st.sampled_from([0.5, 1.0, 2.0, 3.0, 7.0]), min_size=1, max_size=6
)


def batch(audios: int) -> list[UUID]:
    return [UUID(int=number) for number in range(audios)]


def test_two_groups_hear_half_each_taking_turns():
    audios = batch(400)
    assert shares(audios, {1: 1.0, 2: 1.0}) == {1: audios[0::2], 2: audios[1::2]}


def test_a_group_with_three_fifths_gets_them_all_along_the_ranks():
    audios = batch(100)
    given_out = shares(audios, {1: 3.0, 2: 2.0})
    assert [len(given_out[group]) for group in (1, 2)] == [60, 40]
    assert len(set(given_out[1]) & set(audios[:50])) == 30


def test_one_group_hears_everything():
    assert shares(batch(7), {5: 1.0}) == {5: batch(7)}


def test_no_audios_leave_every_group_without():
    assert shares([], {1: 1.0, 2: 1.0}) == {1: [], 2: []}


def test_an_overlap_is_heard_by_every_group_and_the_rest_by_one():
    heard = Counter(audio for part in shares(batch(100), {1: 1.0, 2: 1.0}, 0.29).values() for audio in part)
    assert Counter(heard.values()) == {1: 71, 2: 29}


def test_an_overlap_of_one_gives_everybody_everything():
    assert shares(batch(9), {1: 1.0, 2: 5.0}, 1.0) == {1: batch(9), 2: batch(9)}


@given(st.integers(0, 60), weights)
def test_each_audio_goes_to_exactly_one_group_in_the_order_of_ranks(audios, parts):
    given_out = shares(batch(audios), parts)
    assert sorted(audio for part in given_out.values() for audio in part) == batch(audios)
    assert all(part == sorted(part) for part in given_out.values())


@given(st.integers(1, 60), weights)
def test_no_group_gets_a_whole_audio_more_than_its_part(audios, parts):
    for group, part in shares(batch(audios), parts).items():
        assert len(part) < audios * parts[group] / sum(parts.values()) + 1


@given(st.integers(0, 60), st.integers(1, 6))
def test_equal_groups_differ_by_one_at_most(audios, groups):
    sizes = [len(part) for part in shares(batch(audios), dict.fromkeys(range(groups), 1.0)).values()]
    assert max(sizes) - min(sizes) <= 1


@pytest.mark.parametrize("order", [[1, 2, 3], [3, 1, 2]])
def test_the_order_in_which_groups_are_given_does_not_matter(order):
    assert shares(batch(30), dict.fromkeys(order, 1.0)) == shares(batch(30), dict.fromkeys([1, 2, 3], 1.0))


# Given out anew ------------------------------------------------------------------------------------


def as_given(given_out: dict[int, list[UUID]], answered: Set[UUID] = frozenset()) -> dict[UUID, Before]:
    """What became of each audio: every group that has one of `answered` has answered it."""
    groups = {
        audio: frozenset(group for group, part in given_out.items() if audio in part)
        for part in given_out.values()
        for audio in part
    }
    return {
        audio: Before(having, having if audio in answered else frozenset())
        for audio, having in groups.items()
    }


def test_a_group_that_comes_gets_its_part_of_what_nobody_has_answered():
    audios = batch(10)
    before = as_given(shares(audios, {1: 1.0}), answered=set(audios[:2]))
    anew = shares(audios, {1: 1.0, 2: 1.0}, before=before)
    assert {group: len(part) for group, part in anew.items()} == {1: 5, 2: 5}
    assert set(audios[:2]) <= set(anew[1])


def test_what_a_group_that_is_gone_did_not_answer_goes_to_the_others():
    audios = batch(10)
    first = shares(audios, {1: 1.0, 2: 1.0, 3: 1.0})
    anew = shares(audios, {2: 1.0, 3: 1.0}, before=as_given(first, answered={audios[0]}))
    assert anew[1] == [audios[0]]
    assert sorted(audio for group in (2, 3) for audio in anew[group]) == audios[1:]
    for group in (2, 3):
        assert set(first[group]) <= set(anew[group]), "nobody loses what they have"


def test_a_group_that_comes_hears_the_overlap_too_but_nothing_that_is_settled():
    audios = batch(4)
    before = as_given(shares(audios, {1: 1.0}, 1.0))
    before[audios[0]] = Before(frozenset({1}), frozenset({1}), settled=True)
    before[audios[1]] = Before(frozenset({1}), frozenset({1}))
    assert shares(audios, {1: 1.0, 2: 1.0}, 1.0, before) == {1: audios, 2: audios[1:]}


@given(st.data(), st.integers(0, 60), weights, weights, st.sampled_from([0.0, 0.3, 1.0]))
def test_given_out_anew_every_audio_is_heard_and_no_answer_is_lost(data, audios, old, new, overlap):
    first = shares(batch(audios), old, overlap)
    answered = data.draw(st.sets(st.sampled_from(batch(audios)))) if audios else set()
    before = as_given(first, answered)
    anew = shares(batch(audios), new, overlap, before)
    assert {audio for part in anew.values() for audio in part} == set(batch(audios))
    for group, part in anew.items():
        kept = {audio for audio in first.get(group, []) if audio in answered}
        assert kept <= set(part)
        if group not in new:
            assert set(part) == kept, "nobody is there to hear more"
        assert part == sorted(part)


@given(st.data(), st.integers(0, 60), weights, weights, st.sampled_from([0.0, 0.3, 1.0]))
def test_given_out_again_to_the_same_groups_nothing_changes(data, audios, old, new, overlap):
    """Whatever they have answered meanwhile: people do not lose what they are hearing every minute."""
    anew = shares(batch(audios), new, overlap, as_given(shares(batch(audios), old, overlap)))
    answered = data.draw(st.sets(st.sampled_from(batch(audios)))) if audios else set()
    assert shares(batch(audios), new, overlap, as_given(anew, answered)) == anew


@given(st.integers(1, 60), weights, weights)
def test_given_out_anew_no_group_gets_a_whole_audio_more_than_its_part(audios, old, new):
    anew = shares(batch(audios), new, before=as_given(shares(batch(audios), old)))
    for group, part in anew.items():
        assert len(part) < audios * new.get(group, 0) / sum(new.values()) + 1
