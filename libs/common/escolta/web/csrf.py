"""What a page of ours sends that a page of somebody else cannot: the address it came from, and a token.

A browser sends our cookie with whatever asks it to. `SameSite=Strict` keeps other sites out; this keeps them
out where an old browser, or a neighbor under the same site, does not. A bearer token is sent by its holder
alone, so programs that use one need neither.
"""

import hmac
from urllib.parse import urlsplit

from fastapi import HTTPException
from fastapi.responses import JSONResponse
from starlette.datastructures import Headers
from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Receive, Scope, Send

HEADER = "X-Escolta-CSRF"
SAFE = ("GET", "HEAD", "OPTIONS")
"""Methods that change nothing."""
OURS = ("same-origin", "none")
"""What a browser says of a request (`Sec-Fetch-Site`) that a page of ours made, or a person by hand."""
FOREIGN = "This request comes from a page of another address: nothing was changed."
MISSING = f"Send the header {HEADER} of this session, as the pages do; the answer to this request has it."


def token_of(secret: str, session_id: bytes) -> str:
    """What the pages of a session send. It opens nothing without the session's cookie."""
    return hmac.new(secret.encode(), b"escolta.csrf " + session_id, "sha256").hexdigest()[:32]


def require_token(request: HTTPConnection, token: str) -> None:
    """Raises 403 for a request by cookie that changes something and does not carry the session's `token`.

    The refusal names the token, which a page of another address cannot read: a page that was open while
    somebody signed in anew goes on.
    """
    sent = request.headers.get(HEADER, "")
    if request.scope["method"] in SAFE or (token and hmac.compare_digest(sent.encode(), token.encode())):
        return
    raise HTTPException(403, MISSING, {HEADER: token})


class SameOrigin:
    """ASGI middleware: 403 for a change that a browser says comes from elsewhere.

    Signing in is among them: nobody is signed in as somebody else unawares.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["method"] not in SAFE and _is_foreign(Headers(scope=scope)):
            await JSONResponse({"detail": FOREIGN}, 403)(scope, receive, send)
        else:
            await self._app(scope, receive, send)


def _is_foreign(headers: Headers) -> bool:
    if headers.get("authorization"):
        return False
    if headers.get("sec-fetch-site", "none") not in OURS:
        return True
    origin = headers.get("origin")
    return origin is not None and _host(origin) != headers.get("host", "").lower()


def _host(origin: str) -> str:
    """Host and port of an `Origin`; "null", which stands for a page that hides its own, has none."""
    try:
        return urlsplit(origin).netloc.lower()
    except ValueError:
        return ""
