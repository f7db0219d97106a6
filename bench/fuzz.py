"""Bad messages, files and requests at every door of an installation, the same by the same seed.

    .venv/bin/python bench/fuzz.py --n 10000 --seed 1 [--json FILE]

All services run in one process over a private catalog. `--n` of each: messages at the subscriptions, files in
the node's folder, objects in the store that ingest is told of, objects that embedder and pages decode, and
requests at the routes. It ends with status 1 where something crashed, was listed nowhere, was answered by 500
or not at all, or kept the event loop from everybody for more than a second of computing.
"""

import argparse
import asyncio
import json
import os
import sys
import tempfile
from collections.abc import Awaitable, Callable
from pathlib import Path
from time import monotonic
from typing import Any

for variable in [name for name in os.environ if name.startswith("ESCOLTA_")]:
    del os.environ[variable]

# The folder of a script comes first among those to import from, and there a file has a package's name.
HERE = Path(__file__).resolve().parent
sys.path[:] = [folder for folder in sys.path if Path(folder or ".").resolve() != HERE]
sys.path.append(str(HERE.parent / "tests"))

from fuzzed.doors import doors  # noqa: E402
from fuzzed.watch import resident_mb, watched  # noqa: E402

ROUNDS = 10
STALL_S = 1.0


async def measure(count: int, seed: int, folder: Path) -> dict[str, Any]:
    """What became of everything, by door, and the memory after each tenth of it."""
    figures: dict[str, Any] = {"n": count, "seed": seed}
    async with doors(folder, seed, count) as at, watched() as seen:
        figures["files of a node"] = dict(await at.files_of_a_node())
        tries: dict[str, Callable[[int], Awaitable[Any]]] = {
            "messages": at.messages,
            "objects": at.objects,
            "sounds heard": at.sounds_heard,
            "requests": at.requests,
        }
        for door, tried in tries.items():
            begun, memory, tally = monotonic(), [], []
            for _ in range(ROUNDS):
                tally.append(await tried(count // ROUNDS))
                memory.append(round(resident_mb()))
            figures[door] = {
                "tally": [vars(one) if door == "requests" else dict(one) for one in tally],
                "resident_mb": memory,
                "seconds": round(monotonic() - begun, 1),
            }
            print(door, json.dumps(figures[door]), flush=True)
    figures["defects"] = seen.defects
    figures["longest_stall_s"] = round(seen.stall_s, 3)
    figures["longest_stall_computing_s"] = round(seen.stall_cpu_s, 3)
    return figures


def faults_of(figures: dict[str, Any]) -> list[str]:
    """What must not be."""
    found = [f"defect: {defect}" for defect in figures["defects"]]
    found += [f"failed: {failed}" for one in figures["requests"]["tally"] for failed in one["failed"]]
    listed = [figures["files of a node"], *figures["messages"]["tally"], *figures["objects"]["tally"]]
    if unlisted := sum(tally.get("unlisted", 0) for tally in listed):
        found.append(f"{unlisted} are listed nowhere")
    if figures["longest_stall_computing_s"] > STALL_S:
        found.append(f"the event loop computed for {figures['longest_stall_computing_s']} s")
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--n", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="escolta-fuzz-") as folder:
        figures = asyncio.run(measure(options.n, options.seed, Path(folder)))
    if options.json:
        options.json.write_text(json.dumps(figures, indent=2) + "\n")
    print(
        {name: figures[name] for name in ("files of a node", "longest_stall_s", "longest_stall_computing_s")}
    )
    if found := faults_of(figures):
        sys.exit("\n".join(found[:50]))


if __name__ == "__main__":
    main()
