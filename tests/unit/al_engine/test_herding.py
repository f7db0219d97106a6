"""Herding takes what an eager search takes, sample by sample, ties included."""

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from unit.al_engine.vectors import clustered, ids, tying_embeddings

from al_engine.exact.coarse import grid_of
from al_engine.exact.distances import nearest
from al_engine.exact.vectors import UnitVectors, cosine_distances, mean, unit_vectors
from al_engine.method import herding
from al_engine.method.herding import Support, herd, support_rows
from al_engine.method.kernel import ONE, REACH, STEPS, Kernel, bandwidth


def slowly(distance: float, width: float) -> int:
    """The kernel of one distance."""
    step = min(int(np.float32(distance) * np.float32(STEPS / width)), STEPS * REACH)
    return round(ONE * math.exp(-((step / STEPS) ** 2)))


def eagerly(samples: UnitVectors, support: Support, width: float, count: int) -> list[int]:
    """Every gain, every time, in Python's whole numbers."""
    grid = grid_of(samples, mean(samples.take(support.rows)))
    points = grid.rows(samples).astype(np.float64)
    kernel = [
        [slowly(float(np.square(x - points[i]).sum()) / 2, width) for i in support.rows.tolist()]
        for x in points
    ]
    doubt = [int(value) for value in support.doubt]
    covered = [int(value) for value in support.covered]
    taken: list[int] = []
    rest = set(range(len(samples)))
    while rest and len(taken) < count:
        gain = {
            c: sum(w * max(0, k - there) for w, k, there in zip(doubt, kernel[c], covered, strict=True))
            for c in rest
        }
        taken.append(max(rest, key=lambda c: (gain[c], -c)))
        rest.remove(taken[-1])
        covered = [max(there, k) for there, k in zip(covered, kernel[taken[-1]], strict=True)]
    return taken


def problem(
    vectors: UnitVectors, medoids: int, rows: np.ndarray, doubt: np.ndarray
) -> tuple[UnitVectors, Support]:
    """What is left of the vectors after the medoids, and a support at these rows of it."""
    samples = vectors.take(slice(medoids, None))
    kernel = Kernel(bandwidth(samples))
    distance = nearest(samples, vectors.take(slice(medoids)))[1]
    return samples, Support.of(rows, doubt, kernel.of(distance[rows]))


def many(seed: int, support: int = 280) -> tuple[UnitVectors, Support]:
    rng = np.random.default_rng(seed)
    vectors = unit_vectors(clustered(300, 24, 12, seed)[0])
    rows = np.sort(rng.permutation(280)[:support])
    return problem(vectors, 20, rows, rng.random(support))


@given(tying_embeddings(least=2, most=14), st.data())
def test_it_takes_what_the_eager_search_takes(embeddings, data):
    vectors = unit_vectors(embeddings)
    medoids = data.draw(st.integers(1, len(vectors) - 1))
    n = len(vectors) - medoids
    rows = np.array(sorted(data.draw(st.sets(st.integers(0, n - 1), min_size=1))), np.intp)
    doubt = np.array(
        data.draw(st.lists(st.sampled_from([0, 0.25, 1]), min_size=len(rows), max_size=len(rows)))
    )
    samples, support = problem(vectors, medoids, rows, doubt)
    width = bandwidth(samples)
    count = data.draw(st.integers(0, n + 2))
    assert herd(samples, support, Kernel(width), count) == eagerly(samples, support, width, count)


@pytest.mark.parametrize("support", [280, 90])
@pytest.mark.parametrize("seed", range(2))
def test_it_takes_what_the_eager_search_takes_of_many(seed, support):
    samples, over = many(seed, support)
    width = bandwidth(samples)
    assert herd(samples, over, Kernel(width), 60) == eagerly(samples, over, width, 60)


@pytest.mark.parametrize("support", [280, 90])
@pytest.mark.parametrize("name", ["BLOCK_ROWS", "BLOCK_COLUMNS", "KEPT", "MOST_AT_ONCE"])
def test_neither_blocks_nor_what_is_kept_change_anything(name, support, monkeypatch):
    samples, over = many(3, support)
    kernel = Kernel(bandwidth(samples))
    whole = herd(samples, over, kernel, 60)
    monkeypatch.setattr(herding, name, 7)
    assert herd(samples, over, kernel, 60) == whole


