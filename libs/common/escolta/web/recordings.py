"""The bytes of a recording as an HTTP answer, for a player that may ask for a part of them."""

import asyncio
import re
from concurrent.futures import ThreadPoolExecutor
from typing import Annotated, Any

from fastapi import Depends, Header, Response

from escolta.audio.audible import audible
from escolta.errors import Rejected
from escolta.objects import Objects

AT_ONCE = 2
"""Recordings that are decoded at a time: each may take hundreds of megabytes."""

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
    """FastAPI dependency: which part of a recording the caller wants, and what the caller has already."""

    def __init__(
        self,
        part: Annotated[str, Header(alias="Range")] = "",
        if_range: Annotated[str, Header()] = "",
        if_none_match: Annotated[str, Header()] = "",
    ) -> None:
        self._part = part
        self._if_range = if_range
        self._if_none_match = if_none_match

    async def answer(self, objects: Objects, object_key: str, sha256: bytes) -> Response:
        """The recording in a form that browsers decode; whole, or the one part that `Range` asks for.

        These are the bytes that its node stored where browsers surely decode them.
        """
        headers = _headers(sha256)
        if headers["ETag"] in self._if_none_match:
            return Response(status_code=304, headers=headers)
        wanted = self._part if self._if_range in ("", headers["ETag"]) else ""
        stored = await objects.get(object_key)
        data, headers["Content-Type"] = await asyncio.get_running_loop().run_in_executor(
            _decoding, _form_of, stored
        )
        try:
            part = requested_part(wanted, len(data))
        except Unsatisfiable:
            return Response(status_code=416, headers={**headers, "Content-Range": f"bytes */{len(data)}"})
        if part is None:
            return Response(data, headers=headers)
        headers["Content-Range"] = f"bytes {part.start}-{part.stop - 1}/{len(data)}"
        return Response(data[part.start : part.stop], 206, headers)


WantedPart = Annotated[Wanted, Depends(Wanted)]


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
