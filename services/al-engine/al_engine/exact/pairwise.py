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

from al_engine.exact.device import factor
from al_engine.exact.parallel import for_each
from al_engine.exact.symmetric import Symmetric
from al_engine.exact.vectors import UnitVectors, blocks, half_squares, mean

BITS = 12
BLOCK_ROWS = 128
"""Rows made ready at once: 2 MB of 2048-d float64, about what a core's own cache holds."""


def pairwise(samples: UnitVectors) -> Symmetric:
    """All cosine distances among the samples: 2 n² bytes, and 4 n dim while it works.

    0 between equal embeddings, and sums of up to 2^24 of them are exact in float64.
    """
    vectors = _coarse(samples)
    half = np.vecdot(vectors, vectors) / np.float32(2)
    distances = Symmetric(len(samples))

    def fill(tile: tuple[int, int]) -> None:
        below, left = distances.blocks[tile[0]], distances.blocks[tile[1]]
        products = ready.products(below, left, out=distances.tile(*tile))
        for piece in blocks(len(products), BLOCK_ROWS):
            # First the sum: it is the same from both sides, and not below the product.
            np.subtract(half[below][piece, None] + half[left], products[piece], out=products[piece])

    with factor(vectors, len(samples) // 2) as ready:
        for_each(fill, [(i, j) for i in range(len(distances.blocks)) for j in range(i + 1)])
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
    half = np.zeros(len(samples))

    def measure(block: slice) -> None:
        rows = samples.exact(block)
        rows -= center
        half[block] = half_squares(rows)

    for_each(measure, blocks(len(samples), BLOCK_ROWS))
    most = 2 * float(half.max(initial=0))
    if most == 0:
        return 1.0
    radius = np.sqrt(most) / (1 - np.sqrt(samples.dim) * 2.0 ** -(BITS + 1))
    return float(2.0 ** (np.ceil(np.log2(radius)) - BITS))
