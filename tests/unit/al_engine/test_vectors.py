"""Distances are exact: a whole-number oracle agrees to the last bit, however the vectors are asked for."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from unit.al_engine.vectors import clustered, tying_embeddings

from al_engine.exact.vectors import cosine_distances, mean, paired_distances, unit_vectors


def exactly(x: np.ndarray, y: np.ndarray) -> float:
    """Half the squared distance of two rows, in fractions, rounded once to what float32 holds of 2^-23."""
    whole = [(int(a * 2**24) - int(b * 2**24)) ** 2 for a, b in zip(x, y, strict=True)]
    return float(np.float32(round(Fraction(sum(whole), 2**49) * 2**23) / 2**23))


@given(tying_embeddings())
def test_a_distance_is_the_exact_one_rounded_once(embeddings):
    vectors = unit_vectors(embeddings)
    expected = [[exactly(x, y) for y in vectors.exact()] for x in vectors.exact()]
    np.testing.assert_array_equal(cosine_distances(vectors, vectors), expected)


def test_a_distance_of_long_embeddings_is_the_exact_one_rounded_once():
    vectors = unit_vectors(clustered(8, 2048, 3, seed=0)[0])
    expected = [[exactly(x, y) for y in vectors.exact()] for x in vectors.exact()]
    np.testing.assert_array_equal(cosine_distances(vectors, vectors), expected)
    np.testing.assert_array_equal(
        paired_distances(vectors.exact(), vectors.exact()[::-1]), np.diag(expected[::-1])[::-1]
    )


def test_a_distance_is_the_cosine_distance():
    rows = clustered(50, 1024, 5, seed=1)[0].astype(np.float64)
    lengths = np.linalg.norm(rows, axis=1)
    expected = 1 - rows @ rows.T / lengths / lengths[:, None]
    vectors = unit_vectors(rows.astype(np.float32))
    np.testing.assert_allclose(cosine_distances(vectors, vectors), expected, atol=3e-7)


def test_the_length_of_an_embedding_does_not_matter():
    rows = clustered(20, 64, 3, seed=2)[0]
    np.testing.assert_array_equal(unit_vectors(rows).exact(), unit_vectors(rows * 1024).exact())


@pytest.mark.parametrize("float_type", [np.float16, np.float32, np.float64])
def test_the_type_of_an_embedding_does_not_matter(float_type):
    rows = clustered(20, 64, 3, seed=2)[0].astype(np.float16)
    np.testing.assert_array_equal(unit_vectors(rows.astype(float_type)).exact(), unit_vectors(rows).exact())


def test_embeddings_are_not_copied():
    rows = clustered(20, 64, 3, seed=2)[0]
    vectors = unit_vectors(rows).take(np.array([3, 1])).take(slice(1, 2))
    assert vectors.embeddings is rows
    assert vectors.index.tolist() == [1]


def test_asking_for_vectors_changes_no_embedding():
    rows = clustered(20, 64, 3, seed=2)[0]
    before = rows.copy()
    vectors = unit_vectors(rows)
    vectors.exact()
    vectors.exact(slice(2, 5))
    vectors.approximate()
    vectors.approximate(np.arange(3))
    np.testing.assert_array_equal(rows, before)


@pytest.mark.parametrize("length", [1e-38, 1e-20, 1.0, 1e20, 1e38])
@pytest.mark.parametrize("dim", [1, 3, 64, 2048])
def test_an_approximate_vector_is_as_near_as_it_says(dim, length):
    rows = np.random.default_rng(dim).standard_normal((50, dim))
    rows *= length / np.linalg.norm(rows, axis=1)[:, None]
    vectors = unit_vectors(rows.astype(np.float32))
    exact, approximate = vectors.exact(), vectors.approximate().astype(np.float64)
    assert (np.abs(approximate - exact) <= 4 * 2.0**-24 * np.abs(exact) + 2.0**-25).all()


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
    np.testing.assert_allclose(vectors.approximate(), vectors.exact(), atol=1e-7)


def test_an_embedding_that_is_not_finite_is_told():
    rows = np.array([[1, 2], [np.inf, 1], [np.nan, 0], [np.inf, -np.inf]], np.float32)
    assert unit_vectors(rows).finite.tolist() == [True, False, False, False]


def test_chosen_rows_are_scaled_in_the_order_given():
    rows = clustered(9, 16, 2, seed=5)[0]
    chosen = unit_vectors(rows, np.array([7, 0, 3]))
    np.testing.assert_array_equal(chosen.exact(), unit_vectors(rows).exact()[[7, 0, 3]])


@given(tying_embeddings())
def test_the_mean_is_the_same_in_any_order(embeddings):
    backwards = unit_vectors(embeddings[::-1])
    np.testing.assert_array_equal(mean(unit_vectors(embeddings)), mean(backwards))
