"""The nearest medoid of each sample: exact, at the price of float32.

Matrix products in float32 take half the time of float64 but may err. By how much at most is known, so they
only tell which medoids can be the nearest one at all; nearly always that is a single one. The distances to
those are computed exactly (`vectors.py`), and the answer is, to the bit, that of exact distances throughout:
it depends on no block, BLAS, thread or device.

**The bound.** Let u = 2^-24, n the number of coordinates, c a center, x a sample and m a medoid, a and b the
float32 vectors that stand for x - c and m - c, and r >= |a|, R >= |b| for every medoid. Half the squared
distance is |x - c|²/2 + s with s = |m - c|²/2 - (x - c)·(m - c), and only s depends on the medoid. Of the
float32 value of s,
- summing n products in any order, fused or not, errs by at most n u / (1 - n u) · Σ|a_i b_i| <= 1.01 n u r R
  (Higham 2002, "Accuracy and Stability of Numerical Algorithms", section 3.1; for n u < 0.009);
- `approximate` and the subtraction of c put a off by at most 4 u |x| + √n u / 2 + u r, times R;
- the subtraction of c and its rounding put b off by at most 2 u R, times r + what a is off;
- |m - c|²/2 and the last subtraction are rounded: 2 u (R²/2 + r R).
With |x| <= 1 + u the sum is below u R (1.01 (n + 8) r + √n + 8 + R): `scores`. A medoid whose s lies above
the smallest by more than twice that, and by a step of the grid (distances are rounded to it), is farther.
Centering makes r and R small, so the bound is as good for models whose embeddings lie in a narrow cone.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from al_engine.exact.device import Factor, factor
from al_engine.exact.parallel import for_each
from al_engine.exact.vectors import (
    DISTANCE_STEP,
    UnitVectors,
    blocks,
    exact_distances,
    half_squares,
    mean,
    paired_distances,
)

BLOCK_ROWS = 512
BLOCK_DISTANCES = 2**22
"""Distances that one thread holds at once, in float32: 16 MB."""
BLOCK_PAIRS = 512
MOST_CANDIDATES = 48
"""A sample with more medoids to look at has all its distances computed exactly: one product takes less time
than as many pairs, each gathered by itself."""


@dataclass(frozen=True)
class KnownNearest:
    """What an earlier iteration knew of the samples' nearest medoids.

    `index`: intp `[samples]`, the row, among today's medoids, of the nearest of those known then, the
    first of equally near ones; -1 where nothing is known, or where that medoid is one no longer.
    `distance`: float32 `[samples]` to it. `new`: intp, the rows of the medoids not known then.
    """

    index: NDArray[np.intp]
    distance: NDArray[np.float32]
    new: NDArray[np.intp]


def nearest(
    samples: UnitVectors, medoids: UnitVectors, known: KnownNearest | None = None
) -> tuple[NDArray[np.intp], NDArray[np.float32]]:
    """The nearest medoid of each sample, the first of equally near ones, and the distance to it.

    Returns intp `[samples]` and float32 `[samples]`. With `known`, only the distances to its new medoids
    are computed, and all distances of the samples it knows nothing of; the answer is the same to the bit.
    """
    if known is None:
        found = _Found.none(len(samples))
        _Medoids(medoids, np.arange(len(medoids))).improve(found, samples, np.arange(len(samples)))
        return found.index, found.distance
    found = _Found(known.index.copy(), np.where(known.index < 0, np.inf, known.distance).astype(np.float32))
    old, fresh = np.flatnonzero(known.index >= 0), np.flatnonzero(known.index < 0)
    if len(fresh):
        _Medoids(medoids, np.arange(len(medoids))).improve(found, samples, fresh)
    if len(old) and len(known.new):
        _Medoids(medoids, np.sort(known.new)).improve(found, samples, old)
    return found.index, found.distance


@dataclass(frozen=True)
class _Found:
    """The nearest medoid so far and the distance to it, of every sample."""

    index: NDArray[np.intp]
    distance: NDArray[np.float32]

    @classmethod
    def none(cls, samples: int) -> "_Found":
        return cls(np.full(samples, -1), np.full(samples, np.inf, np.float32))

    def update(self, rows: NDArray[np.intp], index: NDArray[np.intp], distance: NDArray[np.float32]) -> None:
        """Take these for the samples at `rows` (each once) where they are nearer, or as near and first."""
        ties = (distance == self.distance[rows]) & (index < self.index[rows])
        better = (distance < self.distance[rows]) | ties
        self.index[rows[better]], self.distance[rows[better]] = index[better], distance[better]


class _Medoids:
    """Some of the medoids, ready for products; `index` are their rows among all, ascending."""

    def __init__(self, medoids: UnitVectors, index: NDArray[np.intp]) -> None:
        self._medoids = medoids.take(index)
        self._index = index
        self.center = mean(self._medoids)
        self._float32_center = self.center.astype(np.float32)
        self._centered = np.empty((len(index), medoids.dim), np.float32)
        half = np.empty(len(index))

        def fill(block: slice) -> None:
            centered = self._medoids.exact(block) - self.center
            self._centered[block], half[block] = centered, half_squares(centered)

        for_each(fill, blocks(len(index), BLOCK_ROWS))
        self._half_squares = half.astype(np.float32)
        self._radius = np.sqrt(2 * half.max()) * 1.0001
        self._factor = Factor(self._centered)

    def improve(self, found: _Found, samples: UnitVectors, rows: NDArray[np.intp]) -> None:
        """Bring what was found for the samples at `rows` up to date with these medoids."""
        size = max(1, min(BLOCK_ROWS, BLOCK_DISTANCES // len(self._index)))
        with factor(self._centered, len(rows)) as self._factor:
            for_each(lambda block: self._improve(found, samples, rows[block]), blocks(len(rows), size))

    def _improve(self, found: _Found, samples: UnitVectors, rows: NDArray[np.intp]) -> None:
        scores, half, error, half_error = self.scores(samples, rows)
        may_be_nearest = scores.min(axis=1) + 2 * error
        may_be_nearer = found.distance[rows] - half + half_error + error
        limit = np.minimum(may_be_nearest, may_be_nearer) + 2 * DISTANCE_STEP
        at_most = np.nextafter(limit.astype(np.float32), np.float32(np.inf))
        self._compare(found, samples, rows, scores <= at_most[:, None])

    def scores(
        self, samples: UnitVectors, rows: NDArray[np.intp]
    ) -> tuple[NDArray[np.float32], NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
        """s `[rows, medoids]` and |x - c|²/2 `[rows]`, and by how much each errs at most, `[rows]`."""
        x = samples.approximate(rows)
        x -= self._float32_center
        scores = self._factor.products(x)
        np.subtract(self._half_squares, scores, out=scores)
        half = np.vecdot(x, x).astype(np.float64) / 2
        r = np.sqrt(2 * half) * 1.001
        n, unit = samples.dim, 2.0**-24
        shift = unit * (np.sqrt(n) + 8)
        error = self._radius * (1.01 * (n + 8) * unit * r + shift + unit * self._radius)
        half_error = (r + shift) * (0.51 * (n + 8) * unit * r + shift)
        return scores, half, error, half_error

    def _compare(
        self, found: _Found, samples: UnitVectors, rows: NDArray[np.intp], candidates: NDArray[np.bool_]
    ) -> None:
        """Compute the candidates' distances exactly; bool `[rows, medoids]`."""
        count = np.count_nonzero(candidates, axis=1)
        few = np.flatnonzero((count > 0) & (count <= MOST_CANDIDATES))
        if len(few):
            sample, medoid = np.divmod(np.flatnonzero(candidates[few]), candidates.shape[1])
            distance = np.empty(len(sample), np.float32)
            exact = samples.exact(rows[few])
            for pairs in blocks(len(sample), BLOCK_PAIRS):
                x, y = exact[sample[pairs]], self._medoids.exact(medoid[pairs])
                distance[pairs] = paired_distances(x, y)
            order = np.lexsort((medoid, distance, sample))
            first = order[np.flatnonzero(np.diff(sample[order], prepend=-1))]
            found.update(rows[few], self._index[medoid[first]], distance[first])
        many = rows[count > MOST_CANDIDATES]
        if len(many):
            exact = samples.exact(many)
            for block in blocks(len(self._index), BLOCK_ROWS):
                distances = exact_distances(exact, self._medoids.exact(block))
                best = distances.argmin(axis=1)
                found.update(many, self._index[block][best], distances[np.arange(len(many)), best])
