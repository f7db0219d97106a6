"""Sessions: a row of the catalog, and a signed cookie or bearer token that names it.

Any service checks the signature with the shared secret, and asks the catalog whether the session still holds
and what its labeler may do, so that what a lead changes counts everywhere within `FRESH_S`. Only
label-gateway makes and ends them.
"""

import asyncio
import hmac
import time
from collections import OrderedDict
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Annotated, Literal
from uuid import UUID

from fastapi import Depends, HTTPException, Request, Security
from fastapi.security import APIKeyCookie, HTTPAuthorizationCredentials, HTTPBearer
from itsdangerous import BadSignature, URLSafeSerializer
from starlette.requests import HTTPConnection

from escolta.service import Platform
from escolta.web.csrf import require_token, token_of

Role = Literal["labeler", "lead"]
NOBODY = 0
"""No labeler has this id: it stands for the installation itself, as a demo that asks its own services."""

FRESH_S = 5.0
"""So long a process takes the catalog's last word on a session."""
MOST_KEPT = 10_000
"""Sessions of which a process remembers that word; the longest unused is forgotten first."""

_bearer = HTTPBearer(auto_error=False, description="a session token, from POST /api/session")


class _Cookie(APIKeyCookie):
    async def __call__(self, request: HTTPConnection) -> str | None:
        return request.cookies.get(request.app.state.sessions.cookie)


_cookie = _Cookie(
    name="escolta_session",
    scheme_name="APIKeyCookie",
    auto_error=False,
    description="the same token, set by the sign-in page; what follows in its name is the installation's",
)


@dataclass(frozen=True)
class Session:
    """Who is signed in. `session_id`: the row; None for the installation itself.

    `csrf`: what a browser sends beside the cookie when it changes something.
    """

    session_id: UUID | None
    labeler_id: int
    name: str
    role: Role
    csrf: str = field(repr=False)


@dataclass(frozen=True)
class _Word:
    """What the catalog says of a session, and when it was asked."""

    session_id: UUID
    asked_at: float
    answer: asyncio.Task[Session | None]

    @property
    def holds(self) -> bool:
        failed = self.answer.done() and (self.answer.cancelled() or self.answer.exception() is not None)
        return not failed and time.monotonic() < self.asked_at + FRESH_S


class Sessions:
    """Makes and checks session tokens.

    `cookie` is the cookie's name, another one for every secret: browsers do not tell two installations on one
    host apart by their ports.
    """

    def __init__(self, on: Platform) -> None:
        assert on.settings.secret is not None, "cli.py fills in the secret"
        secret = on.settings.secret.get_secret_value()
        self._on, self._secret = on, secret
        self._signer = URLSafeSerializer(secret, salt="escolta.session-row")
        self._words: OrderedDict[str, _Word] = OrderedDict()
        self.cookie = f"escolta_session_{sha256(f'escolta.cookie {secret}'.encode()).hexdigest()[:8]}"

    def token(self, session_id: UUID) -> str:
        """What proves to every service that its holder may use this session."""
        return self._signer.dumps(session_id.hex)

    def csrf(self, session_id: UUID) -> str:
        """What its browser sends beside the cookie."""
        return token_of(self._secret, session_id.bytes)

    def token_in(self, asked: HTTPConnection) -> str:
        """The token that a request carries, as a bearer or a cookie; empty without one."""
        kind, _, bearer = asked.headers.get("authorization", "").partition(" ")
        return bearer if kind.lower() == "bearer" else asked.cookies.get(self.cookie, "")

    def is_own(self, token: str) -> bool:
        """Whether it is the installation itself that asks."""
        return hmac.compare_digest(token.encode(), self._on.own_token.encode())

    def signed(self, token: str) -> UUID | None:
        """The session that a token names, whether it holds or not; None for a token that is not ours."""
        if word := self._words.get(token):
            return word.session_id
        try:
            return UUID(self._signer.loads(token))
        except (BadSignature, ValueError, TypeError, AttributeError):
            return None

    def forget(self) -> None:
        """Ask the catalog again: sessions or people have changed."""
        self._words.clear()

    async def session(self, token: str) -> Session | None:
        """The session that `token` proves; None where it is forged, or the catalog says that it has ended.

        Raises what the driver raises while the catalog is away: nobody is signed out by that.
        """
        if self.is_own(token):
            return Session(None, NOBODY, "Escolta", "lead", csrf="")
        session_id = self.signed(token)
        if session_id is None:
            return None
        word = self._words.get(token)
        if word is None or not word.holds:
            word = _Word(session_id, time.monotonic(), asyncio.create_task(self._ask(session_id)))
            self._words[token] = word
        self._words.move_to_end(token)
        while len(self._words) > MOST_KEPT:
            self._words.popitem(last=False)
        return await asyncio.shield(word.answer)  # others wait for it too, when this caller goes away

    async def _ask(self, session_id: UUID) -> Session | None:
        if self._on.opened_catalog is None:
            return None
        row = await self._on.catalog.fetchrow(
            "SELECT session_id, labeler_id, l.name, l.role"
            " FROM label.sessions s JOIN audio.labelers l USING (labeler_id)"
            " WHERE session_id = $1 AND ends_at > $2 AND l.enabled",
            session_id,
            self._on.clock.now(),
        )
        return Session(**row, csrf=self.csrf(session_id)) if row else None


async def visitor(
    request: Request,
    bearer: Annotated[HTTPAuthorizationCredentials | None, Security(_bearer)] = None,
    cookie: Annotated[str | None, Security(_cookie)] = None,
) -> Session | None:
    """FastAPI dependency: the caller's session, if there is one.

    403 for a change by cookie that a page of another address may have asked for.
    """
    sessions: Sessions = request.app.state.sessions
    if bearer:
        return await sessions.session(bearer.credentials)
    session = await sessions.session(cookie) if cookie else None
    if session:
        require_token(request, session.csrf)
    return session


async def signed_in(session: Annotated[Session | None, Depends(visitor)]) -> Session:
    """FastAPI dependency: the caller's session, or 401."""
    if session is None:
        raise HTTPException(
            401, "You are not signed in: open your sign-in link, or ask your lead for a new one."
        )
    return session


async def lead(session: Annotated[Session, Depends(signed_in)]) -> Session:
    """FastAPI dependency: the session of a lead, or 403."""
    if session.role != "lead":
        raise HTTPException(403, "Only a lead may do this.")
    return session
