"""What earlier batches have left counts: what is open, and what nobody agreed on."""

from uuid import UUID

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from unit.al_engine.vectors import clustered, ids, tying_embeddings

from al_engine.exact.distances import nearest
from al_engine.exact.vectors import UnitVectors, joined, unit_vectors
from al_engine.method.earlier import Earlier
from al_engine.method.selection import Proposal, SelectionSettings, select_batch
from al_engine.method.strategies import STRATEGIES

KINDS, DIM = 8, 64
LOOKS = sorted(set(STRATEGIES) - {"random"})
"""Strategies that look at what they choose from."""


def sounds(seed: int, noise: float = 0.2) -> tuple[np.ndarray, np.ndarray]:
    """Of eight kinds of sound thirty audios each, and the kind of each."""
    rng = np.random.default_rng(seed)
    kinds = np.repeat(np.arange(KINDS), 30)
    return (np.eye(KINDS, DIM)[kinds] + noise * rng.standard_normal((len(kinds), DIM)) / 8).astype(
        np.float32
    ), kinds


def propose(
    rows: np.ndarray, medoids: np.ndarray, classes: list[str], earlier: Earlier, strategy: str, batch: int
) -> list[Proposal]:
    n = len(rows)
    chosen = SelectionSettings(batch, n + 1, strategy)
    found = select_batch(rows, ids(n), ["x"] * n, [0.5] * n, medoids, classes, chosen, None, earlier)
    return found.proposals


def rows_of(proposals: list[Proposal]) -> list[int]:
    return [proposal.audio_id.int - 1 for proposal in proposals]


def away(rows: np.ndarray, others: np.ndarray) -> float:
    """Median distance of the rows to the nearest of the others."""
    return float(np.median(nearest(unit_vectors(rows), unit_vectors(others))[1]))


