"""What must not happen while a door is tried: a defect in the log, a loop that stands still, memory grown."""

import asyncio
import gc
import logging
import os
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

TICK_S = 0.02


class Defects(logging.Handler):
    """Tracebacks in the log: failures that nobody has foreseen."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.found: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        if record.exc_info and record.exc_info[1] is not None:
            self.found.append(f"{record.getMessage()}: {record.exc_info[1]!r}")


@dataclass
class Watched:
    """`stall_s`: the longest that the event loop answered nobody; `stall_cpu_s`: that it computed in it."""

    defects: list[str] = field(default_factory=list)
    stall_s: float = 0.0
    stall_cpu_s: float = 0.0


@asynccontextmanager
async def watched() -> AsyncIterator[Watched]:
    """Look at the log and at the event loop for the length of a block.

    What tests before have left behind is put away first: it would be told of in the midst of this one.
    """
    gc.collect()
    seen, handler = Watched(), Defects()
    logging.getLogger().addHandler(handler)
    watching = asyncio.create_task(_watch(seen))
    try:
        yield seen
    finally:
        watching.cancel()
        logging.getLogger().removeHandler(handler)
        seen.defects = handler.found


async def _watch(seen: Watched) -> None:
    while True:
        begun, computed = time.monotonic(), time.thread_time()
        await asyncio.sleep(TICK_S)
        seen.stall_s = max(seen.stall_s, time.monotonic() - begun - TICK_S)
        seen.stall_cpu_s = max(seen.stall_cpu_s, time.thread_time() - computed)


def resident_mb() -> float:
    """The memory of this process."""
    pages = int(Path("/proc/self/statm").read_text("ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6
