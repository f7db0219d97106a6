"""The partition against the rules of the paper, spelled out one sample at a time."""

from collections import defaultdict
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from al_engine.method.partition import number_of_sets, partition

tagged = st.lists(st.tuples(st.sampled_from("abcd"), st.integers(0, 4)), max_size=40)
"""Top-1 class and probability in quarters, so that many are equal."""


def split(samples: list[tuple[str, int]], max_set: int) -> list[list[int]]:
    classes = np.array([name for name, _ in samples], np.str_)
    p = np.array([quarters / 4 for _, quarters in samples], np.float32)
    return [rows.tolist() for rows in partition(classes, p, max_set)]


def by_the_rules(samples: list[tuple[str, int]], max_set: int) -> list[list[int]]:
    k = number_of_sets(len(samples), max_set)
    sets: list[list[int]] = [[] for _ in range(k)]
    of_class = defaultdict(list)
    for row in sorted(range(len(samples)), key=lambda row: (samples[row][1], row)):
        of_class[samples[row][0]].append(row)
    for rows in of_class.values():
        if len(rows) < k:
            sets[0] += rows
            continue
        start = 0
        for number in range(k):
            share = len(rows) // k + (number < len(rows) % k)
            sets[number] += rows[start : start + share]
            start += share
    for here, later in pairwise(sets):
        while len(here) > max_set:
            size = {name: sum(samples[row][0] == name for row in here) for name in "abcd"}
            last = [
                max((samples[row][1], row) for row in here if samples[row][0] == name)
                for name in "abcd"
                if size[name] == max(size.values())
            ]
            moved = max(last)[1]
            here.remove(moved)
            later.append(moved)
    return [sorted(rows) for rows in sets]


@given(tagged, st.integers(1, 45))
def test_the_sets_are_those_of_the_rules(samples, max_set):
    assert split(samples, max_set) == by_the_rules(samples, max_set)


@given(tagged, st.integers(1, 45))
def test_the_sets_are_disjoint_and_cover_everything(samples, max_set):
    rows = [row for rows in split(samples, max_set) for row in rows]
    assert sorted(rows) == list(range(len(samples)))


@given(tagged, st.integers(1, 45))
def test_no_set_is_longer_than_allowed(samples, max_set):
    sets = split(samples, max_set)
    assert len(sets) == number_of_sets(len(samples), max_set)
    assert all(len(rows) <= max_set for rows in sets)


@given(tagged, st.integers(1, 45))
def test_an_earlier_set_is_never_more_certain_of_a_class(samples, max_set):
    sets = split(samples, max_set)
    for a, here in enumerate(sets):
        for later in sets[a + 1 :]:
            for i in here:
                assert all(samples[i][1] <= samples[j][1] for j in later if samples[i][0] == samples[j][0])


def test_a_class_of_fewer_samples_than_sets_goes_to_the_first():
    assert split([("a", 3), ("b", 0), ("b", 1), ("b", 2), ("b", 3)], 3) == [[0, 1, 2], [3, 4]]
    assert split([("a", 0), ("a", 3), *[("b", 0)] * 9], 5) == [[0, 1, 2, 3, 4], [5, 6, 7], [8, 9, 10]]


def test_a_class_of_as_many_samples_as_sets_gives_each_one():
    assert split([("a", 3), ("a", 1), ("a", 2)], 1) == [[1], [2], [0]]


def test_the_remainder_goes_to_the_first_sets():
    assert split([("a", 0), ("a", 1), ("a", 2), ("a", 3), ("a", 4)], 3) == [[0, 1, 2], [3, 4]]


def test_an_overfull_set_gives_away_the_most_certain_of_its_largest_class():
    lone = [("b", 0), ("c", 0), ("d", 0)]  # too few for two sets each: all in the first
    assert split([("a", 0), ("a", 1), ("a", 2), ("a", 3), *lone], 4) == [[0, 4, 5, 6], [1, 2, 3]]


def test_one_set_holds_everything():
    assert split([("a", 2), ("b", 0), ("a", 1)], 3) == [[0, 1, 2]]


def test_no_samples_make_no_sets():
    assert split([], 5) == []


@pytest.mark.parametrize(("samples", "sets"), [(0, 0), (1, 1), (10, 1), (11, 2), (20, 2), (21, 3)])
def test_the_number_of_sets_is_rounded_up(samples, sets):
    assert number_of_sets(samples, 10) == sets
