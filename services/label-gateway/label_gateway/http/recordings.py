"""The bytes of an audio, for a player that may ask for a part of them."""

import re
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Header, HTTPException, Response

from escolta.service import Platform
from label_gateway import tasks
from label_gateway.http.access import Access, problems
from label_gateway.people import Labeler

MEDIA_TYPES = {"wav": "audio/wav", "flac": "audio/flac", "ogg": "audio/ogg"}
_ONE_RANGE = re.compile(r"bytes=(\d{0,18})-(\d{0,18})", re.ASCII)

SOUND = {"content": {"audio/*": {"schema": {"type": "string", "format": "binary"}}}}


class Unsatisfiable(ValueError):
    """Raised when a range begins after the end."""


def add_routes(routes: APIRouter, on: Platform, access: Access) -> None:
    """/api/audio/{audio_id}."""

    @routes.get(
        "/api/audio/{audio_id}",
        response_class=Response,
        responses={
            200: {"description": "The whole recording", **SOUND},
            206: {"description": "The part that `Range` asks for", **SOUND},
            304: {"description": "The caller has it already"},
            416: {"description": "`Range` begins after the end"},
            **problems({403: "The audio is not for the caller's group.", 404: "There is no such audio."}),
        },
    )
    async def audio_bytes(
        audio_id: UUID,
        caller: Annotated[Labeler, Depends(access.caller)],
        wanted: Annotated[str, Header(alias="Range")] = "",
        if_range: Annotated[str, Header()] = "",
        if_none_match: Annotated[str, Header()] = "",
    ) -> Response:
        """The recording, as its node stored it; whole, or the one part that `Range` asks for."""
        if caller.role != "lead" and not await tasks.may_hear(on.catalog, caller.labeler_id, audio_id):
            raise HTTPException(403, "This audio is not for your group.")
        stored = await tasks.stored_audio(on.catalog, audio_id)
        if stored is None:
            raise HTTPException(404, f"There is no audio {audio_id}.")
        headers = _headers(stored)
        if headers["ETag"] in if_none_match:
            return Response(status_code=304, headers=headers)
        if if_range not in ("", headers["ETag"]):
            wanted = ""
        return _answer(await on.objects.get(stored.object_key), wanted, headers)


def _headers(stored: tasks.StoredAudio) -> dict[str, str]:
    extension = stored.object_key.rpartition(".")[2].lower()
    return {
        "Content-Type": MEDIA_TYPES.get(extension, "application/octet-stream"),
        "ETag": f'"{stored.sha256.hex()}"',
        # Nobody changes a recording; only the browser that asked may keep it.
        "Cache-Control": "private, max-age=86400, immutable",
        "Accept-Ranges": "bytes",
        "X-Content-Type-Options": "nosniff",
    }


def _answer(data: bytes, wanted: str, headers: dict[str, str]) -> Response:
    try:
        part = requested_part(wanted, len(data))
    except Unsatisfiable:
        return Response(status_code=416, headers={**headers, "Content-Range": f"bytes */{len(data)}"})
    if part is None:
        return Response(data, headers=headers)
    headers["Content-Range"] = f"bytes {part.start}-{part.stop - 1}/{len(data)}"
    return Response(data[part.start : part.stop], 206, headers)


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
