"""How large and how slow a request may be: measured as it comes in, before anybody asks who sends it."""

import asyncio
import contextlib

from fastapi import HTTPException
from fastapi.responses import JSONResponse
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from escolta.fields import LARGEST_EVENT_BYTES

LARGEST_BODY_BYTES = LARGEST_EVENT_BYTES
"""The longest request asks for an iteration, as the longest event does."""
BODY_S = 20.0
"""So long a request has to bring its body."""
READ_ON_BYTES = 32 * LARGEST_BODY_BYTES
"""So much more is read and forgotten: a client that still sends would not read why it was refused."""
TOO_SLOW = f"The request did not come to its end within {BODY_S:.0f} s: send it again."
TOO_LARGE = f"The request has more than {LARGEST_BODY_BYTES} bytes: send less at a time."
CLOSE = {"Connection": "close"}


class BodyLimit:
    """ASGI middleware: 413 for a body that is too large, whether it says so first or is sent in chunks.

    408 for one that does not come to its end.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        declared = Headers(scope=scope).get("content-length", "")
        if declared.isdecimal() and int(declared[:20]) > LARGEST_BODY_BYTES:
            await _read_on(receive)
            await JSONResponse({"detail": TOO_LARGE}, 413, CLOSE)(scope, receive, send)
            return
        came, more, ends_at = 0, True, 0.0

        async def counted() -> Message:
            nonlocal came, more, ends_at
            ends_at = ends_at or asyncio.get_running_loop().time() + BODY_S
            message = await _by(ends_at, receive) if more else await receive()
            came, more = came + len(message.get("body", b"")), bool(message.get("more_body"))
            if came > LARGEST_BODY_BYTES:
                if more:
                    await _read_on(receive)
                raise HTTPException(413, TOO_LARGE, CLOSE)
            return message

        await self._app(scope, counted, send)


async def _by(ends_at: float, receive: Receive) -> Message:
    try:
        async with asyncio.timeout_at(ends_at):
            return await receive()
    except TimeoutError:
        raise HTTPException(408, TOO_SLOW, CLOSE) from None


async def _read_on(receive: Receive) -> None:
    came, more = 0, True
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(BODY_S):
            while more and came < READ_ON_BYTES:
                message = await receive()
                came, more = came + len(message.get("body", b"")), bool(message.get("more_body"))
