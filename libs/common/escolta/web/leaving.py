"""A process that is about to stop: whoever asks is still answered, and asks the next time elsewhere."""

from fastapi import FastAPI
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send


def leave(app: FastAPI) -> None:
    """From now on `/readyz` says no, and each answer ends its connection."""
    app.state.leaving = True


def is_leaving(app: FastAPI) -> bool:
    """Whether the process has been told to stop."""
    return getattr(app.state, "leaving", False)


class Farewell:
    """ASGI middleware: while the process leaves, nobody keeps a connection to it for a further request."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start" and is_leaving(scope["app"]):
                MutableHeaders(scope=message)["connection"] = "close"
            await send(message)

        await self._app(scope, receive, sending)
