"""The control arm: a part of the batch that is drawn at random, and looks like the rest of it."""

from dataclasses import replace
from uuid import UUID

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import chisquare
from unit.al_engine.vectors import clustered, ids

from al_engine.method.draw import draw
from al_engine.method.selection import Selection, SelectionSettings, control_arm, select_batch

SEEDS = 3000
LEAST_P = 0.001
"""Of a chi-square test of the fixed seeds above: a fair draw passes, and passes always."""


def select(n: int, medoids: int, chosen: SelectionSettings, order: np.ndarray | None = None) -> Selection:
    rows, cluster = clustered(n + medoids, 16, 6, seed=1)
    order = np.arange(n) if order is None else order
    audio_ids = ids(n)
    return select_batch(
        rows[medoids:][order],
        [audio_ids[row] for row in order],
        (cluster[medoids:] % 3)[order],
        np.linspace(0, 1, n)[order],
        rows[:medoids],
        [f"class {number}" for number in cluster[:medoids]],
        chosen,
    )


shares = st.sampled_from([0.0, 0.05, 0.2, 0.5, 1.0])
batches = st.integers(0, 40)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 50), st.sampled_from([0, 1, 9]), shares, batches, st.integers(1, 60), st.integers(0, 9))
def test_the_arm_is_the_wanted_share_of_the_batch(n, medoids, share, batch, max_set, seed):
    proposals = select(n, medoids, SelectionSettings(batch, max_set, "mal-mf", share, seed)).proposals
    assert len({proposal.audio_id for proposal in proposals}) == len(proposals) == min(batch, n)
    assert [proposal.rank for proposal in proposals] == list(range(1, len(proposals) + 1))
    assert sum(proposal.control for proposal in proposals) == round(share * len(proposals))


@settings(max_examples=30, deadline=None)
@given(st.permutations(range(40)), st.sampled_from([0, 9]), st.integers(0, 9))
def test_the_order_of_rows_changes_nothing(order, medoids, seed):
    chosen = SelectionSettings(12, 25, "mal-mf", 0.3, seed)
    assert select(40, medoids, chosen, np.array(order)).proposals == select(40, medoids, chosen).proposals


def test_every_audio_is_as_likely_as_any_other():
    """Also the least and the most certain ones, whichever disjoint set they are in."""
    times = np.zeros(25)
    for seed in range(SEEDS):
        times[control_arm(ids(25), 10, SelectionSettings(10, 5, "mal-mf", 0.4, seed))] += 1
    assert times.sum() == 4 * SEEDS
    assert chisquare(times).pvalue > LEAST_P


def test_every_pair_of_audios_is_as_likely_as_any_other():
    pairs = np.zeros((8, 8))
    for seed in range(SEEDS):
        first, second = sorted(draw(ids(8), 2, seed, "control arm"))
        pairs[first, second] += 1
    assert chisquare(pairs[np.triu_indices(8, 1)]).pvalue > LEAST_P


def test_draws_of_two_purposes_are_independent():
    both = np.zeros((6, 6))
    for seed in range(SEEDS):
        [first], [second] = draw(ids(6), 1, seed, "one"), draw(ids(6), 1, seed, "two")
        both[first, second] += 1
    assert chisquare(both.ravel()).pvalue > LEAST_P


def test_the_rank_of_an_audio_tells_nothing_about_its_arm():
    times = np.zeros(4)
    for seed in range(400):
        proposals = select(6, 0, SelectionSettings(4, 100, "mal-mf", 0.25, seed)).proposals
        times += [proposal.control for proposal in proposals]
    assert chisquare(times).pvalue > LEAST_P


def test_an_audio_is_drawn_whatever_else_there_is():
    """Taking other audios away leaves those that were drawn drawn: no audio's chance hangs on another."""
    audio_ids = ids(60)
    drawn = [audio_ids[row] for row in draw(audio_ids, 6, 5, "control arm")]
    fewer = drawn[::-1] + audio_ids[::2]
    left: list[UUID] = list(dict.fromkeys(fewer))
    assert [left[row] for row in draw(left, 6, 5, "control arm")] == drawn


def test_the_rest_of_the_batch_is_the_strategy_s_in_its_order():
    """The same as if the arm's audios had not been there."""
    chosen = SelectionSettings(10, 100, "mal-mf", 0.2, seed=3)
    proposals = select(50, 0, chosen).proposals
    arm = {proposal.audio_id for proposal in proposals if proposal.control}
    left = np.array([row for row, audio_id in enumerate(ids(50)) if audio_id not in arm])
    alone = select(50, 0, replace(chosen, batch=8, control_share=0), left).proposals
    assert [proposal.audio_id for proposal in proposals if not proposal.control] == [
        proposal.audio_id for proposal in alone
    ]


def test_the_arm_s_audios_count_as_taken():
    """All of the batch but one is the arm's; the traversal takes what is far from it as well."""
    audio_ids, batch = ids(4), SelectionSettings(2, 9, "mal-mf", 0.5)
    [drawn] = control_arm(audio_ids, 2, batch)
    rows = np.tile(np.array([0, 1, 0], np.float32), (4, 1))  # far from the medoid, and identical to the arm's
    nearer = (drawn + 1) % 4
    rows[nearer] = [1, 0, 1]
    medoid = np.array([[1, 0, 0]], np.float32)
    proposals = select_batch(rows, audio_ids, ["x"] * 4, [0.5] * 4, medoid, ["gull"], batch).proposals
    assert {proposal.audio_id for proposal in proposals} == {audio_ids[drawn], audio_ids[nearer]}


def test_the_arm_tells_what_the_committee_said():
    selection = select(50, 9, SelectionSettings(10, 100, "mal-mf", 0.5, seed=3))
    assert all(proposal.predicted_class for proposal in selection.proposals)
    looked_at = np.concatenate([judged.rows for judged in selection.judged])
    assert sorted(looked_at) == list(range(50))
    for judged in selection.judged:
        assert len(judged.opinion.mismatched) == len(judged.rows)
