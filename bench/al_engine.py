"""How fast one batch is chosen: seconds by stage and peak memory, for sets of several sizes, all in one run.

    make bench                                             # every size: some 20 minutes on two cores
    make bench AL_ARGS="--n 5000 --n 20000 --json FILE"

`first`: k-medoids, no medoid known. `later`: MAL-MF with 6,540 medoids of 171 classes (fewer where the set
is smaller). `later-kept`: the same where nearest distances are kept of all medoids but the last 400.
`herding-kept`: so too, by `mal-then-herding`; only ours. Beside
it, a plain version (the whole matrix, eager traversal, scikit-learn) and scikit-activeml's CoreSet, which
chooses by distance alone; neither swaps medoids, nor can it keep anything. Each runs in a process of its
own, so that its peak memory is its own; making the data is not counted in seconds. Where a method's matrix
does not fit in half of this machine's memory it is left out, and said so.

The embeddings resemble CNN14's: not negative, sparse, in classes of very different sizes. `--isotropic` takes
normally distributed ones instead, which have no neighbors to speak of.
"""

import argparse
import json
import multiprocessing
import resource
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any
from uuid import UUID

# The folder of a script comes first among those to import from, and there this file has a package's name.
sys.path[:] = [
    folder for folder in sys.path if Path(folder or ".").resolve() != Path(__file__).resolve().parent
]

import numpy as np  # noqa: E402
from numpy.typing import NDArray  # noqa: E402

from al_engine.exact.distances import KnownNearest, nearest  # noqa: E402
from al_engine.exact.memory import memory_bytes  # noqa: E402
from al_engine.exact.pairwise import pairwise  # noqa: E402
from al_engine.exact.vectors import unit_vectors  # noqa: E402
from al_engine.method import strategies  # noqa: E402
from al_engine.method.committee import Committee  # noqa: E402
from al_engine.method.herding import herd  # noqa: E402
from al_engine.method.kmedoids import k_medoids  # noqa: E402
from al_engine.method.strategies import View  # noqa: E402
from al_engine.method.traversal import farthest_first  # noqa: E402

SIZES = [5_000, 10_000, 20_000, 50_000, 100_000]
CASES = ["first", "later", "later-kept", "herding-kept"]
OF_OURS_ALONE = "later-kept", "herding-kept"
NAMES = ["escolta", "full-matrix", "scikit-activeml"]
DIM, BATCH, MEDOIDS, NEW_MEDOIDS, CLASSES = 2048, 400, 6_540, 400, 171

Array = NDArray[np.float32]
Stages = dict[str, float]


def main() -> None:
    options = _options()
    rows = []
    for n in options.n or SIZES:
        for case in CASES:
            if options.case and case not in options.case:
                continue
            for name in options.name or NAMES:
                row: dict[str, Any] = {"name": name, "n": n, "dim": DIM, "batch": BATCH, "case": case}
                if reason := _left_out(name, n, case):
                    print(f"{name:16} n={n:<7} {case:10} left out: {reason}", flush=True)
                    continue
                cached = _in_a_process(_cached, n, options.isotropic) if case in OF_OURS_ALONE else None
                row |= _in_a_process(_measure, name, n, case, options.isotropic, cached)
                stages = ", ".join(f"{stage} {seconds:.1f}" for stage, seconds in row.pop("stages").items())
                print(
                    f"{name:16} n={n:<7} {case:10} {row['seconds']:7.1f} s ({row['cpu_seconds']:.1f} of CPU)"
                    f"  peak {row['peak_mb']:6.0f} MB, {row['data_mb']:.0f} of it embeddings  {stages}",
                    flush=True,
                )
                rows.append(row)
    if options.json:
        Path(options.json).write_text(json.dumps(rows, indent=1) + "\n")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Seconds and memory of one batch.")
    parser.add_argument("--n", type=int, action="append", help="samples in the set; may be repeated")
    parser.add_argument("--name", choices=NAMES, action="append", help="only this one; may be repeated")
    parser.add_argument("--case", choices=CASES, action="append", help="only this one; may be repeated")
    parser.add_argument("--json", metavar="FILE", help="write the figures there")
    parser.add_argument("--isotropic", action="store_true", help="normally distributed embeddings")
    return parser.parse_args()


def _left_out(name: str, n: int, case: str) -> str | None:
    if case in OF_OURS_ALONE and name != "escolta":
        return "it keeps nothing"
    distances = {
        "escolta": n * n // 2 if case == "first" else 0,
        "full-matrix": 2 * n * n,
        "scikit-activeml": 0 if case == "first" else 4 * n * _medoids(n),
    }[name]
    if 4 * distances > memory_bytes() / 2:
        return f"its {4 * distances / 1e9:.0f} GB of distances do not fit in half of the memory"
    return None


def _in_a_process(work: Callable[..., Any], *arguments: object) -> Any:
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(work, arguments)


def _measure(name: str, n: int, case: str, isotropic: bool, cached: KnownNearest | None) -> dict[str, Any]:
    warnings.simplefilter("ignore")
    medoids = 0 if case == "first" else _medoids(n)
    embeddings, classes = _embeddings(n + medoids, isotropic)
    known, labels, samples = embeddings[:medoids], classes[:medoids].astype(np.str_), embeddings[medoids:]
    if name != "escolta":  # an import is no part of the work
        import_module("sklearn.linear_model" if name == "full-matrix" else "skactiveml.pool")
    stages: Stages = {}
    wall, cpu = time.perf_counter(), time.process_time()
    if name == "escolta":
        strategy = "mal-then-herding" if case == "herding-kept" else "mal-mf"
        _escolta(samples, known, labels, cached, strategy, stages)
    elif name == "full-matrix":
        _full_matrix(samples, known, labels, stages)
    else:
        _core_set(embeddings, classes, medoids, stages)
    return {
        "seconds": round(time.perf_counter() - wall, 2),
        "cpu_seconds": round(time.process_time() - cpu, 2),
        "peak_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6),
        "data_mb": round(embeddings.nbytes / 1e6),
        "data": "isotropic" if isotropic else "cnn14-like",
        "stages": stages,
    }


