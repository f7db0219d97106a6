"""Distances for k-medoids: whole-number arithmetic, close to the cosine distance, in any order the same."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from unit.al_engine.vectors import clustered, tying_embeddings

from al_engine.exact import coarse, symmetric
from al_engine.exact import pairwise as module
from al_engine.exact.vectors import UnitVectors, cosine_distances, mean, unit_vectors


def pairwise(samples: UnitVectors) -> np.ndarray:
    """The whole matrix."""
    return module.pairwise(samples).rows(slice(0, len(samples)))


@given(tying_embeddings())
def test_they_are_symmetric_and_zero_between_equal_embeddings(embeddings):
    distances = pairwise(unit_vectors(embeddings))
    assert distances.dtype == np.float32
    np.testing.assert_array_equal(distances, distances.T)
    assert (distances >= 0).all()
    vectors = unit_vectors(embeddings)
    same = cosine_distances(vectors, vectors) == 0
    assert (distances[same] == 0).all()


@given(tying_embeddings(), st.data())
def test_the_order_of_samples_changes_nothing(embeddings, data):
    order = np.array(data.draw(st.permutations(range(len(embeddings)))))
    distances = pairwise(unit_vectors(embeddings))
    np.testing.assert_array_equal(pairwise(unit_vectors(embeddings[order])), distances[np.ix_(order, order)])


@pytest.mark.parametrize("rows", [1, 7, 64])
def test_blocks_change_nothing(rows, monkeypatch):
    samples = unit_vectors(clustered(200, 2048, 4, seed=4)[0])
    whole = pairwise(samples)
    monkeypatch.setattr(module, "BLOCK_ROWS", rows)
    monkeypatch.setattr(coarse, "BLOCK_ROWS", rows)
    monkeypatch.setattr(symmetric, "TILE_ROWS", rows)
    np.testing.assert_array_equal(pairwise(samples), whole)


@pytest.mark.parametrize("offset", [0, 10, 1000])
@pytest.mark.parametrize("dim", [3, 64, 2048])
def test_float32_computes_every_product_exactly(dim, offset):
    vectors = unit_vectors(clustered(60, dim, 5, seed=dim)[0] + offset)
    grid = coarse.grid_of(vectors, mean(vectors))
    rows = grid.matrix(vectors)
    products = rows @ rows.T
    exact = rows.astype(np.float64) @ rows.astype(np.float64).T
    np.testing.assert_array_equal(products, exact)
    in_steps = rows / grid.step
    assert (in_steps == np.rint(in_steps)).all()
    assert 2**20 < np.square(in_steps, dtype=np.float64).sum(axis=1).max() <= 2**24


@pytest.mark.parametrize("offset", [0, 1, 10])
def test_they_are_the_cosine_distances_to_a_thousandth_of_the_largest(offset):
    vectors = unit_vectors(clustered(300, 2048, 12, seed=1)[0] + offset)
    exact = cosine_distances(vectors, vectors)
    assert np.abs(pairwise(vectors) - exact).max() < 1e-3 * exact.max()


@pytest.mark.parametrize("n", [0, 1])
def test_few_samples_have_few_distances(n):
    assert pairwise(unit_vectors(np.ones((n, 3), np.float32))).tolist() == [[0.0]] * n
