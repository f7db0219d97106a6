"""Embeddings scaled to unit length on a grid, where distances are exact, without a copy of them all.

A floating-point dot product depends on how it was summed: on the block it stood in, on the BLAS, on the
number of threads. Embeddings that are equally far would then be ordered by chance. So unit vectors are
rounded to multiples of 2^-24 (ours; an embedding's own noise is far larger): a product is a multiple of
2^-48 and a sum of them stays below 2, which float64 holds without rounding. Every distance is therefore
exact, and rounded once, to a multiple of 2^-23, which float32 holds. Equal embeddings are at distance 0,
the distance is symmetric, and sums of distances are exact in float64 too.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from al_engine.exact.parallel import for_each

COORDINATE_STEP = 2.0**-24
DISTANCE_STEP = 2.0**-23
BLOCK_ROWS = 1024
USUAL_LENGTHS = 2.0**-100, 2.0**100
"""Between these, an embedding can be scaled in float32 without overflow or a loss of digits."""

Rows = NDArray[np.intp] | slice


@dataclass(frozen=True)
class UnitVectors:
    """Embeddings of unit length on the grid, each scaled only when it is asked for.

    `embeddings [any, dim]`: as given, of any float type and any length, not copied. `index`: intp `[n]`,
    the row of each vector. `lengths`: float64 `[n]`, to 24 bits, so that the order in which their squares
    were summed leaves no trace. A zero embedding has no direction; it gets that of all ones (ours), so that
    such audios are identical to each other and not far from everything, which would have them all proposed.
    """

    embeddings: NDArray[np.floating]
    index: NDArray[np.intp]
    lengths: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.index)

    @property
    def dim(self) -> int:
        """Coordinates of a vector."""
        return int(self.embeddings.shape[1])

    def take(self, index: Rows) -> "UnitVectors":
        """The vectors at these rows."""
        return UnitVectors(self.embeddings, self.index[index], self.lengths[index])

    def exact(self, at: Rows = slice(None)) -> NDArray[np.float64]:
        """The vectors at these rows, float64 `[rows, dim]`."""
        rows = self.embeddings[self.index[at]].astype(np.float64, order="C")
        lengths = self.lengths[at]
        zero = lengths == 0
        rows[zero] = 1.0
        scale = 1 / (COORDINATE_STEP * np.where(zero, np.sqrt(self.dim), lengths))
        with np.errstate(invalid="ignore"):  # a row with an infinity becomes NaN: `finite` tells
            rows *= scale[:, None]
        np.rint(rows, out=rows)
        rows *= COORDINATE_STEP
        return rows

    def approximate(self, at: Rows = slice(None)) -> NDArray[np.float32]:
        """The vectors at these rows, float32 `[rows, dim]`, in a fraction of the time.

        Each coordinate x is within 4 * 2^-24 |x| + 2^-25 of the exact one.
        """
        lengths = self.lengths[at]
        usual = (lengths > USUAL_LENGTHS[0]) & (lengths < USUAL_LENGTHS[1])
        rows = self.embeddings[self.index[at]].astype(np.float32, copy=False)
        if usual.all():
            rows *= (1 / lengths).astype(np.float32)[:, None]
            return rows
        return self.exact(at).astype(np.float32)

    @property
    def finite(self) -> NDArray[np.bool_]:
        """Whether each embedding is free of infinities and NaN, bool `[n]`."""
        return np.isfinite(self.lengths)


def unit_vectors(embeddings: NDArray[np.floating], rows: NDArray[np.intp] | None = None) -> UnitVectors:
    """Embeddings `[any, dim]` of any float type (their given `rows`, in that order) as unit vectors."""
    index = np.arange(len(embeddings)) if rows is None else rows
    lengths = np.empty(len(index))

    def measure(block: slice) -> None:
        exact = embeddings[index[block]].astype(np.float64)
        lengths[block] = np.sqrt(np.vecdot(exact, exact))

    for_each(measure, blocks(len(index), BLOCK_ROWS))
    mantissa, exponent = np.frexp(lengths)
    return UnitVectors(embeddings, index, np.ldexp(np.rint(np.ldexp(mantissa, 24)), exponent - 24))


def joined(parts: Sequence[UnitVectors]) -> UnitVectors:
    """The vectors of all parts, one after the other; their embeddings are copied."""
    embeddings = np.concatenate([part.embeddings[part.index] for part in parts])
    lengths = np.concatenate([part.lengths for part in parts])
    return UnitVectors(embeddings, np.arange(len(embeddings)), lengths)


def cosine_distances(a: UnitVectors, b: UnitVectors) -> NDArray[np.float32]:
    """Cosine distances `1 - x·y`, float32 `[a, b]`, as half the squared distance of unit vectors."""
    return exact_distances(a.exact(), b.exact())


def exact_distances(x: NDArray[np.float64], y: NDArray[np.float64]) -> NDArray[np.float32]:
    """The same from exact vectors, float64 `[a, dim]` and `[b, dim]`."""
    return _rounded(half_squares(x)[:, None], x @ y.T, half_squares(y))


def paired_distances(x: NDArray[np.float64], y: NDArray[np.float64]) -> NDArray[np.float32]:
    """The distance of each row of `x` to the same row of `y`, float32 `[rows]`, from exact vectors."""
    return _rounded(half_squares(x), np.vecdot(x, y), half_squares(y))


def half_squares(rows: NDArray[np.float64]) -> NDArray[np.float64]:
    """Half the squared length of each exact vector, which is 1/2 but for the rounding to the grid."""
    return np.asarray(np.vecdot(rows, rows) / 2)


def mean(vectors: UnitVectors) -> NDArray[np.float64]:
    """Their mean, float64 `[dim]`, on the grid: the same in any order, since the sums are exact."""
    total = np.zeros(vectors.dim)
    for block in blocks(len(vectors), BLOCK_ROWS):
        total += vectors.exact(block).sum(axis=0)
    return np.asarray(np.rint(total / (max(len(vectors), 1) * COORDINATE_STEP)) * COORDINATE_STEP)


def _rounded(
    half_x: NDArray[np.float64], products: NDArray[np.float64], half_y: NDArray[np.float64]
) -> NDArray[np.float32]:
    np.subtract(half_x, products, out=products)
    products += half_y
    products /= DISTANCE_STEP
    np.rint(products, out=products)
    rounded = products.astype(np.float32)
    rounded *= np.float32(DISTANCE_STEP)
    return rounded


def blocks(count: int, size: int) -> Iterator[slice]:
    """Slices of at most `size` that cover `count` rows."""
    for start in range(0, count, size):
        yield slice(start, min(start + size, count))
