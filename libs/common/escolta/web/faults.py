"""What an error answers over HTTP: a sentence, with the status that tells the caller what may help."""

import logging
from collections.abc import Mapping
from html import escape

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from escolta.errors import Misconfigured, Rejected, Transient, is_transient
from escolta.web.frame import page
from escolta.web.headers import HEADERS

log = logging.getLogger("escolta.web")
DEFECT = "Something went wrong here that is no fault of yours: the log of this service says what."
AWAY = "What this needs (the catalog, most often) does not answer just now: try again in a minute."


def add_faults(app: FastAPI) -> None:
    """400 for `Rejected`, 422 for a request that does not fit, 503 for what time or an operator mends.

    Anything else is a defect of ours: 500, and a traceback in the log.
    """
    app.add_exception_handler(RequestValidationError, _refuse_request)
    app.add_exception_handler(Rejected, _refuse(400))
    app.add_exception_handler(Transient, _refuse(503))
    app.add_exception_handler(Misconfigured, _refuse(503))
    app.add_exception_handler(Exception, _tell_of_a_defect)
    app.add_middleware(Away)


async def _refuse_request(request: Request, error: Exception) -> JSONResponse:
    """FastAPI's own answer, without the input: half a character in it could not be sent back."""
    assert isinstance(error, RequestValidationError)
    faults = [{name: fault[name] for name in ("type", "loc", "msg")} for fault in error.errors()]
    for fault in faults:
        fault["msg"] = fault["msg"].removeprefix("Value error, ")
    return JSONResponse({"detail": faults}, 422)


async def _tell_of_a_defect(request: Request, error: Exception) -> JSONResponse:
    """Outside of every middleware, so that it has the headers of every answer by itself."""
    return JSONResponse({"detail": DEFECT}, 500, HEADERS)


def _refuse(status: int):  # type: ignore[no-untyped-def]  # starlette's handler type
    async def answer(request: Request, error: Exception) -> Response:
        if status == 503:
            log.warning("%s %s: %s", request.method, request.url.path, error)
        return refusal(request, str(error), status)

    return answer


def refusal(
    asked: HTTPConnection, sentence: str, status: int, headers: Mapping[str, str] | None = None
) -> Response:
    """A refusal: as a page for somebody who opens one, as JSON for everything else that asks."""
    if "text/html" not in asked.headers.get("accept", ""):
        return JSONResponse({"detail": sentence}, status, dict(headers or {}))
    body = f"<h1>Not just now</h1><p>{escape(sentence)}</p>"
    answer = page("Not just now", body, nav=False, status=status)
    answer.headers.update(headers or {})
    return answer


class Away:
    """ASGI middleware: a driver's own error that time mends is 503 and a line in the log, not a traceback."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        begun = False

        async def sending(message: Message) -> None:
            nonlocal begun
            begun = True
            await send(message)

        try:
            await self._app(scope, receive, sending)
        except Exception as error:
            if scope["type"] != "http" or begun or not is_transient(error):
                raise
            log.warning("%s %s: %s: %s", scope["method"], scope["path"], type(error).__name__, error)
            await refusal(HTTPConnection(scope), AWAY, 503)(scope, receive, send)
