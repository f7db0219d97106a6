"""All distances among the samples of one set, for k-medoids: exact, in float32 throughout.

k-medoids looks at sums of distances, and half of them all have to be computed: so the vectors are on the grid
of `coarse.py`, around their mean.
"""

import numpy as np

from al_engine.exact.coarse import BLOCK_ROWS, coarse_halves, grid_of
from al_engine.exact.device import factor
from al_engine.exact.parallel import for_each
from al_engine.exact.symmetric import Symmetric
from al_engine.exact.vectors import UnitVectors, blocks, mean


def pairwise(samples: UnitVectors) -> Symmetric:
    """All cosine distances among the samples: 2 n² bytes, and 4 n dim while it works.

    0 between equal embeddings, and sums of up to 2^24 of them are exact in float64.
    """
    vectors = grid_of(samples, mean(samples)).matrix(samples)
    half = coarse_halves(vectors)
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
