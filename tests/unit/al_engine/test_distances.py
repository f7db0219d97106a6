"""The nearest medoid is the one that exact distances name, to the bit, however close the others are."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from unit.al_engine.vectors import clustered, tying_embeddings

from al_engine.exact import distances
from al_engine.exact.distances import KnownNearest, nearest
from al_engine.exact.vectors import UnitVectors, cosine_distances, unit_vectors


def by_exact_distances(samples: UnitVectors, medoids: UnitVectors) -> tuple[list[int], list[float]]:
    every = cosine_distances(samples, medoids).tolist()
    return [row.index(min(row)) for row in every], [min(row) for row in every]


def found(samples: UnitVectors, medoids: UnitVectors, known: KnownNearest | None = None):
    index, distance = nearest(samples, medoids, known)
    assert index.dtype == np.intp
    assert distance.dtype == np.float32
    return index.tolist(), distance.tolist()


@st.composite
def near_ties(draw: st.DrawFn) -> NDArray[np.float32]:
    """float32 `[n, dim]`: a few directions, in a narrow cone or not, and rows that differ in a last bit."""
    dim = draw(st.sampled_from([1, 2, 3, 17, 300, 2048]))
    rng = np.random.default_rng(draw(st.integers(0, 10_000)))
    directions = rng.standard_normal((draw(st.integers(1, 4)), dim)) * draw(st.sampled_from([1, 1e-3, 1e-6]))
    directions += draw(st.sampled_from([0, 1, 30]))
    rows = directions[rng.integers(0, len(directions), draw(st.integers(1, 40)))].astype(np.float32)
    ulps = rng.integers(-2, 3, rows.shape) * (rng.random(rows.shape) < draw(st.sampled_from([0, 0.01, 1])))
    return rows + ulps.astype(np.float32) * np.spacing(rows)


@given(tying_embeddings(), tying_embeddings())
def test_the_nearest_medoid_is_the_first_of_the_equally_near(embeddings, others):
    dim = min(embeddings.shape[1], others.shape[1])
    samples, medoids = unit_vectors(embeddings[:, :dim]), unit_vectors(others[:, :dim])
    assert found(samples, medoids) == by_exact_distances(samples, medoids)


@given(near_ties(), st.data())
def test_medoids_that_differ_in_a_last_bit_are_told_apart(rows, data):
    vectors = unit_vectors(rows)
    medoids = vectors.take(slice(data.draw(st.integers(1, len(vectors)))))
    assert found(vectors, medoids) == by_exact_distances(vectors, medoids)


@pytest.mark.parametrize("spread", [1.0, 1e-2, 1e-4, 1e-6])
@pytest.mark.parametrize("most", [0, 3, 1000])
def test_it_does_not_matter_how_many_medoids_are_nearly_as_near(spread, most, monkeypatch):
    monkeypatch.setattr(distances, "MOST_CANDIDATES", most)
    rows = np.random.default_rng(0).standard_normal((300, 512)) * spread + 1
    vectors = unit_vectors(rows.astype(np.float32))
    medoids = vectors.take(slice(100))
    assert found(vectors, medoids) == by_exact_distances(vectors, medoids)


@pytest.mark.parametrize("spread", [1.0, 1e-3, 1e-6])
@pytest.mark.parametrize("dim", [1, 2, 64, 2048])
def test_scores_err_by_less_than_is_proven(dim, spread):
    rng = np.random.default_rng(dim)
    rows = (rng.standard_normal((200, dim)) * spread + rng.standard_normal(dim)).astype(np.float32)
    vectors = unit_vectors(rows)
    medoids = distances._Medoids(vectors, np.arange(50))
    scores, half, error, half_error = medoids.scores(vectors, np.arange(200))
    centered = vectors.exact() - medoids.center
    exact_half = np.vecdot(centered, centered) / 2
    exact = exact_half[:50] - centered @ centered[:50].T
    assert (np.abs(scores - exact) <= error[:, None]).all()
    assert (np.abs(half - exact_half) <= half_error).all()


@given(tying_embeddings() | near_ties(), st.data())
def test_kept_distances_change_nothing(embeddings, data):
    vectors = unit_vectors(embeddings)
    medoids = vectors.take(np.array(data.draw(st.permutations(range(len(vectors)))))[: len(vectors) // 2 + 1])
    samples = vectors
    is_new = np.array(data.draw(st.lists(st.booleans(), min_size=len(medoids), max_size=len(medoids))))
    known, new = np.flatnonzero(~is_new), np.flatnonzero(is_new)
    index, distance = np.full(len(samples), -1), np.zeros(len(samples), np.float32)
    if len(known):
        place, distance = nearest(samples, medoids.take(known))
        index = known[place]
    forgotten = data.draw(st.lists(st.booleans(), min_size=len(samples), max_size=len(samples)))
    index[forgotten] = -1
    earlier = KnownNearest(index, distance, np.array(data.draw(st.permutations(new.tolist())), np.intp))
    before = index.copy()
    assert found(samples, medoids, earlier) == by_exact_distances(samples, medoids)
    assert earlier.index.tolist() == before.tolist()


@given(near_ties(), st.data())
def test_the_order_of_samples_changes_nothing(rows, data):
    vectors, medoids = unit_vectors(rows), unit_vectors(rows[: len(rows) // 2 + 1])
    order = np.array(data.draw(st.permutations(range(len(rows)))))
    index, distance = nearest(vectors, medoids)
    shuffled = nearest(unit_vectors(rows[order]), medoids)
    assert index[order].tolist() == shuffled[0].tolist()
    assert distance[order].tolist() == shuffled[1].tolist()


@pytest.mark.parametrize("rows", [1, 7, 64])
def test_blocks_change_nothing(rows, monkeypatch):
    samples = unit_vectors(clustered(50, 257, 4, seed=4)[0])
    medoids = samples.take(slice(10, 23))
    for size in ("BLOCK_ROWS", "BLOCK_PAIRS"):
        monkeypatch.setattr(distances, size, rows)
    assert found(samples, medoids) == by_exact_distances(samples, medoids)


def test_nearly_every_sample_is_compared_exactly_with_one_medoid(monkeypatch):
    pairs = 0

    def counted(x: NDArray[np.float64], y: NDArray[np.float64]) -> NDArray[np.float32]:
        nonlocal pairs
        pairs += len(x)
        return paired(x, y)

    paired = distances.paired_distances
    monkeypatch.setattr(distances, "paired_distances", counted)
    vectors = unit_vectors(clustered(2000, 2048, 60, seed=0)[0])
    nearest(vectors, vectors.take(slice(300)))
    assert pairs < 2000 * 1.1


def test_no_samples_have_no_medoids():
    vectors = unit_vectors(np.ones((3, 2), np.float32))
    assert found(vectors.take(slice(0)), vectors) == ([], [])
