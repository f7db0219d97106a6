"""The classifier's solver against scikit-learn's, solved as closely."""

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import settings as of_test
from hypothesis import strategies as st
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from unit.al_engine.vectors import clustered

from al_engine.exact.regression import fit
from al_engine.method.committee import predict


def problem(n: int, dim: int, classes: int, seed: int) -> tuple[NDArray[np.float64], NDArray[np.intp]]:
    """Rows with a spread of about 1, and classes of very different sizes, each at least once."""
    rows, cluster = clustered(n, dim, classes, seed, noise=1.0)
    rng = np.random.default_rng(seed)
    rare = rng.random(n) < 0.7
    cluster[rare] = 0
    cluster[:classes] = np.arange(classes)
    scaled = (rows - rows.mean(axis=0)).astype(np.float64)
    spread = np.sqrt(np.square(scaled).sum(axis=1).mean()) or 1.0  # 0: all rows are the same
    return scaled / spread, cluster


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
@example(n=2, dim=1, classes=2, seed=58)  # two equal rows of two classes
@given(n=st.integers(2, 30), dim=st.integers(1, 30), classes=st.integers(2, 5), seed=st.integers(0, 1000))
def test_it_agrees_with_scikit_learn_on_any_problem(n, dim, classes, seed):
    classes = min(n, classes)
    rows, of_rows = problem(n, dim, classes, seed)
    ours = probabilities(rows, *fit(rows, of_rows, 1.0))
    np.testing.assert_allclose(ours, scikit_learn(rows, of_rows, 1.0).predict_proba(rows), atol=1e-4)


def test_the_coefficients_of_all_classes_add_up_to_nothing():
    found = fit(*problem(200, 30, 6, seed=1), 10.0)
    np.testing.assert_allclose(found.coefficients.sum(axis=1), 0, atol=1e-4)


@pytest.mark.parametrize(("n", "dim", "value"), [(7, 64, 0.0), (2, 1, 0.0), (2, 1, 3.0), (5, 3, 0.25)])
def test_identical_rows_of_two_classes_teach_nothing(n, dim, value):
    rows = np.full((n, dim), value)
    found = fit(rows, np.arange(n) % 2, 100.0)
    np.testing.assert_allclose(probabilities(rows, *found), 0.5, atol=1e-6)


@pytest.mark.parametrize("value", [0.0, 1.0, 1e-7])
def test_the_classifier_has_an_answer_where_all_medoids_sound_the_same(value):
    medoids = np.full((2, 1), value, np.float32)
    found = predict(medoids, ["gull", "horn"], np.array([[0.0], [2.0]], np.float32))
    np.testing.assert_allclose(found.probabilities, 0.5, atol=1e-6)
