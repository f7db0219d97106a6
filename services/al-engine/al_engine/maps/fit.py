"""Where each audio lies on the map: UMAP (McInnes, Healy & Melville 2018) of the embeddings.

`python -m al_engine.maps.fit vectors.npy coordinates.npy` fits in a process of its own, so that the
service goes on answering, and says on its standard output how far it is: a line such as `fitting 24/200`.
umap-learn is imported here alone and late: it compiles for seconds, the first time on a machine for minutes.
"""

import os
import sys
import warnings
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

NEIGHBORS = 15
COMPONENTS = 50
SEED = 0
PLACED_BY = 5
BLOCK_ROWS = 1024

Coordinates = NDArray[np.float32]
Report = Callable[[str, int, int], None]
"""Told the stage ("comparing", "preparing", "fitting"), what is done of it, and of how much."""


def fit(vectors: NDArray[np.floating], report: Report = lambda stage, done, total: None) -> Coordinates:
    """Coordinates float32 `[audios, 2]` of embeddings `[audios, dim]`, by cosine distance.

    1. Unit vectors to their first 50 principal components, which makes the next step cheap.
    2. The 15 nearest neighbors of each, exact.
    3. UMAP's layout, from the first two components, with a fixed seed.

    Fewer audios than neighbors have no neighborhoods: they lie at their two principal components.
    The same on one machine; other machines sum in another order and may give another map.
    """
    unit = unit_rows(vectors)
    if len(unit) <= NEIGHBORS or (unit == unit[0]).all():
        return _few(unit)
    report("comparing", 0, 2)
    from sklearn.decomposition import PCA

    count = min(COMPONENTS, *unit.shape)
    pca = PCA(count, svd_solver="randomized", iterated_power=3, random_state=SEED)
    components = pca.fit_transform(unit)
    report("comparing", 1, 2)
    return _layout(components, report)


def place(
    vectors: NDArray[np.floating], mapped: NDArray[np.floating], coordinates: Coordinates
) -> Coordinates:
    """Coordinates `[audios, 2]` of audios that came after the fit (ours): amid their nearest on the map.

    The mean of the 5 nearest of `mapped [points, dim]`, which lie at `coordinates [points, 2]`.
    """
    points = unit_rows(mapped)
    placed = np.empty((len(vectors), 2), np.float32)
    few = min(PLACED_BY, len(points))
    for start in range(0, len(vectors), BLOCK_ROWS):
        block = slice(start, start + BLOCK_ROWS)
        near = unit_rows(vectors[block]) @ points.T
        nearest = np.argpartition(-near, few - 1, axis=1)[:, :few]
        placed[block] = coordinates[nearest].mean(axis=1)
    return placed


def unit_rows(vectors: NDArray[np.floating]) -> NDArray[np.float32]:
    """Float32 rows of length 1; a row of zeros stays one."""
    rows = vectors.astype(np.float32)
    length = np.linalg.norm(rows, axis=1, keepdims=True)
    length[length == 0] = 1
    rows /= length
    return rows


def _few(unit: NDArray[np.float32]) -> Coordinates:
    """The first two principal components, exact; zeros for what does not differ."""
    if len(unit) < 2:
        return np.zeros((len(unit), 2), np.float32)
    left, lengths, _ = np.linalg.svd(unit - unit.mean(axis=0), full_matrices=False)
    found = (left * lengths)[:, :2]
    return np.pad(found, ((0, 0), (0, 2 - found.shape[1]))).astype(np.float32)


def _layout(components: NDArray[np.float32], report: Report) -> Coordinates:
    from sklearn.neighbors import NearestNeighbors

    search = NearestNeighbors(n_neighbors=NEIGHBORS, algorithm="brute").fit(components)
    distances, neighbors = search.kneighbors(components)
    report("preparing", 0, 1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # that a seed costs threads, and ours is no index
        from umap import UMAP

        umap = UMAP(
            n_neighbors=NEIGHBORS,
            init=_start(components),
            random_state=SEED,
            n_jobs=1,
            precomputed_knn=(neighbors, distances.astype(np.float32)),
            tqdm_kwds={
                "disable": False,
                "mininterval": 0.5,
                "bar_format": "{n}/{total}",
                "file": _Epochs(report),
            },
        )
        return umap.fit_transform(components).astype(np.float32)


def _start(components: NDArray[np.float32]) -> Coordinates:
    """The first two components, scaled as UMAP wants its start, no two audios at the same place."""
    start = components[:, :2] * (10 / np.abs(components[:, :2]).max())
    noise = np.random.default_rng(SEED).normal(0, 1e-4, start.shape)
    return (start + noise).astype(np.float32)


class _Epochs:
    """What tqdm writes to: "24/200" is told as the stage "fitting"."""

    def __init__(self, report: Report) -> None:
        self._report = report

    def write(self, text: str) -> None:
        epoch, slash, epochs = text.strip().partition("/")
        if slash and int(epoch):  # before the first epoch ends it compiles
            self._report("fitting", int(epoch), int(epochs))

    def flush(self) -> None:
        """tqdm calls it."""


def main(vectors_path: str, coordinates_path: str) -> None:
    """Fit what lies in one file into another."""
    os.nice(10)  # an iteration, and people's requests, go first
    vectors = np.load(vectors_path)
    np.save(coordinates_path, fit(vectors, _say))


def _say(stage: str, done: int, total: int) -> None:
    print(f"{stage} {done}/{total}", flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
