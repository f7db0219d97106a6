"""Signing in and out, and the page for it, which alone is there for somebody who is not signed in."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Header, HTTPException, Request, Response
from fastapi.responses import RedirectResponse
from prometheus_client import Counter
from pydantic import BaseModel, Field

from escolta.service import Platform
from escolta.web import Pages, Session, Sessions, Visitor, csrf, signed_in
from label_gateway.audit.log import note
from label_gateway.people.access import problems
from label_gateway.people.labelers import Role
from label_gateway.people.session_rows import add_session, called, end_session
from label_gateway.people.sign_in import use_token

pages = Pages("label_gateway.people", "/sign-in", "anybody")


class LinkToken(BaseModel):
    """What follows the # of a sign-in link."""

    token: str = Field(max_length=200)


class SignedIn(BaseModel):
    """A session; its token goes into the header `Authorization: Bearer …` of a client without cookies."""

    token: str
    name: str
    role: Role


def add_routes(routes: APIRouter, on: Platform) -> None:
    """/api/session, /sign-in, and / for whoever has no other address."""
    routes.include_router(pages.routes)
    sign_ins = Counter(
        "escolta_sign_ins", "Attempts to sign in by a link, by outcome", ["outcome"], registry=on.metrics
    )
    signed_in_, refused = (sign_ins.labels(outcome) for outcome in ("signed_in", "refused"))

    @routes.post("/api/session", responses=problems({401: "The link is unknown, used or too old."}))
    async def sign_in(
        link: LinkToken,
        request: Request,
        response: Response,
        user_agent: Annotated[str, Header()] = "",
    ) -> SignedIn:
        """Trade the token of a one-time link for a session."""
        async with on.catalog.acquire() as db, db.transaction():
            person = await use_token(db, on.clock.now(), link.token)
            if person is None:
                refused.inc()
                raise HTTPException(401, "This link cannot be used (again): ask your lead for a new one.")
            device = called(user_agent)
            session_id = await add_session(db, on, person.labeler_id, "browser", device)
            await note(db, person, "signed in", device)
        signed_in_.inc()
        sessions: Sessions = request.app.state.sessions
        token = _set_cookie(on, sessions, session_id, response)
        response.headers[csrf.HEADER] = sessions.csrf(session_id)
        return SignedIn(token=token, name=person.name, role=person.role)

    @routes.delete("/api/session", status_code=204)
    async def sign_out(
        session: Annotated[Session, Depends(signed_in)], request: Request, response: Response
    ) -> None:
        """End this session, and forget the cookie."""
        if session.session_id:
            async with on.catalog.acquire() as db, db.transaction():
                device = await end_session(db, session.labeler_id, session.session_id)
                await note(db, session, "signed out", device or "")
        forget(on, request.app.state.sessions, response)


@pages.routes.get("/")
async def home(who: Visitor) -> Response:
    return RedirectResponse("/label" if who else "/sign-in", 303)


@pages.routes.get("/sign-in")
async def sign_in_page(who: Visitor) -> Response:
    return pages.shown(who, "Sign in", "sign-in", nav=False)


def forget(on: Platform, sessions: Sessions, response: Response) -> None:
    """Let the browser lose its cookie, and this process what it remembers of sessions."""
    sessions.forget()
    response.delete_cookie(sessions.cookie, **_cookie_rules(on))  # type: ignore[arg-type]  # a dict of several types


def _set_cookie(on: Platform, sessions: Sessions, session_id: UUID, response: Response) -> str:
    token, max_age_s = sessions.token(session_id), int(on.settings.session_days * 86_400)
    rules = _cookie_rules(on)
    response.set_cookie(sessions.cookie, token, max_age=max_age_s, **rules)  # type: ignore[arg-type]
    return token


def _cookie_rules(on: Platform) -> dict[str, object]:
    """No script reads it, no other site sends it, and over TLS it never travels without."""
    return {"httponly": True, "samesite": "strict", "secure": on.http_url.startswith("https://"), "path": "/"}
