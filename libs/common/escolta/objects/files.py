"""Objects as files of a folder."""

import asyncio
import errno
import os
from collections.abc import AsyncIterator, Callable, Iterator
from itertools import islice
from pathlib import Path
from typing import TypeVar

from escolta.disk import put_first, sync_folder, whole_file, write_whole
from escolta.errors import Misconfigured, ObjectMissing, Rejected, Transient, is_transient
from escolta.objects.port import SETTING, Grant, Stored, check_key, check_note

T = TypeVar("T")
PAGE = 1000
_CLOSED = (errno.EACCES, errno.EPERM, errno.EROFS)


class FileObjects:
    """`Objects` in `folder`: an object is the file named by its key, its note `.<name>.note` beside it.

    Only this user can read them. The first `grant` or `put` makes the folder. Where it is not there, as when
    its disk is not mounted, nothing is known of any object: every other verb is `Transient`, and so are these
    two once the folder was seen.
    """

    def __init__(self, folder: Path, setting: str = SETTING) -> None:
        self._folder, self._setting = folder.absolute(), setting
        self._was_there = False

    async def put(self, key: str, data: bytes, note: str = "") -> None:
        """Write beside the object's place, to the disk, and rename: a crash leaves no half object."""
        path, note = self._path(key), check_note(note)
        try:
            await self._in_thread(lambda: _write(path, data, note), may_make=True)
            stored = await self._in_thread(path.read_bytes)  # ours, or that of whoever was first
        except (FileExistsError, IsADirectoryError, NotADirectoryError):
            raise Rejected(f"{key} cannot be stored: one key is the folder of another") from None
        if stored != data:
            raise Rejected(f"{key} cannot be stored: there are other bytes, and an object is never changed")

    async def get(self, key: str) -> bytes:
        path = self._path(key)
        try:
            return await self._in_thread(path.read_bytes)
        except (FileNotFoundError, IsADirectoryError, NotADirectoryError):
            raise ObjectMissing(f"The object {key} is not in {self._folder}") from None

    async def head(self, key: str) -> Stored | None:
        path = self._path(key)
        return await self._in_thread(lambda: _head(path))

    async def keys(self, prefix: str) -> AsyncIterator[str]:
        found = _keys(self._folder, prefix)
        while page := await self._in_thread(lambda: list(islice(found, PAGE))):
            for key in page:
                yield key

    async def grant(self, key: str, size_bytes: int, sha256: str, note: str) -> Grant:
        """Who can ask here has the folder, too."""
        check_key(key), check_note(note)
        await self._in_thread(lambda: _make(self._folder), may_make=True)
        return Grant("", {})

    async def delete(self, key: str) -> None:
        path = self._path(key)
        await self._in_thread(lambda: _remove(path))

    async def aclose(self) -> None:
        """There is nothing to close."""

    def _path(self, key: str) -> Path:
        return self._folder / check_key(key)

    async def _in_thread(self, work: Callable[[], T], *, may_make: bool = False) -> T:
        def where_it_is() -> T:
            expected = self._was_there or not may_make  # asked first: another thread may make it just now
            if not self._folder.exists() and expected:
                raise Transient(
                    f"The folder {self._folder} of the object store is not there: mount its disk, or correct"
                    f" {self._setting}"
                )
            done = work()
            self._was_there = True
            return done

        try:
            return await asyncio.to_thread(where_it_is)
        except (FileExistsError, FileNotFoundError, IsADirectoryError, NotADirectoryError):
            raise
        except OSError as error:
            if is_transient(error):
                raise Transient(f"The object store {self._folder} has trouble: {error}") from error
            if error.errno not in _CLOSED:
                raise
            raise Misconfigured(
                f"{error.filename} cannot be used ({error.strerror}): give it to the user who runs Escolta, "
                f"or set {self._setting} to another folder (file://…)"
            ) from error


def _write(path: Path, data: bytes, note: str) -> None:
    _make(path.parent)
    if not path.exists():
        if note:
            write_whole(_note(path), note.encode())  # first: there is no object without its note
        with whole_file(path, put_first) as file:  # unfinished, it has a name that is no key
            file.write(data)


def _make(folder: Path) -> None:
    new = [made for made in (folder, *folder.parents) if not made.exists()]
    folder.mkdir(parents=True, exist_ok=True)
    for made in new:
        sync_folder(made.parent)  # a new folder is on disk only when the folder that lists it is


def _note(path: Path) -> Path:
    return path.with_name(f".{path.name}.note")


def _head(path: Path) -> Stored | None:
    if not path.is_file():
        return None
    note = _note(path)
    return Stored(path.stat().st_size, note.read_text() if note.exists() else "")


def _remove(path: Path) -> None:
    if path.is_file():
        path.unlink()
        _note(path).unlink(missing_ok=True)


def _keys(folder: Path, prefix: str) -> Iterator[str]:
    for parent, folders, names in os.walk(folder):
        base = Path(parent).relative_to(folder)
        folders[:] = [name for name in folders if _leads_to(prefix, f"{(base / name).as_posix()}/")]
        yield from (
            key
            for name in names
            if not name.startswith(".") and (key := (base / name).as_posix()).startswith(prefix)
        )


def _leads_to(prefix: str, folder: str) -> bool:
    return folder.startswith(prefix) or prefix.startswith(folder)
