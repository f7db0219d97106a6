"""What every strategy holds, whatever the input, and what each is for."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from unit.al_engine.vectors import clustered, ids, tying_embeddings

from al_engine.exact.vectors import unit_vectors
from al_engine.method.committee import Classifier
from al_engine.method.selection import Proposal, SelectionSettings, select_batch
from al_engine.method.strategies import STRATEGIES
from al_engine.method.typiclust import typiclust
from escolta.errors import Misconfigured

every_strategy = pytest.mark.parametrize("strategy", STRATEGIES)
every_strategy_but_random = pytest.mark.parametrize("strategy", sorted(set(STRATEGIES) - {"random"}))
CLASSES = ["gull", "horn", "rain"]


def propose(
    rows: np.ndarray, classes: list[str], chosen: SelectionSettings, order: list[int] | None = None
) -> list[Proposal]:
    """A batch of the rows after those that have a class."""
    unlabeled, audio_ids = rows[len(classes) :], ids(len(rows) - len(classes))
    order = list(range(len(unlabeled))) if order is None else order
    return select_batch(
        unlabeled[order],
        [audio_ids[row] for row in order],
        np.array(["x", "y"])[[row % 2 for row in order]],
        [1 / (1 + row) for row in order],
        rows[: len(classes)],
        classes,
        chosen,
    ).proposals


@st.composite
def problems(draw: st.DrawFn) -> tuple[np.ndarray, list[str]]:
    rows = draw(tying_embeddings(most=18))
    return rows, draw(st.lists(st.sampled_from(CLASSES), max_size=min(5, len(rows))))


@every_strategy
@settings(max_examples=15, deadline=None)
@given(
    problems(), st.integers(0, 9), st.integers(1, 20), st.integers(0, 3), st.randoms(use_true_random=False)
)
def test_a_batch_is_full_without_repetition_and_does_not_depend_on_the_order_of_rows(
    strategy, problem, batch, max_set, seed, random
):
    rows, classes = problem
    chosen = SelectionSettings(batch, max_set, strategy, 0.2, seed)
    proposals = propose(rows, classes, chosen)
    n = len(rows) - len(classes)
    assert len({proposal.audio_id for proposal in proposals}) == len(proposals) == min(batch, n)
    order = list(range(n))
    random.shuffle(order)
    assert propose(rows, classes, chosen, order) == proposals


@every_strategy_but_random
@pytest.mark.parametrize("classes", [[], ["gull"], ["gull", "horn"]])
def test_identical_embeddings_give_the_lowest_audio_ids(strategy, classes):
    rows = np.ones((9 + len(classes), 4), np.float32)
    proposals = propose(rows, classes, SelectionSettings(4, 20, strategy))
    assert [proposal.audio_id.int for proposal in proposals] == [1, 2, 3, 4]


@every_strategy
def test_no_audios_give_no_batch(strategy):
    assert propose(np.empty((0, 4), np.float32), [], SelectionSettings(5, 10, strategy)) == []


@every_strategy_but_random
def test_windows_united_are_one_window(strategy):
    """Two places that sound different: a first batch of two kinds of sound from each hears all four."""
    here, kind = clustered(60, 32, 2, seed=5, noise=0.2)
    there, other = clustered(60, 32, 2, seed=6, noise=0.2)
    proposals = propose(np.vstack([here, there]), [], SelectionSettings(4, 200, strategy))
    kinds = np.concatenate([kind, other + 2])
    assert {kinds[proposal.audio_id.int - 1] for proposal in proposals} == {0, 1, 2, 3}


def test_an_unknown_strategy_is_told_with_those_there_are():
    with pytest.raises(Misconfigured, match=r"no strategy 'best': choose one of mal-mf, random"):
        propose(np.eye(3), [], SelectionSettings(1, 9, "best"))


def test_another_seed_draws_others_and_the_same_seed_the_same():
    rows = clustered(60, 8, 3, seed=0)[0]
    drawn = [
        [proposal.audio_id for proposal in propose(rows, [], SelectionSettings(6, 99, "random", seed=seed))]
        for seed in (1, 2, 1)
    ]
    assert drawn[0] == drawn[2] != drawn[1]


def test_uncertainty_takes_what_lies_between_two_classes():
    angles = np.radians([0, 90, 10, 50, 80, 44])
    rows = np.column_stack([np.cos(angles), np.sin(angles)])
    proposals = propose(rows, ["gull", "horn"], SelectionSettings(4, 9, "uncertainty"))
    assert [proposal.audio_id.int for proposal in proposals] == [4, 2, 1, 3]


def test_a_margin_is_the_distance_between_the_two_most_probable_classes():
    rows, cluster = clustered(60, 8, 3, seed=2)
    vectors = unit_vectors(rows)
    classifier = Classifier(vectors.take(slice(0, 20)), np.array(CLASSES)[cluster[:20]])
    of_classes = classifier._probabilities(vectors, slice(0, 60))
    descending = -np.sort(-of_classes, axis=1)
    np.testing.assert_allclose(classifier.margins(vectors), descending[:, 0] - descending[:, 1])


def test_farthest_takes_no_notice_of_the_committee():
    rows = np.array([[1, 0, 0], [0.6, 0.8, 0], [0.8, 0.6, 0], [0, 0, 1], [0.7, 0.7, 0]])
    proposals = propose(rows, ["gull", "horn"], SelectionSettings(1, 9, "farthest"))
    assert [proposal.audio_id.int for proposal in proposals] == [2]


def test_typical_takes_the_middle_of_the_largest_clusters_first():
    rng = np.random.default_rng(3)
    centers = np.eye(3, 16)
    cluster = np.repeat([0, 1, 2], [12, 30, 20])
    rows = centers[cluster] + 0.05 * rng.standard_normal((62, 16))
    rows[[0, 12, 42]] = centers
    none = unit_vectors(rows[:0])
    assert typiclust(unit_vectors(rows), none, 3, seed=0) == [12, 42, 0]


def test_typical_goes_where_no_label_is():
    rng = np.random.default_rng(4)
    cluster = np.repeat([0, 1], [40, 10])
    rows = np.eye(2, 16)[cluster] + 0.02 * rng.standard_normal((50, 16))
    heard = unit_vectors(np.eye(2, 16)[[0]])
    [row] = typiclust(unit_vectors(rows), heard, 1, seed=0)
    assert cluster[row] == 1


def test_typical_for_two_batches_and_then_mal_mf():
    rows, cluster = clustered(120, 16, 4, seed=7)
    names = [f"class {number}" for number in cluster]
    for labeled, like in ((0, "typical"), (5, "typical"), (6, "mal-mf"), (20, "mal-mf")):
        chosen = SelectionSettings(5, 999, "typical-then-mal-mf")
        same = SelectionSettings(5, 999, like)
        assert propose(rows, names[:labeled], chosen) == propose(rows, names[:labeled], same)
