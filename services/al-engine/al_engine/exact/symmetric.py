"""A symmetric matrix that holds each pair once, in tiles: half the memory, and half of it to be filled."""

from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from itertools import cycle

import numpy as np
from numpy.typing import NDArray

from al_engine.exact.parallel import for_each
from al_engine.exact.vectors import blocks

TILE_ROWS = 960
"""Rows and columns of a tile, 3.7 MB. Not a power of two: the lines of a column would share a few places in
the processor's cache, and reading columns would take three times as long."""

Values = NDArray[np.float32]


class Symmetric:
    """A float32 matrix `[n, n]` in 2 n² bytes; whoever makes it fills the tiles on and below the diagonal."""

    def __init__(self, n: int) -> None:
        self.blocks = list(blocks(n, TILE_ROWS))
        """The rows of each tile, and the columns."""
        self._n = n
        sizes = [block.stop - block.start for block in self.blocks]
        self._tiles = [
            [np.empty((rows, columns), np.float32) for columns in sizes[: place + 1]]
            for place, rows in enumerate(sizes)
        ]

    def __len__(self) -> int:
        return self._n

    def tile(self, i: int, j: int) -> Values:
        """Rows of block i, columns of block j: a view, to be written where j <= i."""
        return self._tiles[i][j] if j <= i else self._tiles[j][i].T

    def rows(self, at: slice, out: Values | None = None) -> Values:
        """The rows from `at.start` to `at.stop`, `[rows, n]`, into `out` if given."""
        rows = np.empty((at.stop - at.start, self._n), np.float32) if out is None else out
        for i, block in enumerate(self.blocks):
            begin, end = max(at.start, block.start), min(at.stop, block.stop)
            if begin >= end:
                continue
            here, there = (
                slice(begin - block.start, end - block.start),
                slice(begin - at.start, end - at.start),
            )
            for j, columns in enumerate(self.blocks):
                rows[there, columns] = self.tile(i, j)[here]
        return rows

    def at(self, index: NDArray[np.intp]) -> Values:
        """The rows at these places, `[index, n]`."""
        rows = np.empty((len(index), self._n), np.float32)
        for row, place in enumerate(index.tolist()):
            self.rows(slice(place, place + 1), out=rows[row : row + 1])
        return rows

    def strips(self, size: int) -> Generator[tuple[slice, Values]]:
        """All rows, up to `size` at a time, over and over: which they are and their values, `[rows, n]`.

        While one strip is looked at, the next is put together, in the memory of the one before. Close it.
        """
        strips = list(blocks(self._n, size))
        memory = [np.empty((size, self._n), np.float32) for _ in range(2)]
        with ThreadPoolExecutor(1) as aside:
            ahead = aside.submit(self.rows, strips[0], memory[0][: strips[0].stop])
            for turn, place in enumerate(cycle(range(len(strips))), 1):
                ready = ahead.result()
                after = strips[(place + 1) % len(strips)]
                ahead = aside.submit(self.rows, after, memory[turn % 2][: after.stop - after.start])
                yield strips[place], ready

    def sums(self) -> NDArray[np.float64]:
        """The sum of each row, float64 `[n]`."""
        sums = np.zeros(self._n)

        def add(i: int) -> None:
            for j in range(len(self.blocks)):
                sums[self.blocks[i]] += self.tile(i, j).sum(axis=1, dtype=np.float64)

        for_each(add, range(len(self.blocks)))
        return sums

    def largest(self) -> float:
        """The largest value; 0 of no rows."""
        return max((float(tile.max()) for tiles in self._tiles for tile in tiles), default=0.0)
