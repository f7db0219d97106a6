"""Distances are exact: a whole-number oracle agrees to the last bit, whatever the blocks."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from unit.al_engine.vectors import clustered, tying_embeddings

from al_engine import distances
from al_engine.distances import KeptNearest, UnitVectors, cosine_distances, nearest, pairwise, unit_vectors


def exactly(x: np.ndarray, y: np.ndarray) -> float:
    """Half the squared distance of two rows, in fractions, rounded once to what float32 holds of 2^-23."""
    whole = [(int(a * 2**24) - int(b * 2**24)) ** 2 for a, b in zip(x, y, strict=True)]
    return float(np.float32(round(Fraction(sum(whole), 2**49) * 2**23) / 2**23))


@given(tying_embeddings())
def test_a_distance_is_the_exact_one_rounded_once(embeddings):
    vectors = unit_vectors(embeddings)
    expected = [[exactly(x, y) for y in vectors.rows] for x in vectors.rows]
    np.testing.assert_array_equal(cosine_distances(vectors, vectors), expected)


def test_a_distance_of_long_embeddings_is_the_exact_one_rounded_once():
    vectors = unit_vectors(clustered(8, 2048, 3, seed=0)[0])
    expected = [[exactly(x, y) for y in vectors.rows] for x in vectors.rows]
    np.testing.assert_array_equal(cosine_distances(vectors, vectors), expected)


def test_a_distance_is_the_cosine_distance():
    rows = clustered(50, 1024, 5, seed=1)[0].astype(np.float64)
    lengths = np.linalg.norm(rows, axis=1)
    expected = 1 - rows @ rows.T / lengths / lengths[:, None]
    vectors = unit_vectors(rows.astype(np.float32))
    np.testing.assert_allclose(cosine_distances(vectors, vectors), expected, atol=3e-7)


def test_the_length_of_an_embedding_does_not_matter():
    rows = clustered(20, 64, 3, seed=2)[0]
    np.testing.assert_array_equal(unit_vectors(rows).rows, unit_vectors(rows * 1024).rows)


def test_identical_embeddings_are_at_distance_zero_and_opposite_ones_at_two():
    row = clustered(1, 1024, 1, seed=3)[0]
    same, opposite = cosine_distances(unit_vectors(row), unit_vectors(np.vstack([row, -row])))[0]
    assert same == 0
    assert opposite == pytest.approx(2, abs=1e-6)


def test_embeddings_of_zeros_are_identical_to_each_other():
    vectors = unit_vectors(np.array([[0, 0, 0], [0, 0, 0], [1, 0, 0]], np.float16))
    assert cosine_distances(vectors, vectors)[0].tolist() == [
        0,
        0,
        pytest.approx(1 - 1 / np.sqrt(3), abs=1e-6),
    ]


def test_an_embedding_that_is_not_finite_has_no_length():
    halves = unit_vectors(np.array([[1, 2], [np.inf, 1], [np.nan, 0]], np.float32)).half_squares
    assert np.isfinite(halves).tolist() == [True, False, False]


@given(tying_embeddings(), tying_embeddings())
def test_the_nearest_medoid_is_the_first_of_the_equally_near(embeddings, others):
    dim = min(embeddings.shape[1], others.shape[1])
    samples, medoids = unit_vectors(embeddings[:, :dim]), unit_vectors(others[:, :dim])
    every = cosine_distances(samples, medoids)
    index, distance = nearest(samples, medoids)
    assert index.tolist() == [row.tolist().index(row.min()) for row in every]
    assert distance.tolist() == every.min(axis=1).tolist()


@given(tying_embeddings(), tying_embeddings(), st.data())
def test_kept_distances_change_nothing(embeddings, others, data):
    dim = min(embeddings.shape[1], others.shape[1])
    samples, medoids = unit_vectors(embeddings[:, :dim]), unit_vectors(others[:, :dim])
    is_new = np.array(data.draw(st.lists(st.booleans(), min_size=len(medoids), max_size=len(medoids))))
    known, new = np.flatnonzero(~is_new), np.flatnonzero(is_new)
    index, distance = np.full(len(samples), -1), np.zeros(len(samples), np.float32)
    if len(known):
        place, distance = nearest(samples, medoids.take(known))
        index = known[place]
    forgotten = data.draw(st.lists(st.booleans(), min_size=len(samples), max_size=len(samples)))
    index[forgotten] = -1
    kept = KeptNearest(index, distance, np.array(data.draw(st.permutations(new.tolist())), np.intp))
    before = index.copy()
    found = nearest(samples, medoids, kept)
    expected = nearest(samples, medoids)
    assert found[0].tolist() == expected[0].tolist()
    assert found[1].tolist() == expected[1].tolist()
    assert kept.index.tolist() == before.tolist()


@pytest.mark.parametrize("rows", [1, 7, 64])
def test_blocks_change_nothing(rows, monkeypatch):
    samples = unit_vectors(clustered(50, 257, 4, seed=4)[0])
    medoids = samples.take(slice(10, 23))
    whole = cosine_distances(samples, samples)
    index, distance = nearest(samples, medoids)
    monkeypatch.setattr(distances, "BLOCK_ROWS", rows)
    np.testing.assert_array_equal(pairwise(samples), whole)
    np.testing.assert_array_equal(nearest(samples, medoids)[0], index)
    np.testing.assert_array_equal(nearest(samples, medoids)[1], distance)


def test_chosen_rows_are_scaled_in_the_order_given():
    rows = clustered(9, 16, 2, seed=5)[0]
    chosen = unit_vectors(rows, np.array([7, 0, 3]))
    assert isinstance(chosen, UnitVectors)
    np.testing.assert_array_equal(chosen.rows, unit_vectors(rows).rows[[7, 0, 3]])
