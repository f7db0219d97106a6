"""How the loss of a multinomial logistic regression bends, class by class: where a step should lead.

Of one class's coefficients the second derivative is `penalty + sum_i c_i x_i x_i^T`, with
`c_i = w_i p_i (1 - p_i)` (Bishop 2006, "Pattern Recognition and Machine Learning", section 4.3.4; derivatives
across classes are left out). Few rows make most of that sum: those of the class, and those mistaken for it.
So it is taken over the heaviest rows alone, whose inverse costs a small matrix a class (Woodbury 1950). It
only tells where to go next, and the search that asks ends where the gradient does, not here.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from al_engine.exact.parallel import for_each

HEAVIEST = 64
"""Rows a class. With 32, steps led too far and had to be taken back; 100 saved nothing (ours)."""
LEAST_OF_INTERCEPTS = 1e-3
"""Of the curvature at zero: no penalty bends an intercept, and where all is certain nothing else does."""
LARGE = 2**21
"""Numbers in all classes' rows for which several threads are worth their start, some milliseconds."""

Coefficients = NDArray[np.float32]


class ClassCurvature:
    """Of the loss at one point: `rows [n, dim]`, and `curvature [n, classes]`, the `c` of each."""

    def __init__(
        self,
        rows: NDArray[np.float32],
        curvature: NDArray[np.float32],
        penalty: float,
        intercept_at_zero: float,
    ) -> None:
        n, classes = curvature.shape
        count = min(HEAVIEST, n)
        self._rows, self._penalty = rows, np.float32(penalty)
        self._heaviest = np.argpartition(-curvature, count - 1, axis=0)[:count].T.copy()
        chosen = np.take_along_axis(curvature.T, self._heaviest, axis=1)
        self._scale = np.sqrt(chosen / self._penalty)  # [classes, heaviest]
        self._inner = np.empty((classes, count, count), np.float32)
        least = LEAST_OF_INTERCEPTS * intercept_at_zero
        self._intercepts = np.maximum(curvature.sum(axis=0, dtype=np.float64), least).astype(np.float32)
        self._of_each_class(self._invert)

    def _of_each_class(self, work: Callable[[int], None]) -> None:
        if self._heaviest.size * self._rows.shape[1] >= LARGE:
            for_each(work, range(len(self._heaviest)))
        else:
            for of_class in range(len(self._heaviest)):
                work(of_class)

    def _invert(self, of_class: int) -> None:
        scaled = self._rows[self._heaviest[of_class]] * self._scale[of_class, :, None]
        gram = np.eye(len(scaled)) + (scaled @ scaled.T).astype(np.float64)
        self._inner[of_class] = np.linalg.inv(gram)

    def unbent(self, gradient: Coefficients) -> Coefficients:
        """The gradient divided by the curvature, both float32 `[dim + 1, classes]`, intercepts last.

        What is added to all classes alike changes no odds, and is left out.
        """
        turned = np.ascontiguousarray(gradient[:-1].T)

        def divide(of_class: int) -> None:
            rows, scale = self._rows[self._heaviest[of_class]], self._scale[of_class]
            inside = self._inner[of_class] @ (scale * (rows @ turned[of_class]))
            turned[of_class] -= (scale * inside) @ rows

        self._of_each_class(divide)
        solved = np.empty_like(gradient)
        solved[:-1] = turned.T / self._penalty
        solved[-1] = gradient[-1] / self._intercepts
        solved -= solved.mean(axis=1, keepdims=True)
        return solved
