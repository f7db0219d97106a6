"""Multinomial logistic regression, solved closely and fast.

The optimum is that of scikit-learn's `LogisticRegression(C, class_weight="balanced")`; tests compare. Ours
differs in how it gets there:
- fewer rows than coordinates: the coefficients lie in the span of the rows, so the rows are rotated into it
  (a QR decomposition), which loses nothing;
- the search begins at the classes' means, as long as serves best, and not at zero;
- L-BFGS (Liu & Nocedal 1989) starts from the curvature of each class (`curvature.py`) instead of from none,
  and looks at it anew every few steps: which saves most of them;
- products are in float32, whose gradient is good enough until the very end, where float64 looks at it;
- it goes on until it hardly matters where it stopped: scikit-learn, by default, stops where probabilities
  are still off by a hundredth.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import DTypeLike, NDArray

from al_engine.exact.curvature import ClassCurvature
from al_engine.exact.vectors import blocks

MOST_COARSE_STEPS, MOST_STEPS = 100, 2000
COARSE, FINE = 0.8e-5, 1e-5
"""Largest component of the gradient, relative to that at the start, at which float64 takes over, and at
which the search ends: usually float64 then has nothing left to do. Probabilities are then within 1e-6 of the
optimum's (6,540 rows of 171 classes)."""
MEMORY = 20
LOOKED_AT_EARLY, LOOKED_AT_EVERY = 4, 10
"""Steps after which the curvature is computed anew: at the start it changes most."""
LENGTHS = 2.0 ** np.arange(-8, 9)
"""Of the classes' means, to begin with."""
SUFFICIENT = 1e-4
"""Part of the promised decrease that a step has to bring (Nocedal & Wright 2006, section 3.1)."""
SIZES = 0.5 ** np.arange(54)
"""Parts of a step that are tried; a smaller one than the last changes no float64."""
BLOCK_ROWS = 2048

Matrix = NDArray[np.float64]


class Regression(NamedTuple):
    """Log odds are `x @ coefficients + intercepts`: float64 `[dim, classes]` and `[classes]`."""

    coefficients: Matrix
    intercepts: Matrix


def fit(rows: NDArray[np.floating], classes: NDArray[np.intp], inverse_regularization: float) -> Regression:
    """Fit to `rows [n, dim]`, taken as float32, of `classes [n]`: 0 to the number of classes - 1.

    Two classes at least; every class weighs the same. `inverse_regularization` is scikit-learn's C.
    """
    if len(rows) < rows.shape[1]:
        basis, triangle = np.linalg.qr(rows.T.astype(np.float64))
        inside = _Problem(np.ascontiguousarray(triangle.T), classes, inverse_regularization).solve()
        return Regression(basis @ inside.coefficients, inside.intercepts)
    return _Problem(rows, classes, inverse_regularization).solve()