def _embeddings(n: int, isotropic: bool) -> tuple[Array, NDArray[np.intp]]:
    """float32 `[n, 2048]` and classes `[n]`, which each of the first 171 rows has one of."""
    rng = np.random.default_rng(0)
    share = 1 / np.arange(1, CLASSES + 1)
    classes = rng.choice(CLASSES, n, p=share / share.sum())
    classes[:CLASSES] = np.arange(CLASSES)[: len(classes[:CLASSES])]
    rows = np.empty((n, DIM), np.float32)
    centers = 1.5 * np.maximum(rng.standard_normal((CLASSES, DIM), np.float32) - 0.8, 0)
    directions = rng.standard_normal((64, DIM), np.float32) * np.float32(0.075)
    for start in range(0, n, 4096):
        block = rows[start : start + 4096]
        rng.standard_normal(out=block, dtype=np.float32)
        if not isotropic:
            block *= 0.25
            block += rng.standard_normal((len(block), 64), np.float32) @ directions
            block += centers[classes[start : start + 4096]]
            block -= 0.1
            np.maximum(block, 0, out=block)
    return rows, classes


def _medoids(n: int) -> int:
    return min(MEDOIDS, n // 2)


def _cached(n: int, isotropic: bool) -> KnownNearest:
    """What an iteration before this one has kept, when the last medoids were not yet labeled."""
    medoids = _medoids(n)
    embeddings, _ = _embeddings(n + medoids, isotropic)
    before = medoids - NEW_MEDOIDS
    index, distance = nearest(unit_vectors(embeddings[medoids:]), unit_vectors(embeddings[:before]))
    return KnownNearest(index, distance, np.arange(before, medoids))


@contextmanager
def _timed(stages: Stages, name: str) -> Iterator[None]:
    start = time.perf_counter()
    yield
    stages[name] = time.perf_counter() - start


def _escolta(
    samples: Array,
    medoids: Array,
    labels: NDArray[np.str_],
    cached: KnownNearest | None,
    strategy: str,
    stages: Stages,
) -> None:
    with _timed(stages, "lengths"):
        vectors = unit_vectors(samples)
    if not len(medoids):
        with _timed(stages, "distances"):
            distances = pairwise(vectors)
        with _timed(stages, "k-medoids"):
            k_medoids(distances, BATCH)
        return
    with _timed(stages, "fit"):
        committee = Committee(unit_vectors(medoids), labels)
    with _timed(stages, "judge"):
        opinion = committee.judge(vectors, cached)
    if strategy == "mal-then-herding":
        ids = [UUID(int=row) for row in range(len(samples))]
        nothing = vectors.take(slice(0))
        view = View(vectors, ids, opinion, committee.medoids, labels, nothing, nothing, [], BATCH, 0)
        with _timed(stages, "weights"):
            support, kernel = strategies.to_herd(view, opinion)
        with _timed(stages, "herding"):
            herd(vectors, support, kernel, BATCH)
        return
    with _timed(stages, "traversal"):
        farthest_first(vectors, opinion.medoid_distance, opinion.mismatched, BATCH)


def _full_matrix(samples: Array, medoids: Array, labels: NDArray[np.str_], stages: Stages) -> None:
    from sklearn.linear_model import LogisticRegression

    with _timed(stages, "distances"):
        vectors = np.concatenate([medoids, samples])
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
        distances = 1 - vectors @ vectors.T
    if not len(medoids):
        with _timed(stages, "traversal"):
            _eagerly(distances, distances[0].copy(), np.ones(len(samples), bool))
        return
    with _timed(stages, "fit"):
        spread = np.sqrt(
            np.square(vectors[: len(labels)] - vectors[: len(labels)].mean(axis=0)).sum(1).mean()
        )
        scaled = (vectors - vectors[: len(labels)].mean(axis=0)) / spread
        regression = LogisticRegression(class_weight="balanced", max_iter=1000)
        regression.fit(scaled[: len(labels)], labels)
    with _timed(stages, "judge"):
        to_medoids = distances[len(labels) :, : len(labels)]
        propagated = labels[to_medoids.argmin(axis=1)]
        mismatched = regression.predict(scaled[len(labels) :]) != propagated
    with _timed(stages, "traversal"):
        _eagerly(distances[len(labels) :, len(labels) :], to_medoids.min(axis=1), mismatched)


def _eagerly(distances: Array, nearest_distance: Array, first: NDArray[np.bool_]) -> None:
    for _ in range(BATCH):
        pool = first if first.any() else np.ones(len(first), bool)
        taken = int(np.where(pool, nearest_distance, -1).argmax())
        first[taken] = False
        np.minimum(nearest_distance, distances[taken], out=nearest_distance)
        nearest_distance[taken] = -1


def _core_set(embeddings: Array, classes: NDArray[np.intp], medoids: int, stages: Stages) -> None:
    from skactiveml.pool import CoreSet

    labels = np.where(np.arange(len(classes)) < medoids, classes, np.nan)
    query: Callable[..., object] = CoreSet(random_state=0).query
    with _timed(stages, "query"):
        query(embeddings, labels, batch_size=BATCH)


if __name__ == "__main__":
    main()
