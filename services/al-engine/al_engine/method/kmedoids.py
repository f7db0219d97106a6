"""k-medoids clustering: FasterPAM, started by farthest-first traversal.

Schubert & Rousseeuw 2021, "Fast and eager k-medoids clustering: O(k) runtime improvement of the PAM,
CLARA, and CLARANS algorithms", Information Systems 101: removal loss and eager swaps.

Distances lie on a grid (`pairwise.py`), so the sums below are exact in float64: a swap is made exactly
when it lowers the total deviation, and the search ends without a tolerance.
"""

from contextlib import closing
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from al_engine.exact.symmetric import Symmetric

Distances = NDArray[np.float32]

STRIP_ROWS = 128
FEWEST_AT_ONCE, MOST_AT_ONCE = 4, 64
"""Candidates looked at in one go. Those after one that is swapped in are looked at again, so the number
starts low, as long as many are, and doubles while none is."""


@dataclass(frozen=True)
class Clustering:
    """`medoids`: rows, ascending. `assignment [n]`: each sample's place in `medoids`, or k where it is nearer
    to what is reached already."""

    medoids: NDArray[np.intp]
    assignment: NDArray[np.intp]

    def sizes(self) -> NDArray[np.intp]:
        """Samples in each cluster, intp `[k]`; a medoid counts in its own."""
        k = len(self.medoids)
        return np.bincount(self.assignment, minlength=k)[:k]


def k_medoids(distances: Symmetric, k: int, to_reached: Distances | None = None) -> Clustering:
    """Cluster the samples of these distances around `k` of them, 1 <= k <= n.

    `to_reached`: float32 `[n]`, each sample's distance to the nearest of other centers, which stay where they
    are (ours): their surroundings need no medoid. Deterministic: of equal choices the first row.
    """
    if to_reached is not None:
        # No change to the answer, since k >= 1 and no medoid is farther; and sums stay exact (`pairwise.py`).
        to_reached = np.minimum(to_reached, np.float32(distances.largest()))
    start = farthest_first_start(distances, k, to_reached)
    medoids = np.sort(faster_pam(distances, start, to_reached))
    assignment = _with(to_reached, distances.at(medoids)).argmin(axis=0)
    assignment[medoids] = np.arange(k)  # where medoids are identical, each keeps its own cluster
    return Clustering(medoids, assignment)


def farthest_first_start(
    distances: Symmetric, k: int, to_reached: Distances | None = None
) -> NDArray[np.intp]:
    """The most central sample, then k - 1 times the sample farthest from those (Zhao et al. 2017).

    The paper leaves the first one open; the most central sample (ours) is what PAM's BUILD starts with. Where
    something is reached already, it is the sample farthest from that.
    """
    if to_reached is None:
        chosen = [int(distances.sums().argmin())]
        to_nearest = np.full(len(distances), np.inf, np.float32)
    else:
        chosen = [int(to_reached.argmax())]
        to_nearest = to_reached.copy()
    while len(chosen) < k:
        last = np.array(chosen[-1:])
        np.minimum(to_nearest, distances.at(last)[0], out=to_nearest)
        to_nearest[last] = -1  # below any distance, so that nothing is chosen twice
        chosen.append(int(to_nearest.argmax()))
    return np.array(chosen, np.intp)