class _Problem:
    """Loss and gradient of the variables `[dim + 1, classes]`, the last row being the intercepts."""

    def __init__(
        self, rows: NDArray[np.floating], classes: NDArray[np.intp], inverse_regularization: float
    ) -> None:
        n, self._dim = rows.shape
        count = np.bincount(classes)
        k = len(count)
        self._rows, self._classes = rows.astype(np.float32, copy=False), classes
        self._weight = (n / (k * count))[classes]
        # scikit-learn fits one vector to two classes; the two of ours are half as long, and half as dear.
        self._penalty = (2 if k == 2 else 1) / inverse_regularization
        self._shape = (self._dim + 1, k)
        self._intercept_curvature = (k - 1) / k**2 * n

    def solve(self) -> Regression:
        """Minimize by L-BFGS, first in float32, then in float64."""
        gradient = self._loss(np.float32, np.zeros(self._shape))[1]
        start = np.abs(gradient).max()
        least = len(self._rows) * 1e-12  # below that it is rounding, as where all rows are identical
        coarse, fine = max(COARSE * start, least), max(FINE * start, least)
        variables = self._means(-gradient)
        steps = _Steps(variables.size)
        variables = self._descend(np.float32, variables, steps, coarse, MOST_COARSE_STEPS)
        variables = self._descend(np.float64, variables, steps, fine, MOST_STEPS)
        return Regression(variables[:-1], variables[-1])

    def _means(self, down: Matrix) -> Matrix:
        """The gradient at zero leads to the classes' means, from that of all: as far as the loss falls."""
        down[-1] = 0
        scores = self._rows @ down[:-1].astype(np.float32)
        square = float(np.vdot(down, down))

        def loss(length: float) -> float:
            of_rows = self._softmax(np.float32(length) * scores, self._classes)[1]
            return self._penalty / 2 * length**2 * square + float(self._weight @ of_rows)

        return min(LENGTHS.tolist(), key=loss) * down

    def _descend(
        self, dtype: DTypeLike, variables: Matrix, steps: "_Steps", end: float, most_steps: int
    ) -> Matrix:
        value, gradient = self._loss(dtype, variables)
        for step in range(most_steps):
            if np.abs(gradient).max() <= end:
                break
            if step == LOOKED_AT_EARLY or step % LOOKED_AT_EVERY == 0:
                curvature = self._curvature(variables)
            direction = steps.direction(gradient, curvature.unbent)
            slope = float(np.vdot(gradient, direction))
            noise = 8 * np.finfo(dtype).eps * value
            for size in SIZES:
                moved = variables + size * direction
                new_value, new_gradient = self._loss(dtype, moved)
                if new_value <= value + SUFFICIENT * size * slope + noise:
                    break
            else:
                raise FloatingPointError("the loss of the regression is not a number: a row is not finite")
            steps.append(moved - variables, new_gradient - gradient)
            variables, value, gradient = moved, new_value, new_gradient
        return variables

    def _loss(self, dtype: DTypeLike, variables: Matrix) -> tuple[float, Matrix]:
        coefficients, intercepts = variables[:-1].astype(dtype), variables[-1].astype(dtype)
        value = self._penalty / 2 * float(np.vdot(variables[:-1], variables[:-1]))
        gradient = np.zeros(self._shape)
        gradient[:-1] = self._penalty * variables[:-1]
        for block in blocks(len(self._rows), BLOCK_ROWS):
            rows, classes = self._rows[block].astype(dtype, copy=False), self._classes[block]
            weight, each = self._weight[block], np.arange(len(rows))
            scores = rows @ coefficients
            scores += intercepts
            total, of_rows = self._softmax(scores, classes)
            value += float(weight @ of_rows)
            scores *= (weight / total).astype(dtype)[:, None]
            scores[each, classes] -= weight.astype(dtype)
            gradient[:-1] += rows.T @ scores
            gradient[-1] += scores.sum(axis=0, dtype=np.float64)
        return value, gradient

    @staticmethod
    def _softmax(
        scores: NDArray[np.floating], classes: NDArray[np.intp]
    ) -> tuple[NDArray[np.floating], NDArray[np.float64]]:
        """Scores become odds in place; their sum and the loss of each row, both `[rows]`."""
        scores -= scores.max(axis=1, keepdims=True)
        of_class = scores[np.arange(len(scores)), classes].astype(np.float64)
        np.exp(scores, out=scores)
        total = scores.sum(axis=1)
        return total, np.log(total.astype(np.float64)) - of_class

    def _curvature(self, variables: Matrix) -> ClassCurvature:
        coefficients, intercepts = variables[:-1].astype(np.float32), variables[-1].astype(np.float32)
        scores = self._rows @ coefficients
        scores += intercepts
        total, _ = self._softmax(scores, self._classes)
        scores /= total[:, None]
        scores *= 1 - scores
        scores *= self._weight[:, None].astype(np.float32)
        return ClassCurvature(self._rows, scores, self._penalty, self._intercept_curvature)


class _Steps:
    """The last steps and what they changed of the gradient, float32: they only tell where to go next.

    The two-loop recursion (Nocedal & Wright 2006, algorithm 7.4) with its products taken at once: those
    of a step with a change are kept, so that a direction takes four passes over the memory.
    """

    def __init__(self, size: int) -> None:
        self._steps, self._changes = np.zeros((2, MEMORY, size), np.float32)
        self._products = np.zeros((MEMORY, MEMORY))  # of step and change
        self._order: list[int] = []

    def append(self, step: Matrix, change: Matrix) -> None:
        free = [place for place in range(MEMORY) if place not in self._order]
        place = free[0] if free else self._order.pop(0)
        self._steps[place], self._changes[place] = step.reshape(-1), change.reshape(-1)
        self._products[place] = self._changes @ self._steps[place]
        self._products[:, place] = self._steps @ self._changes[place]
        if self._products[place, place] > 0:  # always, but for rounding
            self._order.append(place)

    def direction(
        self, gradient: Matrix, unbent: Callable[[NDArray[np.float32]], NDArray[np.float32]]
    ) -> NDArray[np.float32]:
        """Where the quadratic model of the loss has its minimum, in the gradient's shape."""
        down = -gradient.reshape(-1).astype(np.float32)
        along, back = np.zeros((2, MEMORY))
        on_steps = self._steps @ down
        for i in reversed(self._order):
            along[i] = (on_steps[i] - self._products[i] @ along) / self._products[i, i]
        down -= along.astype(np.float32) @ self._changes
        down = unbent(down.reshape(gradient.shape)).reshape(-1)
        on_changes = self._changes @ down
        for i in self._order:
            back[i] = along[i] - (on_changes[i] + back @ self._products[:, i]) / self._products[i, i]
        down += back.astype(np.float32) @ self._steps
        return down.reshape(gradient.shape)
