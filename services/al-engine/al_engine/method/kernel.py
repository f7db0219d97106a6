"""How much one sound says of another: 1 where they are equal, 0 where they are far, by cosine distance.

`k(d) = exp(-(d / bandwidth)²)`, taken from a table: in steps of 2^-14 of the bandwidth, as whole numbers of
2^-16 (ours). So sums of it are exact, and it is the same on any processor, whatever its exponential function.
"""

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from al_engine.exact.vectors import UnitVectors, cosine_distances

ONE = 2**16 - 1
"""The kernel of equal sounds, as a whole number."""
STEPS = 2**14
"""Of the table, a bandwidth."""
REACH = 4
"""Bandwidths beyond which the kernel, below 2^-17, is 0."""
QUANTILE = 0.02
"""Part of all pairs that are at most a bandwidth apart (Bae et al. 2025 leave the bandwidth open; ours)."""

Kernels = NDArray[np.uint16]


@dataclass(frozen=True)
class Kernel:
    """`bandwidth`: a cosine distance, above 0."""

    bandwidth: float

    def of(self, distances: NDArray[np.float32]) -> Kernels:
        """Whole numbers of 0 to `ONE`, in the distances' shape, whose memory is used up."""
        distances *= np.float32(STEPS / self.bandwidth)
        np.minimum(distances, np.float32(STEPS * REACH), out=distances)
        return _table().take(distances.astype(np.int32))


def bandwidth(samples: UnitVectors) -> float:
    """The distance at most which 2 % of the pairs are apart; where that is 0, the smallest above it, or 1."""
    distances = cosine_distances(samples, samples)
    pairs = distances[np.triu_indices(len(distances), 1)]
    if not len(pairs):
        return 1.0
    place = int(QUANTILE * (len(pairs) - 1))
    found = float(np.partition(pairs, place)[place])
    return found or float(pairs.min(initial=1.0, where=pairs > 0))


@cache
def _table() -> Kernels:
    of_bandwidths = np.arange(STEPS * REACH + 1) / STEPS
    return np.rint(ONE * np.exp(-np.square(of_bandwidths))).astype(np.uint16)
