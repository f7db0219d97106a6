"""A disk that can be filled: a file system in memory, mounted where a service writes."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from servers.install import missing

SIZE_MB = 64


@contextmanager
def small_disk(folder: Path) -> Iterator[Path]:
    """`folder` is a disk of its own. Whoever may not mount one skips the test."""
    folder.mkdir(parents=True)
    mount = ["mount", "-t", "tmpfs", "-o", f"size={SIZE_MB}m", "escolta-tests", str(folder)]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        missing("a file system in memory cannot be mounted: run this test as root")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


@contextmanager
def filled(disk: Path) -> Iterator[None]:
    """A file takes 95 % of the disk for the length of a block."""
    filling = disk / "filling"
    filling.write_bytes(bytes(SIZE_MB * 95 * 2**20 // 100))
    try:
        yield
    finally:
        filling.unlink()
