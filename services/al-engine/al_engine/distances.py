"""Cosine distances that depend on the two embeddings alone, blocked so that memory stays bounded.

A floating-point dot product depends on how it was summed: on the block it stood in, on the BLAS, on the
number of threads. Embeddings that are equally far would then be ordered by chance. So unit vectors are
rounded to multiples of 2^-24 (ours; float32 holds them, and an embedding's own noise is far larger): a
product is a multiple of 2^-48 and a sum of them stays below 2, which float64 holds without rounding.
Every distance is therefore exact, and rounded once, to a multiple of 2^-23, which float32 holds. Equal
embeddings are at distance 0, the distance is symmetric, and sums of distances are exact in float64 too.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

COORDINATE_STEP = 2.0**-24
DISTANCE_STEP = 2.0**-23
BLOCK_ROWS = 1024
BLOCK_DISTANCES = 2**22
"""Distances held in float64 at once: 32 MB."""


@dataclass(frozen=True)
class UnitVectors:
    """Embeddings of unit length on the grid.

    `rows`: float32 (or float64, the same numbers) `[n, dim]`. `half_squares`: float64 `[n]`, half the
    squared length of each row, which is 1/2 but for the rounding to the grid.
    """

    rows: NDArray[np.floating]
    half_squares: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.rows)

    def take(self, index: NDArray[np.intp] | slice) -> "UnitVectors":
        """The vectors at these rows."""
        return UnitVectors(self.rows[index], self.half_squares[index])


def unit_vectors(embeddings: NDArray[np.floating], rows: NDArray[np.intp] | None = None) -> UnitVectors:
    """Scale embeddings `[n, dim]` (their given `rows`, in that order) to unit length, on the grid.

    A zero embedding has no direction; it gets that of all ones (ours), so that such audios are
    identical to each other and not far from everything, which would have them all proposed.
    """
    chosen = np.arange(len(embeddings)) if rows is None else rows
    unit = np.empty((len(chosen), embeddings.shape[1]), np.float32)
    half_squares = np.empty(len(chosen))
    for block in _blocks(len(chosen), BLOCK_ROWS):
        exact = embeddings[chosen[block]].astype(np.float64, order="C")
        squares = np.vecdot(exact, exact)
        exact[squares == 0] = 1.0
        squares[squares == 0] = exact.shape[1]
        with np.errstate(invalid="ignore"):  # a row with an infinity or NaN becomes NaN: the caller looks
            exact *= 1 / (COORDINATE_STEP * np.sqrt(squares))[:, None]
        np.rint(exact, out=exact)
        exact *= COORDINATE_STEP
        unit[block] = exact
        half_squares[block] = np.vecdot(exact, exact) / 2
    return UnitVectors(unit, half_squares)


def cosine_distances(a: UnitVectors, b: UnitVectors) -> NDArray[np.float32]:
    """Cosine distances `1 - x·y`, float32 `[a, b]`, as half the squared distance of unit vectors."""
    distances = a.rows.astype(np.float64, copy=False) @ b.rows.astype(np.float64, copy=False).T
    np.subtract(a.half_squares[:, None], distances, out=distances)
    distances += b.half_squares
    distances /= DISTANCE_STEP
    np.rint(distances, out=distances)
    rounded = distances.astype(np.float32)
    rounded *= np.float32(DISTANCE_STEP)
    return rounded


@dataclass(frozen=True)
class KeptNearest:
    """What an earlier iteration knew of the samples' nearest medoids.

    `index`: intp `[samples]`, the row, among today's medoids, of the nearest of those known then, the
    first of equally near ones; -1 where nothing is known, or where that medoid is one no longer.
    `distance`: float32 `[samples]` to it. `new`: intp, the rows of the medoids not known then.
    """

    index: NDArray[np.intp]
    distance: NDArray[np.float32]
    new: NDArray[np.intp]


def nearest(
    samples: UnitVectors, medoids: UnitVectors, kept: KeptNearest | None = None
) -> tuple[NDArray[np.intp], NDArray[np.float32]]:
    """The nearest medoid of each sample, the first of equally near ones, and the distance to it.

    Returns intp `[samples]` and float32 `[samples]`. With `kept`, only the distances to its new medoids
    are computed, and all distances of the samples it knows nothing of; the answer is the same to the bit.
    """
    if kept is None:
        return _nearest(samples, medoids)
    index, distance = kept.index.copy(), kept.distance.copy()
    known, unknown = np.flatnonzero(index >= 0), np.flatnonzero(index < 0)
    if len(unknown):
        index[unknown], distance[unknown] = _nearest(samples.take(unknown), medoids)
    if len(known) and len(kept.new):
        new = np.sort(kept.new)
        to_new, d_new = _nearest(samples.take(known), medoids.take(new))
        to_new = new[to_new]
        first = (d_new < distance[known]) | ((d_new == distance[known]) & (to_new < index[known]))
        index[known[first]], distance[known[first]] = to_new[first], d_new[first]
    return index, distance


def _nearest(samples: UnitVectors, medoids: UnitVectors) -> tuple[NDArray[np.intp], NDArray[np.float32]]:
    """Holds one block of distances at a time."""
    exact_medoids = UnitVectors(medoids.rows.astype(np.float64), medoids.half_squares)
    index = np.empty(len(samples), np.intp)
    distance = np.empty(len(samples), np.float32)
    for block in _blocks(len(samples), max(1, min(BLOCK_ROWS, BLOCK_DISTANCES // len(medoids)))):
        distances = cosine_distances(samples.take(block), exact_medoids)
        index[block] = distances.argmin(axis=1)
        distance[block] = np.take_along_axis(distances, index[block][:, None], axis=1)[:, 0]
    return index, distance


def pairwise(samples: UnitVectors) -> NDArray[np.float32]:
    """All distances among the samples, float32 `[n, n]`: 4 n² bytes, for k-medoids alone."""
    distances = np.empty((len(samples), len(samples)), np.float32)
    for above in _blocks(len(samples), BLOCK_ROWS):
        rows = samples.take(above)
        exact = UnitVectors(rows.rows.astype(np.float64), rows.half_squares)
        for left in _blocks(above.stop, BLOCK_ROWS):
            tile = cosine_distances(exact, samples.take(left))
            distances[above, left] = tile
            distances[left, above] = tile.T
    return distances


def _blocks(count: int, size: int) -> Iterator[slice]:
    for start in range(0, count, size):
        yield slice(start, min(start + size, count))
