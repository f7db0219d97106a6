"""Objects as files of a folder."""

import asyncio
import errno
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from escolta.disk import sync_folder, write_whole
from escolta.errors import Misconfigured, ObjectMissing, Rejected, Transient, is_transient
from escolta.objects.port import check_key

T = TypeVar("T")
_CLOSED = (errno.EACCES, errno.EPERM, errno.EROFS)


class FileObjects:
    """`Objects` in `folder`: an object is the file named by its key, and only this user can read it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder.absolute()

    async def put(self, key: str, data: bytes) -> None:
        """Write beside the object's place, to the disk, and rename: a crash leaves no half object."""
        path = self._path(key)
        try:
            await self._in_thread(lambda: _write(path, data))
        except (FileExistsError, IsADirectoryError, NotADirectoryError):
            raise Rejected(f"{key} cannot be stored: one key is the folder of another") from None

    async def get(self, key: str) -> bytes:
        path = self._path(key)
        try:
            return await self._in_thread(path.read_bytes)
        except (FileNotFoundError, IsADirectoryError, NotADirectoryError):
            raise ObjectMissing(f"The object {key} is not in {self._folder}") from None

    async def size(self, key: str) -> int | None:
        path = self._path(key)
        return await self._in_thread(lambda: path.stat().st_size if path.is_file() else None)

    async def delete(self, key: str) -> None:
        path = self._path(key)
        await self._in_thread(lambda: path.unlink(missing_ok=True) if path.is_file() else None)

    def _path(self, key: str) -> Path:
        return self._folder / check_key(key)

    async def _in_thread(self, work: Callable[[], T]) -> T:
        try:
            return await asyncio.to_thread(work)
        except (FileExistsError, FileNotFoundError, IsADirectoryError, NotADirectoryError):
            raise
        except OSError as error:
            if is_transient(error):
                raise Transient(f"The object store {self._folder} has trouble: {error}") from error
            if error.errno not in _CLOSED:
                raise
            raise Misconfigured(
                f"{error.filename} cannot be used ({error.strerror}): give it to the user who runs Escolta, "
                "or set ESCOLTA_OBJECTS_URL to another folder (file://…)"
            ) from error


def _write(path: Path, data: bytes) -> None:
    new = [folder for folder in path.parents if not folder.exists()]
    path.parent.mkdir(parents=True, exist_ok=True)
    write_whole(path, data)  # beside it, under a name that is no key: nobody can ask for the unfinished file
    for folder in new:
        sync_folder(folder.parent)  # a new folder is on disk only when the folder that lists it is
