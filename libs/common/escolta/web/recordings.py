"""The bytes of a recording as an HTTP answer, for a player that may ask for a part of them."""

import asyncio
import re
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from tempfile import TemporaryFile
from typing import Annotated, Any, BinaryIO

from fastapi import Depends, Header, Response
from fastapi.responses import StreamingResponse

from escolta.audio.audible import audible
from escolta.errors import Rejected
from escolta.objects import Objects

AT_ONCE = 2
"""Recordings that are decoded at a time: each may take hundreds of megabytes."""

FETCHED_AT_ONCE = 4
"""Recordings that a service has in memory at a time, fetched, decoded or on their way to a file."""

MOST_IN_MEMORY_BYTES = 4 << 20
"""What is sent from memory, whoever reads it how slowly: more than 10 s at 96 kHz and 24 bits."""

CHUNK_BYTES = 64 << 10

_decoding = ThreadPoolExecutor(AT_ONCE, "recordings")
_ONE_RANGE = re.compile(r"bytes=(\d{0,18})-(\d{0,18})", re.ASCII)

_SOUND = {"content": {"audio/*": {"schema": {"type": "string", "format": "binary"}}}}
ANSWERS: dict[int | str, dict[str, Any]] = {
    200: {"description": "The whole recording", **_SOUND},
    206: {"description": "The part that `Range` asks for", **_SOUND},
    304: {"description": "The caller has it already"},
    416: {"description": "`Range` begins after the end"},
}
"""What the API document says of a route that answers with a recording."""


class Unsatisfiable(ValueError):
    """Raised when a range begins after the end."""


class Wanted:
    """Which part of a recording the caller wants, and what the caller has already: headers of the request."""

    def __init__(self, part: str, if_range: str, if_none_match: str) -> None:
        self._part = part
        self._if_range = if_range
        self._if_none_match = if_none_match

    def has(self, etag: str) -> bool:
        """Whether the caller has the recording already."""
        return etag in self._if_none_match

    def part_of(self, etag: str, length: int) -> range | None:
        """The bytes, of `length`, that are wanted; None: all of them. Raises `Unsatisfiable`."""
        return requested_part(self._part if self._if_range in ("", etag) else "", length)


class Recordings:
    """Gives the recordings of an object store. However slowly they are read, and by however many, little of
    them is in memory: a long one waits in a file without a name."""

    def __init__(self, objects: Objects) -> None:
        self._objects = objects
        self._turns = asyncio.Semaphore(FETCHED_AT_ONCE)

    async def answer(self, wanted: Wanted, object_key: str, sha256: bytes) -> Response:
        """The recording in a form that browsers decode; whole, or the one part that `Range` asks for.

        These are the bytes that its node stored where browsers surely decode them.
        """
        headers = _headers(sha256)
        if wanted.has(headers["ETag"]):
            return Response(status_code=304, headers=headers)
        async with self._turns:
            stored = await self._objects.get(object_key)
            data, headers["Content-Type"] = await asyncio.get_running_loop().run_in_executor(
                _decoding, _form_of, stored
            )
            try:
                part = wanted.part_of(headers["ETag"], len(data))
            except Unsatisfiable:
                return Response(status_code=416, headers={**headers, "Content-Range": f"bytes */{len(data)}"})
            if part is None:
                return await _sent(memoryview(data), 200, headers)
            headers["Content-Range"] = f"bytes {part.start}-{part.stop - 1}/{len(data)}"
            return await _sent(memoryview(data)[part.start : part.stop], 206, headers)


async def _sent(data: memoryview, status: int, headers: dict[str, str]) -> Response:
    if len(data) <= MOST_IN_MEMORY_BYTES:
        return Response(bytes(data), status, headers)
    headers["Content-Length"] = str(len(data))
    return StreamingResponse(_chunks(await asyncio.to_thread(_file_of, data)), status, headers)


def _file_of(data: memoryview) -> BinaryIO:
    """A file with the data, read from its beginning; its folder never lists it. Raises OSError."""
    file = TemporaryFile()  # noqa: SIM115  # whoever reads it closes it
    try:
        file.write(data)
        file.seek(0)
    except BaseException:
        file.close()
        raise
    return file


async def _chunks(file: BinaryIO) -> AsyncIterator[bytes]:
    with file:
        while chunk := await asyncio.to_thread(file.read, CHUNK_BYTES):
            yield chunk


async def _wanted(
    part: Annotated[str, Header(alias="Range")] = "",
    if_range: Annotated[str, Header()] = "",
    if_none_match: Annotated[str, Header()] = "",
) -> Wanted:
    return Wanted(part, if_range, if_none_match)


WantedPart = Annotated[Wanted, Depends(_wanted)]


def _form_of(stored: bytes) -> tuple[bytes, str]:
    """A form that browsers decode, and its media type; what is no sound, as it is."""
    try:
        return audible(stored)
    except Rejected:
        return stored, "application/octet-stream"


def _headers(sha256: bytes) -> dict[str, str]:
    return {
        "ETag": f'"{sha256.hex()}"',
        # Nobody changes a recording; only the browser that asked may keep it.
        "Cache-Control": "private, max-age=86400, immutable",
        "Accept-Ranges": "bytes",
        "X-Content-Type-Options": "nosniff",
    }


def requested_part(header: str, length: int) -> range | None:
    """The bytes, of `length`, that a `Range` header asks for; None: all of them (RFC 9110, section 14).

    A header that makes no sense, or wants several parts, is ignored, as the RFC allows.
    Raises `Unsatisfiable` where the range has no byte of them.
    """
    match = _ONE_RANGE.fullmatch(header.replace(" ", ""))
    if not match or match.groups() == ("", ""):
        return None
    first, last = match.groups()
    if not first:
        part = range(max(0, length - int(last)), length)
    elif last and int(last) < int(first):
        return None
    else:
        part = range(int(first), min(int(last) + 1, length) if last else length)
    if not part:
        raise Unsatisfiable
    return part
