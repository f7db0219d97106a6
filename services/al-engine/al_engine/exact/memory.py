"""How many samples one run of the algorithm takes on this machine: the default of N_max."""

import os
from pathlib import Path

SHARE = 0.25
MOST_TO_CLUSTER = 20_000
MOST_TO_TRAVERSE = 100_000
DIM = 2048
CGROUP_LIMIT = Path("/sys/fs/cgroup/memory.max")


def most_samples(first: bool = True) -> int:
    """The n whose largest array fills a quarter of the memory, but not more than is quick (ours).

    The first batch needs all distances of a set, float32 in n²/2, and takes time with its square: 20,000 at
    most. A later one holds the embeddings, float32 `[n, 2048]`, and takes time in proportion: 100,000.
    """
    may_use = memory_bytes() * SHARE / 4
    if first:
        return max(1, min(MOST_TO_CLUSTER, int((2 * may_use) ** 0.5)))
    return max(1, min(MOST_TO_TRAVERSE, int(may_use / DIM)))


def memory_bytes() -> int:
    """What the machine has, or what the container may use of it."""
    machine = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    try:
        limit = CGROUP_LIMIT.read_text().strip()
    except OSError:
        return machine
    return machine if limit == "max" else min(machine, int(limit))
