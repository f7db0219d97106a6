"""Disjoint sets D_1 ... D_K of the unlabeled audios (Naranjo-Alcazar et al. 2024, section 2.4).

Each class that the tagger names first is sorted by its probability p and spread over the sets, the
least certain audios to D_1: the most informative set, and a diverse one, since every class is in it.
"""

import numpy as np
from numpy.typing import NDArray


def number_of_sets(samples: int, max_set: int) -> int:
    """`K = ceil(|U| / N_max)`; the paper's "folds"."""
    return -(-samples // max_set)


def partition(
    top_classes: NDArray[np.generic], top_probabilities: NDArray[np.floating], max_set: int
) -> list[NDArray[np.intp]]:
    """Rows of each disjoint set, D_1 first; each ascending, none longer than `max_set` (N_max).

    `top_classes [samples]` and `top_probabilities [samples]` are the tagger's top-1 class and its p.
    Rows come in order of audio id, which is how equal p are ordered. The sets cover all rows; within a
    class no audio of an earlier set is more certain than one of a later set.
    """
    sets = number_of_sets(len(top_classes), max_set)
    if sets == 0:
        return []
    names, classes = np.unique(top_classes, return_inverse=True)
    by_certainty = np.argsort(top_probabilities, kind="stable")  # equal p stay in row order
    small = classes.astype(np.min_scalar_type(len(names)))  # 16 bits are sorted ten times faster
    by_certainty = by_certainty[np.argsort(small[by_certainty], kind="stable")]
    set_of = _spread(classes[by_certainty], sets)
    in_sets = np.argsort(set_of, kind="stable")
    members = np.split(in_sets, np.cumsum(np.bincount(set_of, minlength=sets))[:-1])
    for k in range(sets - 1):
        rows = by_certainty[members[k]]
        excess = len(rows) - max_set
        if excess > 0:
            moved = _most_certain_of_largest(classes[rows], top_probabilities[rows], rows, excess)
            members[k + 1] = np.sort(np.concatenate([members[k + 1], members[k][moved]]))
            members[k] = np.delete(members[k], moved)
    return [np.sort(by_certainty[of_set]) for of_set in members]


def _spread(classes: NDArray[np.intp], sets: int) -> NDArray[np.intp]:
    """The set of each sample, by the three rules; samples sorted by class, then by certainty."""
    _, start, count = np.unique(classes, return_index=True, return_counts=True)
    position = np.arange(len(classes)) - start[classes]
    share, remainder = count[classes] // sets, count[classes] % sets
    # The first `remainder` sets take one sample more (ours; the paper leaves the remainder open).
    longer = remainder * (share + 1)
    in_longer = position // (share + 1)
    in_shorter = remainder + (position - longer) // np.maximum(share, 1)
    set_of = np.where(position < longer, in_longer, in_shorter)
    set_of[share == 0] = 0
    return set_of


def _most_certain_of_largest(
    classes: NDArray[np.intp], p: NDArray[np.floating], rows: NDArray[np.intp], excess: int
) -> NDArray[np.intp]:
    """Which `excess` samples leave an overfull set (ours): one by one the last of the largest class.

    The last of the largest class is the sample with the highest position within its class, so the
    whole sequence is one sort; among classes of equal size the more certain sample leaves first.
    Samples come sorted by class, then by certainty.
    """
    position = np.arange(len(classes)) - np.searchsorted(classes, classes)
    return np.lexsort((rows, p, position))[-excess:]
