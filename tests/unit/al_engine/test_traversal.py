"""The lazy traversal takes what an eager one takes, sample by sample, ties included."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from unit.al_engine.vectors import clustered, tying_embeddings

from al_engine.exact.distances import nearest
from al_engine.exact.vectors import UnitVectors, cosine_distances, exact_distances, unit_vectors
from al_engine.method import traversal
from al_engine.method.traversal import farthest_first


def eagerly(samples: UnitVectors, distance: np.ndarray, mismatched: np.ndarray, count: int) -> list[int]:
    """Every distance, every time."""
    distance = distance.copy()
    taken: list[int] = []
    rest = set(range(len(samples)))
    while rest and len(taken) < count:
        pool = [row for row in rest if mismatched[row]] or list(rest)
        taken.append(max(pool, key=lambda row: (distance[row], -row)))
        rest.remove(taken[-1])
        to_last = cosine_distances(samples, samples.take(np.array(taken[-1:])))[:, 0]
        distance = np.minimum(distance, to_last)
    return taken


@given(tying_embeddings(least=2), st.data())
def test_it_takes_what_the_eager_traversal_takes(embeddings, data):
    vectors = unit_vectors(embeddings)
    medoids = data.draw(st.integers(1, len(vectors) - 1))
    samples = vectors.take(slice(medoids, None))
    _, distance = nearest(samples, vectors.take(slice(medoids)))
    n = len(samples)
    mismatched = np.array(data.draw(st.lists(st.booleans(), min_size=n, max_size=n)))
    count = data.draw(st.integers(0, n + 2))
    assert farthest_first(samples, distance, mismatched, count) == eagerly(
        samples, distance, mismatched, count
    )


@pytest.mark.parametrize("seed", range(3))
def test_it_takes_what_the_eager_traversal_takes_of_many(seed):
    vectors = unit_vectors(clustered(1500, 48, 30, seed)[0])
    samples, medoids = vectors.take(slice(20, None)), vectors.take(slice(20))
    _, distance = nearest(samples, medoids)
    mismatched = np.random.default_rng(seed).random(len(samples)) < 0.05
    assert farthest_first(samples, distance, mismatched, 120) == eagerly(samples, distance, mismatched, 120)


def test_it_computes_a_fraction_of_the_distances(monkeypatch):
    computed = 0

    def counted(a: np.ndarray, b: np.ndarray) -> np.ndarray:
        nonlocal computed
        computed += len(a) * len(b)
        return exact_distances(a, b)

    monkeypatch.setattr(traversal, "exact_distances", counted)
    vectors = unit_vectors(clustered(3000, 48, 60, seed=0)[0])
    _, distance = nearest(vectors, vectors.take(slice(100)))
    farthest_first(vectors, distance, np.zeros(3000, bool), 100)
    assert computed < 3000 * 100 / 4


def test_mismatched_samples_come_first_however_near_they_are():
    samples = unit_vectors(np.array([[1, 0], [1, 0.1], [0, 1], [-1, 0]], np.float32))
    _, distance = nearest(samples, samples.take(slice(1)))
    mismatched = np.array([False, True, True, False])
    assert farthest_first(samples, distance, mismatched, 4) == [2, 1, 3, 0]


def test_identical_samples_are_taken_in_order():
    samples = unit_vectors(np.ones((6, 2), np.float32))
    assert farthest_first(samples, np.zeros(6, np.float32), np.zeros(6, bool), 4) == [0, 1, 2, 3]


def test_no_samples_give_none():
    samples = unit_vectors(np.empty((0, 4), np.float32))
    assert farthest_first(samples, np.empty(0, np.float32), np.empty(0, bool), 3) == []
