"""Writing so that a power cut leaves what was there before or all of what came, never a part."""

import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

PART = ".part"
"""How the name of an unfinished file ends; it begins with a dot. A power cut may leave one."""


@contextmanager
def whole_file(path: Path, put: Callable[[Path, Path], object] = Path.replace) -> Iterator[BinaryIO]:
    """A file to write into, beside `path`, which becomes it once the block is left; a block that fails leaves
    `path` as it was. Several may write at once: the last one stays, or the first with `put=put_first`.

    Only this user can read it. Raises OSError, such as when the disk is full.
    """
    descriptor, name = tempfile.mkstemp(prefix=".", suffix=PART, dir=path.parent)
    aside = Path(name)
    try:
        with open(descriptor, "wb") as file:
            yield file
            file.flush()
            os.fsync(descriptor)
        put(aside, path)
    except BaseException:
        aside.unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


def write_whole(path: Path, data: bytes) -> None:
    """`data` as the file `path`, in place of what was there. Raises OSError."""
    with whole_file(path) as file:
        file.write(data)


def put_first(aside: Path, path: Path) -> None:
    """Give the finished file its name, unless somebody else was first."""
    try:
        os.link(aside, path)
    except FileExistsError:
        pass
    except OSError:  # a file system without hard links
        aside.replace(path)
    aside.unlink(missing_ok=True)


def sync_folder(folder: Path) -> None:
    """Bring the names in `folder` to the disk: a rename or a removal is safe only then."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
