"""How many samples one run of the algorithm takes on this machine: the default of N_max."""

import os
from pathlib import Path

MATRIX_SHARE = 0.25
MOST_USEFUL = 20_000
CGROUP_LIMIT = Path("/sys/fs/cgroup/memory.max")


def most_samples() -> int:
    """The n whose float32 `[n, n]` distance matrix fills a quarter of the memory, at most 20,000 (ours).

    k-medoids needs that matrix, and its copies while it is built. Above 20,000 the first batch takes
    minutes without a better one in sight.
    """
    return max(1, min(MOST_USEFUL, int((_memory_bytes() * MATRIX_SHARE / 4) ** 0.5)))


def _memory_bytes() -> int:
    """What the machine has, or what the container may use of it."""
    machine = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    try:
        limit = CGROUP_LIMIT.read_text().strip()
    except OSError:
        return machine
    return machine if limit == "max" else min(machine, int(limit))
