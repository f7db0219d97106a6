"""Writing so that a power cut leaves what was there before or all of what came, never a part."""

import os
from pathlib import Path

PART = ".part"


def write_whole(path: Path, data: bytes) -> None:
    """Write beside `path`, to the disk, and rename. Raises OSError, such as when the disk is full."""
    aside = path.with_name(path.name + PART)
    try:
        with aside.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        aside.replace(path)
    except OSError:
        aside.unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Bring the names in `folder` to the disk: a rename or a removal is safe only then."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