def with_open_kind(seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Of kinds 0 to 3 all audios, one of each open, and of kinds 4 to 7 ten: what is left, kinds, what is
    open."""
    rows, kinds = sounds(seed)
    place = np.arange(len(rows)) % 30
    is_open = (kinds < 4) & (place == 0)
    left = ~is_open & ((kinds < 4) | (place < 10))
    return rows[left], kinds[left], rows[is_open]


@pytest.mark.parametrize("strategy", LOOKS)
def test_a_cold_second_batch_hears_what_the_open_one_does_not(strategy):
    """It used to hear the same kinds again, since they are the large ones."""
    left, kinds, is_open = with_open_kind(1)
    told = rows_of(propose(left, left[:0], [], Earlier(left[:0], is_open), strategy, 4))
    untold = rows_of(propose(left, left[:0], [], Earlier.nothing(DIM), strategy, 4))
    assert sorted(kinds[told]) == [4, 5, 6, 7]
    assert away(left[told], is_open) > 4 * away(left[untold], is_open)


@pytest.mark.parametrize("strategy", LOOKS)
@pytest.mark.parametrize("classes", [["gull"], ["gull", "horn"]])
def test_no_near_duplicate_of_an_open_proposal_comes_while_others_remain(strategy, classes):
    """Kinds 0 and 1 may be medoids by now; of 2 and 3, which are open, nothing comes before the others."""
    left, kinds, reached = with_open_kind(2)
    medoids, is_open = reached[: len(classes)], reached[len(classes) :]
    found = rows_of(propose(left, medoids, classes, Earlier(left[:0], is_open), strategy, 4))
    assert set(kinds[found]) <= {0, 1, 4, 5, 6, 7}
    near = nearest(unit_vectors(left[found]), unit_vectors(is_open))[1]
    assert near.min() > 0.5


@pytest.mark.parametrize("strategy", ["mal-mf", "uncertainty"])
def test_a_kind_that_nobody_agrees_on_is_not_proposed_again_and_again(strategy):
    """Two kinds of which people make nothing: without their trace, most of what comes is of them."""
    rows, kinds = sounds(3, noise=0.6)
    known, never = (kinds < 3), (kinds == 6) | (kinds == 7)
    is_medoid = known & (np.arange(len(rows)) % 10 == 0)
    is_unresolved = never & (np.arange(len(rows)) % 10 == 0)
    is_left = (known | never) & ~is_medoid & ~is_unresolved
    classes = [f"class {kind}" for kind in kinds[is_medoid]]

    def of_never(earlier: Earlier) -> int:
        found = rows_of(propose(rows[is_left], rows[is_medoid], classes, earlier, strategy, 20))
        return int(never[is_left][found].sum())

    told, untold = of_never(Earlier(rows[is_unresolved], rows[:0])), of_never(Earlier.nothing(DIM))
    assert told < untold


def test_what_is_unresolved_is_no_class_of_any_answer():
    rows, kinds = sounds(4)
    unresolved = rows[kinds == 0][:3]
    medoids = rows[(kinds == 1) | (kinds == 2)]
    classes = ["gull"] * 30 + ["horn"] * 30
    left = rows[kinds == 0][3:]
    for proposal in propose(left, medoids, classes, Earlier(unresolved, rows[:0]), "mal-mf", 5):
        assert proposal.propagated_class in ("gull", "horn")
        assert proposal.predicted_class in ("gull", "horn")
        assert not proposal.mismatched  # both count it to what is unresolved
        assert proposal.nearest_unresolved in (0, 1, 2)
        assert proposal.unresolved_distance is not None
        assert proposal.medoid_distance is not None
        assert proposal.unresolved_distance < proposal.medoid_distance
        assert proposal.unresolved_probability is not None
        assert proposal.predicted_probability is not None
        assert proposal.unresolved_probability > proposal.predicted_probability


def test_an_open_batch_says_nothing_of_the_classes():
    """It is no member of the committee: what is said of an audio is the same with it and without."""
    rows, kinds = sounds(5, noise=0.6)
    medoids, left = rows[kinds < 2], rows[kinds > 2]
    classes = ["gull"] * 30 + ["horn"] * 30
    open_proposals = rows[kinds == 2]

    def said(earlier: Earlier) -> dict[UUID, tuple]:
        proposals = propose(left, medoids, classes, earlier, "mal-mf", len(left))
        return {
            proposal.audio_id: (proposal.predicted_class, proposal.predicted_probability, proposal.mismatched)
            for proposal in proposals
        }

    assert said(Earlier(rows[:0], open_proposals)) == said(Earlier.nothing(DIM))


@st.composite
def problems(draw: st.DrawFn) -> tuple[np.ndarray, list[int]]:
    rows = draw(tying_embeddings(least=4, most=18))
    sizes = draw(st.lists(st.integers(0, 3), min_size=3, max_size=3))
    return rows, sizes


@pytest.mark.parametrize("strategy", STRATEGIES)
@settings(max_examples=25, deadline=None)
@given(problems(), st.integers(0, 9), st.randoms(use_true_random=False))
def test_a_batch_is_full_without_repetition_whatever_was_left_and_in_whatever_order(
    strategy, problem, batch, random
):
    rows, sizes = problem
    medoids, unresolved, open_proposals, left = np.split(rows, np.cumsum(sizes))
    classes = ["gull", "horn", "gull"][: len(medoids)]
    n, audio_ids = len(left), ids(len(left))
    order = list(range(n))
    random.shuffle(order)
    turned = Earlier(unresolved[::-1], open_proposals[::-1])

    def batch_of(order: list[int], earlier: Earlier) -> list[UUID]:
        found = select_batch(
            left[order],
            [audio_ids[row] for row in order],
            ["x"] * n,
            [0.5] * n,
            medoids,
            classes,
            SelectionSettings(batch, 7, strategy, 0.2),
            earlier=earlier,
        )
        return [proposal.audio_id for proposal in found.proposals]

    found = batch_of(list(range(n)), Earlier(unresolved, open_proposals))
    assert len(set(found)) == len(found) == min(batch, n)
    assert batch_of(order, Earlier(unresolved, open_proposals)) == found
    if not strategy.startswith("typical"):  # k-means starts from rows as they come
        assert batch_of(order, turned) == found


PINNED: dict[tuple[int, str], list[int]] = {
    (0, "mal-mf"): [38, 18, 43, 0, 67, 52, 146, 12],
    (0, "uncertainty"): [38, 18, 43, 0, 67, 52, 146, 12],
    (0, "farthest"): [38, 18, 43, 0, 67, 52, 146, 12],
    (0, "typical"): [34, 35, 43, 66, 67, 0, 146, 8],
    (20, "mal-mf"): [12, 27, 47, 0, 67, 10, 146, 29],
    (20, "uncertainty"): [48, 0, 31, 65, 67, 17, 146, 43],
    (20, "farthest"): [12, 27, 47, 0, 67, 40, 146, 10],
    (20, "typical"): [34, 35, 0, 4, 67, 18, 146, 20],
}
"""By method 1, for a number of medoids and a strategy: see `test_method.py` before this is changed."""


@pytest.mark.parametrize(("medoids", "strategy"), PINNED)
def test_what_earlier_batches_left_changes_the_method_as_pinned(medoids, strategy):
    rows, cluster = clustered(200, 12, 6, seed=4, noise=0.7)
    labeled, unresolved, open_proposals, left = np.split(rows, [20, 26, 40])
    found = select_batch(
        left,
        ids(160),
        cluster[40:] % 3,
        np.linspace(0.1, 0.9, 160),
        labeled[:medoids],
        [f"class {number % 4}" for number in cluster[:medoids]],
        SelectionSettings(8, 70, strategy, 0.2, seed=11),
        earlier=Earlier(unresolved, open_proposals),
    )
    assert rows_of(found.proposals) == PINNED[medoids, strategy]


def test_a_bad_embedding_of_an_open_batch_is_told_by_its_place():
    rows, _ = sounds(6)
    bad = rows[:2].copy()
    bad[1, 0] = np.inf
    with pytest.raises(Exception, match="open proposal 1 is not finite"):
        propose(rows[2:], rows[:0], [], Earlier(rows[:0], bad), "mal-mf", 3)


def test_vectors_are_joined_in_their_order():
    rows, _ = sounds(7)
    parts: list[UnitVectors] = [unit_vectors(rows, np.array([5, 3])), unit_vectors(rows, np.array([9]))]
    np.testing.assert_array_equal(joined(parts).exact(), unit_vectors(rows).exact(np.array([5, 3, 9])))
