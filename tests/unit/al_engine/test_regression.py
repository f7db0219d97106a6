"""The classifier's solver against scikit-learn's, solved as closely."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as of_test
from hypothesis import strategies as st
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from unit.al_engine.vectors import clustered

from al_engine.exact.regression import fit


def problem(n: int, dim: int, classes: int, seed: int) -> tuple[NDArray[np.float64], NDArray[np.intp]]:
    """Rows with a spread of about 1, and classes of very different sizes, each at least once."""
    rows, cluster = clustered(n, dim, classes, seed, noise=1.0)
    rng = np.random.default_rng(seed)
    rare = rng.random(n) < 0.7
    cluster[rare] = 0
    cluster[:classes] = np.arange(classes)
    scaled = (rows - rows.mean(axis=0)).astype(np.float64)
    return scaled / np.sqrt(np.square(scaled).sum(axis=1).mean()), cluster


def scikit_learn(rows: NDArray[np.float64], classes: NDArray[np.intp], c: float) -> LogisticRegression:
    return LogisticRegression(C=c, class_weight="balanced", max_iter=20_000, tol=1e-9).fit(rows, classes)


def probabilities(rows: NDArray[np.float64], fitted: NDArray[np.float64], c: NDArray[np.float64]):
    odds = rows @ fitted + c
    odds = np.exp(odds - odds.max(axis=1, keepdims=True))
    return odds / odds.sum(axis=1, keepdims=True)


@pytest.mark.parametrize("c", [0.1, 1.0, 100.0])
@pytest.mark.parametrize(("n", "dim", "classes"), [(300, 40, 7), (60, 200, 5), (50, 20, 2), (12, 64, 2)])
def test_it_agrees_with_scikit_learn(n, dim, classes, c):
    rows, of_rows = problem(n, dim, classes, seed=n)
    ours = probabilities(rows, *fit(rows, of_rows, c))
    np.testing.assert_allclose(ours, scikit_learn(rows, of_rows, c).predict_proba(rows), atol=1e-4)


@of_test(max_examples=25)
@given(st.integers(2, 30), st.integers(1, 30), st.integers(2, 5), st.integers(0, 1000))
def test_it_agrees_with_scikit_learn_on_any_problem(n, dim, classes, seed):
    classes = min(n, classes)
    rows, of_rows = problem(n, dim, classes, seed)
    ours = probabilities(rows, *fit(rows, of_rows, 1.0))
    np.testing.assert_allclose(ours, scikit_learn(rows, of_rows, 1.0).predict_proba(rows), atol=1e-4)


def test_the_coefficients_of_all_classes_add_up_to_nothing():
    found = fit(*problem(200, 30, 6, seed=1), 10.0)
    np.testing.assert_allclose(found.coefficients.sum(axis=1), 0, atol=1e-4)


def test_identical_rows_of_two_classes_teach_nothing():
    found = fit(np.zeros((7, 64)), np.array([0, 0, 0, 0, 1, 1, 1]), 100.0)
    np.testing.assert_allclose(found.coefficients, 0, atol=1e-12)
    assert found.intercepts[0] == pytest.approx(found.intercepts[1])
