"""Uncertainty Herding (Bae, Ng, Yoo & Sutherland, ICLR 2025): what covers most of what is doubtful, greedily.

A sample i is covered by the nearest sound that is known, by the kernel `k` of their distance (`kernel.py`).
The next sample c is the one with the largest gain `sum_i w_i max(0, k(i, c) - covered_i)`, `w_i` being how
doubtful i is; then it covers too. Gains only shrink, so a stale one is an upper bound: exact and lazy as the
traversal. All is in whole numbers, whose sums are exact: the answer is that of an eager search.

Gains are summed over the **support**: all samples, or, of large sets, some of them. The kernel is never held
as a whole: it is computed once, block by block, for the first gains, and again, row by row, for those samples
that come near the top; these rows are kept while there is room.
"""

import heapq
from collections.abc import Sequence
from dataclasses import dataclass
from threading import Lock
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from al_engine.exact.coarse import coarse_halves, grid_of
from al_engine.exact.parallel import for_each
from al_engine.exact.vectors import UnitVectors, blocks, mean
from al_engine.method.draw import draw
from al_engine.method.kernel import Kernel, Kernels

MOST_IN_FULL = 20_000
PAIRS = MOST_IN_FULL**2 // 2
"""Of a sample and one of the support, where a set is larger: 2,000 of 100,000 are its support. So many are
looked at in a set of 20,000 too, each pair once."""
MOST_FOR_BANDWIDTH = 2_000
DOUBT_STEPS = 2**10
"""Between no doubt and full: what another machine computes differently (0013) is smaller by far."""
BLOCK_ROWS = 256
BLOCK_COLUMNS = 1024
FEWEST_AT_ONCE, MOST_AT_ONCE = 16, 128
"""Stale gains brought up to date in one go; the number doubles until the next sample is found. Fewer than 16
take no less time: the whole support is gone through for the first one."""
KEPT = 2**25
"""Values of kernel rows that are kept: 64 MB."""
EVERYTHING = slice(None)

Gains = NDArray[np.float64]


@dataclass(frozen=True)
class Support:
    """Over what gains are summed: `rows` of the samples, ascending, and of each, `[support]`:

    `doubt`: its weight, whole numbers of 0 to `DOUBT_STEPS` as float64. `covered`: the kernel of its distance
    to the nearest known sound, whole numbers of 0 to `kernel.ONE` as int32.
    """

    rows: NDArray[np.intp]
    doubt: Gains
    covered: NDArray[np.int32]

    @classmethod
    def of(cls, rows: NDArray[np.intp], doubt: Gains, covered: Kernels) -> "Support":
        """With doubts of 0 to 1, which are rounded."""
        return cls(rows, np.rint(DOUBT_STEPS * doubt), covered.astype(np.int32))


def herd(samples: UnitVectors, support: Support, kernel: Kernel, count: int) -> list[int]:
    """Rows of up to `count` samples in the order in which they are taken; of equal gains the first row."""
    count = min(count, len(samples))
    if not count:
        return []
    coverage = _Coverage(samples, support, kernel)
    gains = coverage.first_gains()
    heap = [(-gain, row) for row, gain in enumerate(gains.tolist())]
    heapq.heapify(heap)
    seen = np.zeros(len(samples), np.intp)  # how many of the taken samples the gain accounts for
    taken: list[int] = []
    at_once = FEWEST_AT_ONCE
    while len(taken) < count:
        if seen[heap[0][1]] == len(taken) or heap[0][0] == 0:  # no gain shrinks below 0
            taken.append(heapq.heappop(heap)[1])
            coverage.take(taken[-1])
            at_once = FEWEST_AT_ONCE
            continue
        stale = [heapq.heappop(heap)[1] for _ in range(min(at_once, len(heap)))]
        at_once = min(2 * at_once, MOST_AT_ONCE)
        seen[stale] = len(taken)
        for gain, row in zip(coverage.gains(stale).tolist(), stale, strict=True):
            heapq.heappush(heap, (-gain, row))
    return taken


