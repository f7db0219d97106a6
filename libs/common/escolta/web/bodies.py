"""How large a request may be: counted as it comes in, before anybody asks who sends it."""

from fastapi import HTTPException
from fastapi.responses import JSONResponse
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from escolta.fields import LARGEST_EVENT_BYTES

LARGEST_BODY_BYTES = LARGEST_EVENT_BYTES
"""The longest request asks for an iteration, as the longest event does."""
READ_ON_BYTES = 32 * LARGEST_BODY_BYTES
"""So much more is read and forgotten: a client that still sends would not read why it was refused."""
TOO_LARGE = f"The request has more than {LARGEST_BODY_BYTES} bytes: send less at a time."
CLOSE = {"Connection": "close"}


class BodyLimit:
    """ASGI middleware: 413 for a body that is too large, whether it says so first or is sent in chunks."""

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
        came = 0

        async def counted() -> Message:
            nonlocal came
            message = await receive()
            came += len(message.get("body", b""))
            if came > LARGEST_BODY_BYTES:
                if message.get("more_body"):
                    await _read_on(receive)
                raise HTTPException(413, TOO_LARGE, CLOSE)
            return message

        await self._app(scope, counted, send)


async def _read_on(receive: Receive) -> None:
    came, more = 0, True
    while more and came < READ_ON_BYTES:
        message = await receive()
        came, more = came + len(message.get("body", b"")), bool(message.get("more_body"))
