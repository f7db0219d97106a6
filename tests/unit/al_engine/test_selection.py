"""A batch: what it holds whatever the input, and which audios it holds where that can be told."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from unit.al_engine.vectors import clustered, ids, tying_embeddings

from al_engine.exact.vectors import cosine_distances, unit_vectors
from al_engine.method.partition import number_of_sets, partition
from al_engine.method.selection import Proposal, SelectionSettings, select_batch
from escolta.errors import Rejected

CLASSES = ["gull", "horn", "rain"]


class Window:
    """Unlabeled audios and medoids, row by row."""

    def __init__(self, rows: np.ndarray, medoids: list[str], top: list[str], p: list[float]) -> None:
        self.medoid_rows, self.rows = rows[: len(medoids)], rows[len(medoids) :]
        self.medoids, self.top, self.p = medoids, np.array(top, np.str_), np.array(p, np.float32)
        self.ids = ids(len(self.rows))

    def batch(self, batch: int, max_set: int, order: list[int] | None = None) -> list[Proposal]:
        order = list(range(len(self.ids))) if order is None else order
        return select_batch(
            self.rows[order],
            [self.ids[row] for row in order],
            self.top[order],
            self.p[order],
            self.medoid_rows,
            self.medoids,
            SelectionSettings(batch, max_set),
        ).proposals


@st.composite
def windows(draw: st.DrawFn) -> Window:
    rows = draw(tying_embeddings())
    medoids = draw(st.lists(st.sampled_from(CLASSES), max_size=min(6, len(rows))))
    n = len(rows) - len(medoids)
    top = draw(st.lists(st.sampled_from("xyz"), min_size=n, max_size=n))
    p = draw(st.lists(st.sampled_from([0.25, 0.5, 0.75]), min_size=n, max_size=n))
    return Window(rows, medoids, top, p)


def sounds(n: int, medoids: int, seed: int = 0) -> Window:
    rows, cluster = clustered(n + medoids, 32, 8, seed)
    names = [f"class {number}" for number in cluster]
    rng = np.random.default_rng(seed)
    return Window(rows, names[:medoids], names[medoids:], rng.random(n).tolist())


batches, max_sets = st.integers(0, 12), st.integers(1, 26)


@settings(max_examples=60, deadline=None)
@given(windows(), batches, max_sets)
def test_as_many_audios_are_proposed_as_are_wanted_and_there(window, batch, max_set):
    proposals = window.batch(batch, max_set)
    assert len(proposals) == min(batch, len(window.ids))
    assert [proposal.rank for proposal in proposals] == list(range(1, len(proposals) + 1))
    chosen = {proposal.audio_id for proposal in proposals}
    assert len(chosen) == len(proposals)
    assert chosen <= set(window.ids)


@settings(max_examples=60, deadline=None)
@given(windows(), batches, max_sets, st.randoms(use_true_random=False))
def test_the_order_of_rows_changes_nothing(window, batch, max_set, random):
    order = list(range(len(window.ids)))
    random.shuffle(order)
    assert window.batch(batch, max_set, order) == window.batch(batch, max_set)


@settings(max_examples=60, deadline=None)
@given(windows(), batches, max_sets)
def test_a_set_is_used_up_before_the_next_one_is_touched(window, batch, max_set):
    sets = partition(window.top, window.p, max_set)
    assert len(sets) == number_of_sets(len(window.ids), max_set)
    in_set = {window.ids[row]: number for number, rows in enumerate(sets, 1) for row in rows}
    proposals = window.batch(batch, max_set)
    numbers = [proposal.disjoint_set for proposal in proposals]
    assert numbers == [in_set[proposal.audio_id] for proposal in proposals]
    assert numbers == sorted(numbers)
    for number in set(numbers) - {max(numbers, default=0)}:
        assert numbers.count(number) == len(sets[number - 1])


@settings(max_examples=60, deadline=None)
@given(windows(), batches, max_sets)
def test_a_proposal_tells_what_the_committee_said(window, batch, max_set):
    for proposal in window.batch(batch, max_set):
        if not window.medoids:
            assert proposal == Proposal(proposal.rank, proposal.audio_id, proposal.disjoint_set)
            continue
        sample = unit_vectors(window.rows[[window.ids.index(proposal.audio_id)]])
        distances = cosine_distances(sample, unit_vectors(window.medoid_rows))[0]
        assert proposal.medoid_distance == distances.min()
        assert proposal.nearest_medoid == distances.tolist().index(distances.min())
        assert proposal.propagated_class == window.medoids[proposal.nearest_medoid]
        one_class = len(set(window.medoids)) == 1
        assert (proposal.predicted_class is None) == (proposal.predicted_probability is None) == one_class
        assert proposal.mismatched == (
            not one_class and proposal.predicted_class != proposal.propagated_class
        )


def test_mismatched_audios_come_first_within_a_set():
    window = sounds(300, medoids=10)
    flags = [proposal.mismatched for proposal in window.batch(batch=300, max_set=1000)]
    assert 0 < sum(flags) < 300
    assert flags == sorted(flags, reverse=True)


def test_the_first_batch_has_one_audio_of_every_kind_of_sound():
    window = sounds(400, medoids=0)
    proposals = window.batch(batch=8, max_set=1000)
    kinds = {window.top[window.ids.index(proposal.audio_id)] for proposal in proposals}
    assert len(kinds) == 8


def test_the_first_batch_begins_with_the_largest_cluster():
    rows = np.vstack([np.tile([1.0, 0, 0], (2, 1)), np.tile([0, 1.0, 0], (4, 1)), [[0, 0, 1.0]]])
    window = Window(rows, [], ["x"] * 7, [0.5] * 7)
    assert [proposal.audio_id.int for proposal in window.batch(3, 10)] == [3, 1, 7]


def test_what_an_earlier_set_gave_counts_as_taken():
    """D_1 is audios 1 and 4. In D_2, audio 2 is farther from the medoid than 3, but identical to 1."""
    rows = np.array([[1, 0, 0], [0, 1, 0], [0, 1, 0], [1, 0, 1], [1, 0, 0]], np.float32)
    window = Window(rows, ["gull"], ["x"] * 4, [0.1, 0.5, 0.6, 0.2])
    proposals = window.batch(3, max_set=2)
    assert [(p.audio_id.int, p.disjoint_set) for p in proposals] == [(1, 1), (4, 1), (3, 2)]


@pytest.mark.parametrize("medoids", [[], ["gull"], ["gull", "horn"]])
def test_of_identical_embeddings_the_lowest_audio_ids_are_proposed(medoids):
    n = 9 + len(medoids)
    window = Window(np.ones((n, 4), np.float16), medoids, ["x"] * 9, [0.5] * 9)
    assert [proposal.audio_id.int for proposal in window.batch(4, 20, list(range(9))[::-1])] == [1, 2, 3, 4]


def test_no_audios_give_no_batch():
    window = Window(np.empty((0, 4), np.float32), [], [], [])
    assert window.batch(5, 10) == []


def test_an_embedding_that_is_not_finite_is_rejected_with_its_audio():
    window = sounds(5, medoids=2)
    window.rows[3, 7] = np.nan
    with pytest.raises(Rejected, match=f"audio {window.ids[3]} is not finite"):
        window.batch(2, 10)


def test_a_medoid_that_is_not_finite_is_rejected():
    window = sounds(5, medoids=2)
    window.medoid_rows[1, 0] = np.inf
    with pytest.raises(Rejected, match="medoid 1 is not finite"):
        window.batch(2, 10)


def test_shapes_that_do_not_fit_are_refused():
    window, settings_of = sounds(4, medoids=2), SelectionSettings(2, 10)
    top, p = window.top, window.p
    with pytest.raises(ValueError, match="4 audio ids need as many"):
        select_batch(window.rows[:3], window.ids, top, p, window.medoid_rows, window.medoids, settings_of)
    with pytest.raises(ValueError, match="2 medoids need as many classes, not 1"):
        select_batch(window.rows, window.ids, top, p, window.medoid_rows, ["gull"], settings_of)
    with pytest.raises(ValueError, match="different models"):
        select_batch(window.rows, window.ids, top, p, np.eye(2), ["gull", "horn"], settings_of)