def faster_pam(
    distances: Symmetric, start: NDArray[np.intp], to_reached: Distances | None = None
) -> NDArray[np.intp]:
    """Swap medoids for other samples while that lowers the total deviation; returns them, intp `[k]`.

    Every sample x_c is a candidate in turn. The best medoid to give up for it is found for all k at
    once, and the swap is made at once (eager). It ends when a whole round brought no swap.
    """
    if len(start) == 1 and to_reached is None:
        return np.array([distances.sums().argmin()], np.intp)
    search = _Search(_with(to_reached, distances.at(start)), start.copy())
    without_swap, at_once = 0, FEWEST_AT_ONCE
    with closing(distances.strips(STRIP_ROWS)) as strips:
        for rows, d in strips:
            candidate = rows.start
            while candidate < rows.stop:
                if without_swap >= len(distances):
                    return search.medoids
                candidates = slice(candidate, min(candidate + at_once, rows.stop))
                found = search.first_gain(candidates, d[candidate - rows.start :][:at_once])
                if found is None:
                    without_swap += candidates.stop - candidate
                    candidate = candidates.stop
                    at_once = min(2 * at_once, MOST_AT_ONCE)
                else:
                    slot, candidate = found
                    search.swap(slot, candidate, d[candidate - rows.start])
                    without_swap = 1
                    candidate += 1
                    at_once = FEWEST_AT_ONCE
    raise AssertionError("the strips go on and on")


def _with(to_reached: Distances | None, to_medoids: Distances) -> Distances:
    """The distances of the medoids, `[k, n]`, and as one medoid more, the last, of what is reached."""
    return to_medoids if to_reached is None else np.vstack([to_medoids, to_reached])


class _Search:
    """The state of FasterPAM; `slot` is a place in `medoids`, `o` a sample.

    `to_samples`: float32 `[k, n]`, from each medoid; one row more stands for what is reached already, whose
    slot is given to no candidate. `near[o]`, `second[o]`: slots of the nearest and
    second nearest medoid. `d_near[o]`, `d_second[o]`: the distances to them. `removal_loss[slot]`: what the
    total deviation grows by without that medoid.
    """

    def __init__(self, to_samples: Distances, medoids: NDArray[np.intp]) -> None:
        n = to_samples.shape[1]
        self.medoids, self.to_samples = medoids, to_samples
        self.is_medoid = np.zeros(n, bool)
        self.is_medoid[medoids] = True
        self.near, self.second = np.empty(n, np.intp), np.empty(n, np.intp)
        self.d_near, self.d_second = np.empty(n, np.float32), np.empty(n, np.float32)
        self._assign(np.arange(n))
        self._update_removal_loss()

    def first_gain(self, candidates: slice, to_candidates: Distances) -> tuple[int, int] | None:
        """Of the first of these candidates for which a swap pays: the best slot for it, and itself.

        `to_candidates`: float32 `[candidates, n]`. Of a sample o, d = d(o, x_c): where d < d_near, o moves
        to x_c whatever medoid goes. Its own medoid's removal loss has counted d_second - d_near, which then
        does not arise; where d < d_second, o would move to x_c and not to its second medoid.
        """
        k, n = self.to_samples.shape
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

    def swap(self, slot: int, candidate: int, d: Distances) -> None:
        """Put the candidate in the place of a medoid and bring every sample's nearest two up to date.

        `d`: float32 `[n]`, from the candidate.
        """
        self.is_medoid[self.medoids[slot]] = False
        self.is_medoid[candidate] = True
        self.medoids[slot], self.to_samples[slot] = candidate, d
        lost = (self.near == slot) | (self.second == slot)
        closer = ~lost & (d < self.d_near)
        self.second[closer], self.d_second[closer] = self.near[closer], self.d_near[closer]
        self.near[closer], self.d_near[closer] = slot, d[closer]
        between = ~lost & ~closer & (d < self.d_second)
        self.second[between], self.d_second[between] = slot, d[between]
        self._assign(np.flatnonzero(lost))
        self._update_removal_loss()

    def _assign(self, o: NDArray[np.intp]) -> None:
        d = self.to_samples[:, o]
        each = np.arange(len(o))
        self.near[o] = d.argmin(axis=0)
        self.d_near[o] = d[self.near[o], each]
        d[self.near[o], each] = np.inf
        self.second[o] = d.argmin(axis=0)
        self.d_second[o] = d[self.second[o], each]

    def _update_removal_loss(self) -> None:
        loss = self.d_second.astype(np.float64) - self.d_near
        self.removal_loss = np.bincount(self.near, loss, len(self.to_samples))
        self.removal_loss[len(self.medoids) :] = np.inf  # what is reached stays