def test_it_brings_a_fraction_of_the_gains_up_to_date(monkeypatch):
    looked_at = 0
    gains = herding._Coverage.gains

    def counted(self: herding._Coverage, rows: list[int]) -> np.ndarray:
        nonlocal looked_at
        looked_at += len(rows)
        return gains(self, rows)

    monkeypatch.setattr(herding._Coverage, "gains", counted)
    vectors = unit_vectors(clustered(3000, 48, 60, seed=0)[0])
    samples, support = problem(vectors, 100, np.arange(2900), np.ones(2900))
    herd(samples, support, Kernel(bandwidth(samples)), 100)
    assert looked_at < 2900 * 100 / 4


def test_what_is_certain_is_left_and_what_is_doubtful_heard():
    rows, cluster = clustered(120, 16, 3, seed=5, noise=0.2)
    samples = unit_vectors(rows)
    nothing = np.zeros(120, np.uint16)
    support = Support.of(np.arange(120), np.where(cluster == 1, 1.0, 0.01), nothing)
    taken = herd(samples, support, Kernel(bandwidth(samples)), 5)
    assert set(cluster[taken]) == {1}


def test_one_of_many_equal_sounds_is_enough():
    samples = unit_vectors(np.repeat(np.eye(4, dtype=np.float32), [40, 3, 2, 1], axis=0))
    support = Support.of(np.arange(46), np.ones(46), np.zeros(46, np.uint16))
    assert herd(samples, support, Kernel(bandwidth(samples)), 5) == [0, 40, 43, 45, 1]


def test_what_is_covered_already_comes_last():
    samples = unit_vectors(np.repeat(np.eye(2, dtype=np.float32), [40, 3], axis=0))
    support = Support.of(np.arange(43), np.ones(43), np.repeat([ONE, 0], [40, 3]).astype(np.uint16))
    assert herd(samples, support, Kernel(1.0), 2) == [40, 0]


def test_no_samples_give_none():
    samples = unit_vectors(np.empty((0, 4), np.float32))
    nothing = Support.of(np.empty(0, np.intp), np.empty(0), np.empty(0, np.uint16))
    assert herd(samples, nothing, Kernel(1.0), 3) == []


def test_a_set_of_up_to_20_000_is_its_own_support_and_a_larger_one_has_a_share_drawn(monkeypatch):
    monkeypatch.setattr(herding, "MOST_IN_FULL", 20)
    monkeypatch.setattr(herding, "PAIRS", 200)
    assert support_rows(ids(20), seed=1).tolist() == list(range(20))
    drawn = support_rows(ids(100), seed=1)
    assert len(drawn) == 2
    assert drawn.tolist() == sorted(drawn.tolist())
    assert drawn.tolist() != support_rows(ids(100), seed=2).tolist()


def test_the_support_depends_on_ids_and_not_on_rows(monkeypatch):
    monkeypatch.setattr(herding, "MOST_IN_FULL", 20)
    monkeypatch.setattr(herding, "PAIRS", 2_000)
    audio_ids = ids(100)
    backward = [99 - row for row in support_rows(audio_ids[::-1], seed=1).tolist()]
    assert sorted(backward) == support_rows(audio_ids, seed=1).tolist()


def test_the_kernel_falls_from_one_to_nothing():
    distances = np.array([0, 0.1, 0.2, 0.8, 2], np.float32)
    assert Kernel(0.2).of(distances).tolist() == pytest.approx(
        [ONE, ONE * math.exp(-0.25), ONE * math.exp(-1), 0, 0], abs=4
    )


def test_the_bandwidth_has_a_fiftieth_of_all_pairs_within():
    samples = unit_vectors(clustered(101, 8, 3, seed=1)[0])
    pairs = cosine_distances(samples, samples)[np.triu_indices(101, 1)]
    assert (pairs < bandwidth(samples)).mean() <= 0.02 <= (pairs <= bandwidth(samples)).mean()


@pytest.mark.parametrize(
    ("rows", "width"), [([[1, 0]], 1.0), ([[1, 0]] * 9, 1.0), ([[1, 0]] * 9 + [[0, 1]], 1.0)]
)
def test_equal_sounds_leave_a_bandwidth_above_nothing(rows, width):
    assert bandwidth(unit_vectors(np.array(rows, np.float32))) == width


def test_a_support_is_not_changed_by_herding():
    samples, support = many(4)
    before = replace(support, covered=support.covered.copy())
    herd(samples, support, Kernel(bandwidth(samples)), 30)
    np.testing.assert_array_equal(support.covered, before.covered)
