"""A folder in memory for the data of servers, which make and remove some hundred files for every test.

On a disk that takes up to a third of a second of processor time for each new database, in memory a fortieth.
"""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

MEMORY = Path("/dev/shm")
ROOM_BYTES = 8 * 2**30
"""So much has to be free: all servers of a run leave most of it to others. A container may have 64 MB."""
NAME = "escolta-tests-"


@contextmanager
def memory_folder() -> Iterator[Path]:
    """A folder of this process, in memory where there is room, else on the disk; its path is short."""
    _remove_what_killed_ones_left()
    folder = Path(tempfile.mkdtemp(prefix=f"{NAME}{os.getpid()}-", dir=MEMORY if _has_room() else None))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _has_room() -> bool:
    return os.access(MEMORY, os.W_OK) and shutil.disk_usage(MEMORY).free >= ROOM_BYTES


def _remove_what_killed_ones_left() -> None:
    """On a disk that waits for the next start of the machine; here it would be missed."""
    for folder in MEMORY.glob(f"{NAME}*-*"):
        with suppress(ValueError):
            if not Path(f"/proc/{int(folder.name.split('-')[2])}").exists():
                shutil.rmtree(folder, ignore_errors=True)
