"""Sessions: a signed cookie for browsers, the same token as a bearer for other clients.

Any service can check a token with the shared secret alone; only label-gateway hands tokens out.
"""

from hashlib import sha256
from typing import Annotated, Literal

from fastapi import Depends, HTTPException, Request, Security
from fastapi.security import APIKeyCookie, HTTPAuthorizationCredentials, HTTPBearer
from itsdangerous import BadSignature, URLSafeTimedSerializer
from pydantic import BaseModel, ValidationError
from starlette.requests import HTTPConnection

from escolta.settings import Settings

Role = Literal["labeler", "lead"]
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


class Session(BaseModel):
    """Who is signed in."""

    labeler_id: int
    name: str
    role: Role


class Sessions:
    """Makes and checks session tokens; they last `session_days`.

    `cookie` is the cookie's name, another one for every secret: browsers do not tell two installations on one
    host apart by their ports.
    """

    def __init__(self, settings: Settings) -> None:
        assert settings.secret is not None, "cli.py fills in the secret"
        secret = settings.secret.get_secret_value()
        self._signer = URLSafeTimedSerializer(secret, salt="escolta.session")
        self.cookie = f"escolta_session_{sha256(f'escolta.cookie {secret}'.encode()).hexdigest()[:8]}"
        self.max_age_s = int(settings.session_days * 86_400)

    def token(self, session: Session) -> str:
        """A token that proves `session` to every service."""
        return self._signer.dumps(session.model_dump())

    def session(self, token: str) -> Session | None:
        """The session that `token` proves; None for a token that is forged, spoiled or too old."""
        try:
            return Session.model_validate(self._signer.loads(token, max_age=self.max_age_s))
        except (BadSignature, ValidationError):
            return None


def visitor(
    request: Request,
    bearer: Annotated[HTTPAuthorizationCredentials | None, Security(_bearer)] = None,
    cookie: Annotated[str | None, Security(_cookie)] = None,
) -> Session | None:
    """FastAPI dependency: the caller's session, if there is one."""
    token = bearer.credentials if bearer else cookie
    return request.app.state.sessions.session(token) if token else None


def signed_in(session: Annotated[Session | None, Depends(visitor)]) -> Session:
    """FastAPI dependency: the caller's session, or 401."""
    if session is None:
        raise HTTPException(
            401, "You are not signed in: open your sign-in link, or ask your lead for a new one."
        )
    return session


def lead(session: Annotated[Session, Depends(signed_in)]) -> Session:
    """FastAPI dependency: the session of a lead, or 403."""
    if session.role != "lead":
        raise HTTPException(403, "Only a lead may do this.")
    return session
