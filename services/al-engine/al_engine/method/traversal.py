"""Farthest-first traversal, mismatched samples first (Zhao, Heittola & Virtanen 2020), exact and lazy.

The next sample is the one whose distance to the nearest of (medoids and samples already taken) is
largest. That distance only shrinks as samples are taken, so a stale one is an upper bound: a sample
whose bound is below a known distance need not be looked at. The answer is that of the eager traversal,
sample by sample, and only a fraction of the distances is computed.
"""

import heapq

import numpy as np
from numpy.typing import NDArray

from al_engine.exact.vectors import UnitVectors, exact_distances

FEWEST_AT_ONCE, MOST_AT_ONCE = 2, 256
"""Stale samples brought up to date in one go. The number doubles until the next sample is found: often it
is among the very first, and when it is not, one larger matrix product is cheaper than many small ones."""


def farthest_first(
    samples: UnitVectors, distance: NDArray[np.float32], mismatched: NDArray[np.bool_], count: int
) -> list[int]:
    """Rows of up to `count` samples in the order in which they are taken.

    `distance`: float32 `[samples]`, to the nearest medoid. `mismatched`: bool `[samples]`; the others
    are taken only when these have run out. Of equally far samples the first row is taken.
    """
    taken = _Taken(samples, min(count, len(samples)))
    for pool in (np.flatnonzero(mismatched), np.flatnonzero(~mismatched)):
        _take_from(pool, samples, distance, taken)
    return taken.rows


class _Taken:
    """The samples taken so far, their exact vectors so that they are scaled once."""

    def __init__(self, samples: UnitVectors, limit: int) -> None:
        self.limit = limit
        self.rows: list[int] = []
        self._samples = samples
        self._vectors = np.empty((limit, samples.dim))

    def append(self, row: int) -> None:
        self._vectors[len(self.rows)] = self._samples.exact(slice(row, row + 1))
        self.rows.append(row)

    def since(self, count: int) -> NDArray[np.float64]:
        """The vectors taken after the first `count`."""
        return self._vectors[count : len(self.rows)]


def _take_from(
    pool: NDArray[np.intp], samples: UnitVectors, distance: NDArray[np.float32], taken: _Taken
) -> None:
    bound = distance.copy()
    seen = np.zeros(len(samples), np.intp)  # how many of the taken samples the bound accounts for
    heap = [(-b, row) for b, row in zip(distance[pool].tolist(), pool.tolist(), strict=True)]
    heapq.heapify(heap)
    at_once = FEWEST_AT_ONCE
    while heap and len(taken.rows) < taken.limit:
        if seen[heap[0][1]] == len(taken.rows):
            taken.append(heapq.heappop(heap)[1])
            at_once = FEWEST_AT_ONCE
            continue
        stale = [heapq.heappop(heap)[1] for _ in range(min(at_once, len(heap)))]
        at_once = min(2 * at_once, MOST_AT_ONCE)
        rows = np.array(stale, np.intp)
        to_taken = exact_distances(samples.exact(rows), taken.since(int(seen[rows].min())))
        bound[rows] = np.minimum(bound[rows], to_taken.min(axis=1))
        seen[rows] = len(taken.rows)
        for b, row in zip(bound[rows].tolist(), stale, strict=True):
            heapq.heappush(heap, (-b, row))
