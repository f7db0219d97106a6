"""How long the map of a window takes, by number of audios and dimensions, in the process that fits it.

    python bench/map.py [--n 20000 ...] [--dim 2048 ...] [--cold] [--json FILE]

`--cold`: with nothing compiled yet, as at the first map on a machine. Synthetic embeddings in 60 clusters.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

CLUSTERS = 60
STAGES = ("comparing", "preparing", "fitting")


def main() -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--n", type=int, action="append", help="audios (default: 5000 and 20000)")
    parser.add_argument("--dim", type=int, action="append", help="dimensions (default: 1024 and 2048)")
    parser.add_argument("--cold", action="store_true", help="with nothing compiled yet")
    parser.add_argument("--json", type=Path, metavar="FILE")
    wanted = parser.parse_args()
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        cache = Path(folder, "numba")
        if not wanted.cold:
            fit(Path(folder), cache, embeddings(100, 64))
        print(f"{'audios':>8} {'dim':>5} {'seconds':>8} {'peak MB':>8}  " + "  ".join(STAGES))
        for n in wanted.n or [5000, 20000]:
            for dim in wanted.dim or [1024, 2048]:
                if wanted.cold:
                    cache = Path(folder, f"numba-{n}-{dim}")
                row = {"name": "map", "n": n, "dim": dim, "case": "cold" if wanted.cold else "warm"}
                row |= fit(Path(folder), cache, embeddings(n, dim))
                stages = "  ".join(f"{row['stages'][name]:{len(name)}.1f}" for name in STAGES)
                print(f"{n:>8} {dim:>5} {row['seconds']:>8.1f} {row['peak_mb']:>8.0f}  {stages}", flush=True)
                rows.append(row)
    if wanted.json:
        wanted.json.write_text(json.dumps(rows, indent=1) + "\n")


def embeddings(n: int, dim: int) -> np.ndarray:
    """Float16 `[n, dim]` around a few centers, as embeddings lie."""
    rng = np.random.default_rng(0)
    centers = rng.normal(0, 1, (CLUSTERS, dim)).astype(np.float32)
    vectors = centers[rng.integers(0, CLUSTERS, n)] * rng.uniform(0.4, 1, (n, 1)).astype(np.float32)
    return (vectors + rng.normal(0, 1.2, (n, dim)).astype(np.float32)).astype(np.float16)


def fit(folder: Path, cache: Path, vectors: np.ndarray) -> dict:
    """Seconds, by stage too, and peak memory of the process that fits."""
    given, answer = folder / "vectors.npy", folder / "coordinates.npy"
    np.save(given, vectors)
    started = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "-m", "al_engine.maps.fit", str(given), str(answer)],
        env=os.environ | {"NUMBA_CACHE_DIR": str(cache)},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    stages, before, stage = dict.fromkeys(STAGES, 0.0), 0.0, STAGES[0]
    assert process.stdout
    for line in process.stdout:
        now = time.perf_counter() - started
        stages[stage] += now - before
        before, stage = now, line.split()[0]
    stages[stage] += time.perf_counter() - started - before
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        sys.exit(f"bench/map.py: the fit ended with {os.waitstatus_to_exitcode(status)}")
    peak = usage.ru_maxrss / (1024 if sys.platform != "darwin" else 1024**2)
    return {"seconds": time.perf_counter() - started, "peak_mb": peak, "stages": stages}


if __name__ == "__main__":
    main()
