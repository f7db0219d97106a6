"""FasterPAM against the `kmedoids` package, against every swap there is, and against every choice."""

from itertools import combinations

import kmedoids as package  # type: ignore[import-untyped]
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from unit.al_engine.vectors import clustered, tying_embeddings

from al_engine.exact.distances import nearest
from al_engine.exact.pairwise import pairwise
from al_engine.exact.symmetric import Symmetric
from al_engine.exact.vectors import unit_vectors
from al_engine.method.kmedoids import farthest_first_start, faster_pam, k_medoids


def matrix(distances: Symmetric) -> np.ndarray:
    return distances.rows(slice(0, len(distances)))


def loss(distances: Symmetric, medoids: np.ndarray) -> float:
    return float(distances.at(medoids).min(axis=0).sum(dtype=np.float64))


def packages_loss(distances: Symmetric, start: np.ndarray) -> float:
    exact = matrix(distances).astype(np.float64)
    return package.fasterpam(exact, start.astype(np.uint64), 10_000, n_cpu=1).loss


@st.composite
def problems(draw: st.DrawFn, most: int = 25) -> tuple[Symmetric, int]:
    """Distances and a number of clusters."""
    distances = pairwise(unit_vectors(draw(tying_embeddings(most=most))))
    return distances, draw(st.integers(1, len(distances)))


@given(problems())
def test_the_loss_is_that_of_the_package_from_the_same_start(problem):
    distances, k = problem
    start = farthest_first_start(distances, k)
    assert loss(distances, faster_pam(distances, start)) <= packages_loss(distances, start) + 1e-9


@pytest.mark.parametrize("seed", range(4))
def test_the_loss_on_clustered_embeddings_is_that_of_the_package(seed):
    distances = pairwise(unit_vectors(clustered(400, 32, 12, seed)[0]))
    start = np.random.default_rng(seed).permutation(400)[:20]
    assert loss(distances, faster_pam(distances, start)) <= packages_loss(distances, start) + 1e-9


@given(problems(most=12))
def test_no_swap_of_two_samples_lowers_the_loss(problem):
    distances, k = problem
    medoids = faster_pam(distances, farthest_first_start(distances, k))
    best = loss(distances, medoids)
    for slot in range(k):
        for other in range(len(distances)):
            swapped = medoids.copy()
            swapped[slot] = other
            assert loss(distances, swapped) >= best


@pytest.mark.parametrize("seed", range(4))
def test_clusters_that_lie_apart_get_the_best_medoids_of_all(seed):
    rng = np.random.default_rng(seed)
    apart = np.repeat(np.eye(3, 8), 4, axis=0) + 0.1 * rng.random((12, 8))
    distances = pairwise(unit_vectors(apart))
    best = min(loss(distances, np.array(choice)) for choice in combinations(range(12), 3))
    assert loss(distances, k_medoids(distances, 3).medoids) == best


@given(problems())
def test_the_start_is_the_farthest_first_traversal_from_the_most_central(problem):
    (searched, k), distances = problem, matrix(problem[0])
    sums = distances.sum(axis=1, dtype=np.float64).tolist()
    expected = [sums.index(min(sums))]
    while len(expected) < k:
        rest = [row for row in range(len(distances)) if row not in expected]
        expected.append(max(rest, key=lambda row: (distances[row, expected].min(), -row)))
    assert farthest_first_start(searched, k).tolist() == expected


@given(problems())
def test_every_sample_belongs_to_its_nearest_medoid_and_a_medoid_to_itself(problem):
    distances, k = problem
    clustering = k_medoids(distances, k)
    assert len(set(clustering.medoids.tolist())) == k
    assert clustering.medoids.tolist() == sorted(clustering.medoids.tolist())
    to_own = matrix(distances)[np.arange(len(distances)), clustering.medoids[clustering.assignment]]
    np.testing.assert_array_equal(to_own, distances.at(clustering.medoids).min(axis=0))
    np.testing.assert_array_equal(clustering.assignment[clustering.medoids], np.arange(k))
    assert clustering.sizes().sum() == len(distances)


def test_one_cluster_has_the_most_central_sample_as_its_medoid():
    distances = pairwise(unit_vectors(np.array([[5, 0], [4, 1], [3, 2], [1, 4]], np.float32)))
    assert k_medoids(distances, 1).medoids.tolist() == [2]


@pytest.mark.parametrize("k", [1, 2, 5])
def test_of_identical_samples_the_first_are_the_medoids(k):
    distances = pairwise(unit_vectors(np.ones((5, 3), np.float32)))
    assert k_medoids(distances, k).medoids.tolist() == list(range(k))


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 1000))
def test_the_search_ends_where_almost_everything_ties(seed):
    rows = np.random.default_rng(seed).integers(0, 2, (60, 4)).astype(np.float32)
    distances = pairwise(unit_vectors(rows))
    assert len(faster_pam(distances, np.arange(20))) == 20


# Where something is reached already -------------------------------------------------------------------


@st.composite
def reached_problems(draw: st.DrawFn, most: int = 12) -> tuple[Symmetric, int, np.ndarray]:
    """Distances, a number of clusters, and how far each sample is from what is reached."""
    rows = draw(tying_embeddings(least=2, most=most))
    reached = draw(st.integers(1, len(rows) - 1))
    samples = unit_vectors(rows[reached:])
    to_reached = nearest(samples, unit_vectors(rows[:reached]))[1]
    return pairwise(samples), draw(st.integers(1, len(samples))), to_reached


def loss_with(distances: Symmetric, medoids: np.ndarray, to_reached: np.ndarray) -> float:
    return float(np.minimum(distances.at(medoids).min(axis=0), to_reached).sum(dtype=np.float64))


@given(reached_problems())
def test_beside_what_is_reached_no_swap_of_two_samples_lowers_the_loss(problem):
    distances, k, to_reached = problem
    medoids = k_medoids(distances, k, to_reached).medoids
    assert len(set(medoids.tolist())) == k
    best = loss_with(distances, medoids, to_reached)
    for slot in range(k):
        for other in range(len(distances)):
            swapped = medoids.copy()
            swapped[slot] = other
            assert loss_with(distances, swapped, to_reached) >= best


@given(reached_problems())
def test_a_sample_nearer_to_what_is_reached_counts_in_no_cluster(problem):
    distances, k, to_reached = problem
    clustering = k_medoids(distances, k, to_reached)
    to_own = distances.at(clustering.medoids).min(axis=0)
    in_none = to_reached < to_own
    in_none[clustering.medoids] = False
    assert ((clustering.assignment == k) == in_none).all()
    assert clustering.sizes().sum() == len(distances) - in_none.sum()


@given(problems(most=12))
def test_what_is_reached_far_away_changes_nothing_for_one_cluster(problem):
    distances, _ = problem
    far = np.full(len(distances), 2, np.float32)
    assert loss(distances, k_medoids(distances, 1, far).medoids) == loss(
        distances, k_medoids(distances, 1).medoids
    )
