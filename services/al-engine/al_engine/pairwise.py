"""All distances among the samples of one set, for k-medoids: exact, in float32 throughout.

k-medoids looks at sums of distances, and half of them all have to be computed: in float64 that would be
most of the time of a first batch. So for k-medoids alone (ours; docs/decisions) a vector is rounded more
coarsely, such that float32 itself computes every product exactly. With R >= |x - c| for all samples x, c
their mean and R a power of two, the coordinates of x - c are rounded to multiples of s = R 2^-12. A product
of two of them is a multiple of s², and a sum of products, in whatever order, is at most R² = 2^24 s²
(Cauchy-Schwarz), which float32 holds. The distances err by about 2^-13 of R, which moves no medoid to
another sound, and they depend on the set of samples alone: on no order of rows, block, BLAS or device.
"""

import numpy as np
from numpy.typing import NDArray

from al_engine.device import factor
from al_engine.parallel import for_each
from al_engine.vectors import UnitVectors, blocks, half_squares, mean

BITS = 12
BLOCK_ROWS = 1024
PIECE_ROWS = 64
"""Rows of a tile, 256 KB, which a core's own cache holds while they are transposed."""


def pairwise(samples: UnitVectors) -> NDArray[np.float32]:
    """All cosine distances among the samples, float32 `[n, n]`: 4 n² bytes, and 4 n dim while it works.

    Symmetric, 0 between equal embeddings, and sums of up to 2^24 of them are exact in float64.
    """
    vectors = _coarse(samples)
    half = np.vecdot(vectors, vectors) / np.float32(2)
    distances = np.empty((len(samples), len(samples)), np.float32)

    def fill(tile: tuple[slice, slice]) -> None:
        below, left = tile
        products = ready.products(below, left, out=distances[below, left])
        for piece in blocks(len(products), PIECE_ROWS):
            # First the sum: it is the same from both sides, and not below the product.
            np.subtract(half[below][piece, None] + half[left], products[piece], out=products[piece])
            if below != left:
                distances[left, below][:, piece] = products[piece].T

    rows = list(blocks(len(samples), BLOCK_ROWS))
    with factor(vectors, len(samples) // 2) as ready:
        for_each(fill, [(below, left) for below in rows for left in rows if left.start <= below.start])
    return distances


def _coarse(samples: UnitVectors) -> NDArray[np.float32]:
    """The vectors from their mean, float32 `[n, dim]`, such that float32 computes their products exactly."""
    center = mean(samples)
    vectors = np.empty((len(samples), samples.dim), np.float32)
    step = _step(samples, center)

    def fill(block: slice) -> None:
        rows = samples.exact(block)
        rows -= center
        rows /= step
        np.rint(rows, out=rows)
        rows *= step
        vectors[block] = rows

    for_each(fill, blocks(len(samples), BLOCK_ROWS))
    return vectors


def _step(samples: UnitVectors, center: NDArray[np.float64]) -> float:
    """s, a power of two. Rounding may lengthen a vector by up to s √dim / 2, which R has to cover."""
    most = 0.0
    for block in blocks(len(samples), BLOCK_ROWS):
        rows = samples.exact(block)
        rows -= center
        most = max(most, 2 * float(half_squares(rows).max()))
    if most == 0:
        return 1.0
    radius = np.sqrt(most) / (1 - np.sqrt(samples.dim) * 2.0 ** -(BITS + 1))
    return float(2.0 ** (np.ceil(np.log2(radius)) - BITS))
