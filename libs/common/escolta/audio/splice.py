"""A file as it should have been written: parts of it, with other bytes where its header is wrong."""

import io
from collections.abc import Sequence
from typing import Any, BinaryIO

Part = bytes | range
"""Bytes of our own, or a range of the file's."""


class Spliced(io.RawIOBase):
    """The parts of `stream`, one after the other, as a file to be read.

    `error` is what reading raised: libsndfile, which calls, can only be told that nothing came.
    """

    def __init__(self, stream: BinaryIO, parts: Sequence[Part]) -> None:
        self._stream = stream
        self._parts = [part for part in parts if len(part)]
        self._length = sum(len(part) for part in self._parts)
        self._at = 0
        self.error: OSError | None = None

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        self._at = max(0, offset + {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._length}[whence])
        return self._at

    def readinto(self, buffer: Any) -> int:
        """Fill `buffer`; fewer bytes than fit only at the end, because libsndfile asks no second time."""
        filled = begin = 0
        for part in self._parts:
            inside = self._at - begin
            count = min(len(buffer) - filled, len(part) - inside)
            if inside >= 0 and count > 0:
                if isinstance(part, bytes):
                    data = part[inside : inside + count]
                else:
                    data = self._read(part.start + inside, count)
                buffer[filled : filled + len(data)] = data
                filled += len(data)
                self._at += len(data)
                if len(data) < count:
                    break
            begin += len(part)
        return filled

    def _read(self, at: int, count: int) -> bytes:
        try:
            self._stream.seek(at)
            return self._stream.read(count)
        except OSError as error:
            self.error = error
            return b""
