"""Vectors rounded to a grid on which float32 itself computes every product exactly.

Where very many distances are needed, float64 would be most of the time. So a vector is rounded more
coarsely than in `vectors.py` (ours; docs/decisions/0013). With R >= |x - c| for all vectors x, c a center
and R a power of two, the coordinates of x - c are rounded to multiples of s = R 2^-12. A product of two of
them is a multiple of s², and a sum of products, in whatever order, is at most R² = 2^24 s² (Cauchy-
Schwarz), which float32 holds. The distances err by about 2^-13 of R, which moves no medoid to another
sound, and they depend on the vectors and the center alone: on no order of rows, block, BLAS or device.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from al_engine.exact.parallel import for_each
from al_engine.exact.vectors import Rows, UnitVectors, blocks, half_squares

BITS = 12
BLOCK_ROWS = 128
"""Rows made ready at once: 2 MB of 2048-d float64, about what a core's own cache holds."""

Coarse = NDArray[np.float32]


@dataclass(frozen=True)
class Grid:
    """`center`: float64 `[dim]`. `step`: s, a power of two."""

    center: NDArray[np.float64]
    step: float

    def rows(self, vectors: UnitVectors, at: Rows = slice(None)) -> Coarse:
        """Vectors of those that the grid was made for, from the center, float32 `[rows, dim]`."""
        rows = vectors.exact(at)
        rows -= self.center
        rows /= self.step
        np.rint(rows, out=rows)
        rows *= self.step
        return rows.astype(np.float32)

    def matrix(self, vectors: UnitVectors) -> Coarse:
        """All of the vectors, block by block."""
        matrix = np.empty((len(vectors), vectors.dim), np.float32)

        def fill(block: slice) -> None:
            matrix[block] = self.rows(vectors, block)

        for_each(fill, blocks(len(vectors), BLOCK_ROWS))
        return matrix


def grid_of(vectors: UnitVectors, center: NDArray[np.float64]) -> Grid:
    """The finest grid for these vectors.

    Rounding may lengthen a vector by up to s √dim / 2, which R has to cover.
    """
    half = np.zeros(len(vectors))

    def measure(block: slice) -> None:
        rows = vectors.exact(block)
        rows -= center
        half[block] = half_squares(rows)

    for_each(measure, blocks(len(vectors), BLOCK_ROWS))
    most = 2 * float(half.max(initial=0))
    if most == 0:
        return Grid(center, 1.0)
    radius = np.sqrt(most) / (1 - np.sqrt(vectors.dim) * 2.0 ** -(BITS + 1))
    return Grid(center, float(2.0 ** (np.ceil(np.log2(radius)) - BITS)))


def coarse_halves(rows: Coarse) -> Coarse:
    """Half the squared length of each coarse vector, float32 `[rows]`, exact."""
    return np.asarray(np.vecdot(rows, rows) / np.float32(2))