def support_rows(audio_ids: Sequence[UUID], seed: int) -> NDArray[np.intp]:
    """All rows of up to 20,000 samples; of more, as many as `PAIRS` allow, uniformly at random; ascending."""
    n = len(audio_ids)
    if n <= MOST_IN_FULL:
        return np.arange(n)
    return np.sort(draw(audio_ids, PAIRS // n, seed, "herding"))


class _Coverage:
    """How well the support is covered, and what samples would add."""

    def __init__(self, samples: UnitVectors, support: Support, kernel: Kernel) -> None:
        self._samples, self._support, self._kernel = samples, support, kernel
        self._covered = support.covered.copy()
        sounds = samples.take(support.rows)
        self._grid = grid_of(samples, mean(sounds))
        self._ready = self._grid.matrix(sounds)
        self._half = coarse_halves(self._ready)
        self._everything = len(support.rows) == len(samples)
        self._kept: dict[int, Kernels] = {}

    def first_gains(self) -> Gains:
        """Of every sample, float64 `[samples]`."""
        gains = np.zeros(len(self._samples))
        lock = Lock()

        def add(block: slice) -> None:
            rows = self._coarse(block)
            for columns in blocks(len(self._ready), BLOCK_COLUMNS):
                kernels = self._between(rows, columns)
                gains[block] += self._gain(kernels, columns)

        def add_tile(tile: tuple[slice, slice]) -> None:
            """Every pair once: what i adds to j, and j to i."""
            below, left = tile
            kernels = self._between(self._ready[below], left)
            of_below = self._gain(kernels, left)
            of_left = None if below == left else self._gain(kernels.T, below)
            with lock:
                gains[below] += of_below
                if of_left is not None:
                    gains[left] += of_left

        if self._everything:
            parts = list(blocks(len(self._samples), BLOCK_COLUMNS))
            for_each(add_tile, [(parts[i], parts[j]) for i in range(len(parts)) for j in range(i + 1)])
        else:
            for_each(add, blocks(len(self._samples), BLOCK_ROWS))
        return gains

    def gains(self, rows: list[int]) -> Gains:
        """Of these samples as things stand, float64 `[rows]`."""
        return self._gain(self._rows(rows), EVERYTHING)

    def take(self, row: int) -> None:
        """Let this sample cover what is near it."""
        np.maximum(self._covered, self._rows([row])[0], out=self._covered)

    def _rows(self, rows: list[int]) -> Kernels:
        """The kernel of samples and the whole support, `[rows, support]`."""
        fresh = [row for row in rows if row not in self._kept]
        if fresh:
            if (len(self._kept) + len(fresh)) * len(self._ready) > KEPT:
                self._kept.clear()
                fresh = rows
            found = self._between(self._coarse(np.array(fresh, np.intp)), EVERYTHING)
            self._kept.update(zip(fresh, found, strict=True))
        return np.stack([self._kept[row] for row in rows])

    def _coarse(self, at: NDArray[np.intp] | slice) -> NDArray[np.float32]:
        return self._ready[at] if self._everything else self._grid.rows(self._samples, at)

    def _between(self, rows: NDArray[np.float32], columns: slice) -> Kernels:
        """The kernel of coarse vectors and part of the support, `[rows, columns]`."""
        products = rows @ self._ready[columns].T
        np.subtract(coarse_halves(rows)[:, None] + self._half[columns], products, out=products)
        return self._kernel.of(products)

    def _gain(self, kernels: Kernels, columns: slice) -> Gains:
        """`sum_i w_i max(0, k(i, c) - covered_i)` over part of the support, float64 `[rows]`."""
        more = kernels - self._covered[columns]
        np.maximum(more, 0, out=more)
        return more @ self._support.doubt[columns]
