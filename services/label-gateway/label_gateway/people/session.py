"""Signing in and out, and the page for it, which alone is there for somebody who is not signed in."""

from typing import Annotated

from fastapi import APIRouter, Depends, HTTPException, Request, Response
from fastapi.responses import RedirectResponse
from pydantic import BaseModel, Field

from escolta.service import Platform
from escolta.web import Pages, Session, Sessions, Visitor
from label_gateway.people.access import Access, problems
from label_gateway.people.labelers import Labeler, Role
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


def add_routes(routes: APIRouter, on: Platform, access: Access) -> None:
    """/api/session, /sign-in, and / for whoever has no other address."""
    routes.include_router(pages.routes)

    @routes.post("/api/session", responses=problems({401: "The link is unknown, used or too old."}))
    async def sign_in(link: LinkToken, request: Request, response: Response) -> SignedIn:
        """Trade the token of a one-time link for a session."""
        session = await use_token(on, link.token)
        if session is None:
            raise HTTPException(401, "This link cannot be used (again): ask your lead for a new one.")
        token = _set_cookie(on, request.app.state.sessions, session, response)
        return SignedIn(token=token, name=session.name, role=session.role)

    @routes.delete("/api/session", status_code=204)
    async def sign_out(
        caller: Annotated[Labeler, Depends(access.caller)], request: Request, response: Response
    ) -> None:
        """Forget the cookie."""
        name = request.app.state.sessions.cookie
        response.delete_cookie(name, **_cookie_rules(on))  # type: ignore[arg-type]  # a dict of several types


@pages.routes.get("/")
async def home(who: Visitor) -> Response:
    return RedirectResponse("/label" if who else "/sign-in", 303)


@pages.routes.get("/sign-in")
async def sign_in_page(who: Visitor) -> Response:
    return pages.shown(who, "Sign in", "sign-in", nav=False)


def _set_cookie(on: Platform, sessions: Sessions, session: Session, response: Response) -> str:
    token = sessions.token(session)
    rules = _cookie_rules(on)
    response.set_cookie(sessions.cookie, token, max_age=sessions.max_age_s, **rules)  # type: ignore[arg-type]
    return token


def _cookie_rules(on: Platform) -> dict[str, object]:
    """No script reads it, no other site sends it, and over TLS it never travels without."""
    return {"httponly": True, "samesite": "strict", "secure": on.http_url.startswith("https://"), "path": "/"}
