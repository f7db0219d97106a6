"""TypiClust: the most typical audio of each large group of audios that no label has reached.

Hacohen, Dekel & Weinshall 2022, "Active Learning on a Budget: Opposite Strategies Suit High and Low
Budgets", ICML, section 3 and appendix F.
"""

import warnings
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from al_engine.exact.parallel import one_thread
from al_engine.exact.vectors import BLOCK_ROWS, UnitVectors, blocks, cosine_distances, unit_vectors

MOST_CLUSTERS = 500
FEW_CLUSTERS = 50
"""Up to so many by k-means, more by its mini-batch form, as in the paper."""
FEW_SAMPLES = 20_000
"""Beyond so many samples the mini-batch form as well (ours)."""
NEIGHBORS = 20
SMALL_CLUSTER = 5
"""Clusters of up to so many samples come last: what is alone teaches little about the rest. (The paper's
code leaves them out; ours has to go on when nothing else is left.)"""


def typiclust(samples: UnitVectors, medoids: UnitVectors, count: int, seed: int) -> list[int]:
    """Rows of up to `count` of the samples.

    1. Cluster samples and medoids together into `medoids + count` clusters, at most 500.
    2. Order the clusters: those with the fewest medoids first, of these the largest first.
    3. Take the most typical sample of each in turn, and begin again until there are `count`.
    """
    n = len(samples)
    rows = np.concatenate([samples.approximate(), medoids.approximate()])
    everything = unit_vectors(rows)
    clusters = min(len(medoids) + count, len(rows), MOST_CLUSTERS)
    cluster_of = _clustered(rows, clusters, seed)
    covered = np.bincount(cluster_of[n:], minlength=clusters)
    size = np.bincount(cluster_of, minlength=clusters)
    first_member = np.full(clusters, len(rows))
    np.minimum.at(first_member, cluster_of, np.arange(len(rows)))
    order = np.lexsort((first_member, -size, covered, size <= SMALL_CLUSTER))
    by_typicality = [
        _by_typicality(everything, np.flatnonzero(cluster_of == cluster), n) for cluster in order
    ]
    chosen: list[int] = []
    while len(chosen) < min(count, n):
        for members in by_typicality:
            row = next(members, None)
            if row is not None and len(chosen) < count:
                chosen.append(row)
    return chosen


def _by_typicality(everything: UnitVectors, members: NDArray[np.intp], samples: int) -> Iterator[int]:
    """The cluster's unlabeled samples, the most typical first. Nothing is computed until it is asked for.

    Typicality is the inverse of the mean distance to the nearest 20 of the same cluster (equation 1).
    """
    unlabeled = members[members < samples]
    neighbors = min(NEIGHBORS, len(members) - 1)
    if neighbors < 1:
        yield from unlabeled.tolist()
        return
    cluster = everything.take(members)
    distance = np.empty(len(unlabeled))
    for block in blocks(len(unlabeled), BLOCK_ROWS):
        squared = 2 * cosine_distances(everything.take(unlabeled[block]), cluster)  # of unit vectors
        nearest = np.partition(squared, neighbors, axis=1)[:, : neighbors + 1]  # itself is one, at 0
        distance[block] = np.sqrt(nearest).sum(axis=1, dtype=np.float64) / neighbors
    yield from unlabeled[np.argsort(distance, kind="stable")].tolist()


def _clustered(rows: NDArray[np.float32], clusters: int, seed: int) -> NDArray[np.intp]:
    """The cluster of each row, intp `[rows]`."""
    # Two seconds of every start otherwise, of an al-engine that chooses by another strategy too.
    from sklearn.cluster import KMeans, MiniBatchKMeans
    from sklearn.exceptions import ConvergenceWarning

    few = clusters <= FEW_CLUSTERS and len(rows) <= FEW_SAMPLES
    seed %= 2**32
    made = (
        KMeans(clusters, n_init=1, random_state=seed)
        if few
        else MiniBatchKMeans(clusters, n_init=1, random_state=seed, batch_size=5000)
    )
    # Several threads would add up in the order in which they end, and ties fall to chance.
    with one_thread(), warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # fewer different embeddings than clusters
        found: NDArray[np.intp] = made.fit_predict(rows).astype(np.intp)
    return found
