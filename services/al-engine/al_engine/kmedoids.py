"""k-medoids clustering: FasterPAM, started by farthest-first traversal.

Schubert & Rousseeuw 2021, "Fast and eager k-medoids clustering: O(k) runtime improvement of the PAM,
CLARA, and CLARANS algorithms", Information Systems 101: removal loss and eager swaps.

Distances are multiples of 2^-23 (`distances.py`), so the sums below are exact in float64: a swap is
made exactly when it lowers the total deviation, and the search ends without a tolerance.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Distances = NDArray[np.float32]

FEWEST_AT_ONCE, MOST_AT_ONCE = 4, 32
"""Candidates looked at in one go. Those after one that is swapped in are looked at again, so the number
starts low, as long as many are, and doubles while none is."""


@dataclass(frozen=True)
class Clustering:
    """`medoids`: rows, ascending. `assignment [n]`: each sample's place in `medoids`."""

    medoids: NDArray[np.intp]
    assignment: NDArray[np.intp]

    def sizes(self) -> NDArray[np.intp]:
        """Samples in each cluster, intp `[k]`; a medoid counts in its own."""
        return np.bincount(self.assignment, minlength=len(self.medoids))


def k_medoids(distances: Distances, k: int) -> Clustering:
    """Cluster the samples of float32 `[n, n]` distances around `k` of them, 1 <= k <= n.

    Deterministic: of equal choices the first row.
    """
    medoids = np.sort(faster_pam(distances, farthest_first_start(distances, k)))
    assignment = distances[medoids].argmin(axis=0)
    assignment[medoids] = np.arange(k)  # where medoids are identical, each keeps its own cluster
    return Clustering(medoids, assignment)


def farthest_first_start(distances: Distances, k: int) -> NDArray[np.intp]:
    """The most central sample, then k - 1 times the sample farthest from those (Zhao et al. 2017).

    The paper leaves the first one open; the most central sample (ours) is what PAM's BUILD starts with.
    """
    first = int(distances.sum(axis=1, dtype=np.float64).argmin())
    chosen = [first]
    to_nearest = distances[first].copy()
    to_nearest[first] = -1  # below any distance, so that nothing is chosen twice
    while len(chosen) < k:
        farthest = int(to_nearest.argmax())
        chosen.append(farthest)
        np.minimum(to_nearest, distances[farthest], out=to_nearest)
        to_nearest[farthest] = -1
    return np.array(chosen, np.intp)


def faster_pam(distances: Distances, start: NDArray[np.intp]) -> NDArray[np.intp]:
    """Swap medoids for other samples while that lowers the total deviation; returns them, intp `[k]`.

    Every sample x_c is a candidate in turn. The best medoid to give up for it is found for all k at
    once, and the swap is made at once (eager). It ends when a whole round brought no swap.
    """
    if len(start) == 1:
        return np.array([distances.sum(axis=1, dtype=np.float64).argmin()], np.intp)
    search = _Search(distances, start.copy())
    n = len(distances)
    candidate, without_swap, at_once = 0, 0, FEWEST_AT_ONCE
    while without_swap < n:
        block = slice(candidate, min(candidate + at_once, n))
        found = search.first_gain(block)
        if found is None:
            without_swap += block.stop - block.start
            candidate = block.stop % n
            at_once = min(2 * at_once, MOST_AT_ONCE)
        else:
            search.swap(*found)
            without_swap = 1
            candidate = (found[1] + 1) % n
            at_once = FEWEST_AT_ONCE
    return search.medoids


class _Search:
    """The state of FasterPAM; `slot` is a place in `medoids`, `o` a sample.

    `near[o]`, `second[o]`: slots of the nearest and second nearest medoid. `d_near[o]`, `d_second[o]`:
    the distances to them. `removal_loss[slot]`: what the total deviation grows by without that medoid.
    """

    def __init__(self, distances: Distances, medoids: NDArray[np.intp]) -> None:
        n = len(distances)
        self.distances = distances
        self.medoids = medoids
        # Row by row, since the distances of one sample to all medoids lie far apart in `distances`.
        self.to_medoids = distances[medoids].T.copy()
        self.is_medoid = np.zeros(n, bool)
        self.is_medoid[medoids] = True
        self.near, self.second = np.empty(n, np.intp), np.empty(n, np.intp)
        self.d_near, self.d_second = np.empty(n, np.float32), np.empty(n, np.float32)
        self._assign(np.arange(n))
        self._update_removal_loss()

    def first_gain(self, candidates: slice) -> tuple[int, int] | None:
        """Of the first of these candidates for which a swap pays: the best slot for it, and itself.

        Of a sample o, d = d(o, x_c): where d < d_near, o moves to x_c whatever medoid goes. Its own
        medoid's removal loss has counted d_second - d_near, which then does not arise; where
        d < d_second, o would move to x_c and not to its second medoid.
        """
        n, k = len(self.distances), len(self.medoids)
        to_candidates = self.distances[candidates]
        where = np.flatnonzero(to_candidates < self.d_second)
        d = to_candidates.reshape(-1)[where].astype(np.float64)
        x_c, o = np.divmod(where, n)
        d_near = self.d_near[o].astype(np.float64)
        gain = np.bincount(x_c, np.minimum(d - d_near, 0), len(to_candidates))
        correction = np.maximum(d, d_near) - self.d_second[o]
        corrections = np.bincount(x_c * k + self.near[o], correction, len(to_candidates) * k)
        change = self.removal_loss + corrections.reshape(-1, k)
        slots = change.argmin(axis=1)
        pays = change[np.arange(len(slots)), slots] + gain < 0
        pays &= ~self.is_medoid[candidates]
        if not pays.any():
            return None
        first = int(pays.argmax())
        return int(slots[first]), candidates.start + first

    def swap(self, slot: int, candidate: int) -> None:
        """Put the candidate in the place of a medoid and bring every sample's nearest two up to date."""
        self.is_medoid[self.medoids[slot]] = False
        self.is_medoid[candidate] = True
        self.medoids[slot] = candidate
        lost = (self.near == slot) | (self.second == slot)
        d = self.distances[candidate]
        self.to_medoids[:, slot] = d
        closer = ~lost & (d < self.d_near)
        self.second[closer], self.d_second[closer] = self.near[closer], self.d_near[closer]
        self.near[closer], self.d_near[closer] = slot, d[closer]
        between = ~lost & ~closer & (d < self.d_second)
        self.second[between], self.d_second[between] = slot, d[between]
        self._assign(np.flatnonzero(lost))
        self._update_removal_loss()

    def _assign(self, o: NDArray[np.intp]) -> None:
        to_medoids = self.to_medoids[o]
        each = np.arange(len(o))
        self.near[o] = to_medoids.argmin(axis=1)
        self.d_near[o] = to_medoids[each, self.near[o]]
        to_medoids[each, self.near[o]] = np.inf
        self.second[o] = to_medoids.argmin(axis=1)
        self.d_second[o] = to_medoids[each, self.second[o]]

    def _update_removal_loss(self) -> None:
        loss = self.d_second.astype(np.float64) - self.d_near
        self.removal_loss = np.bincount(self.near, loss, len(self.medoids))
