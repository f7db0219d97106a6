"""A person's own devices and tokens: made, listed and ended by them; with the page."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Body, Depends, HTTPException, Request, Response
from pydantic import BaseModel, Field

from escolta.errors import Rejected
from escolta.service import Platform
from escolta.web import NOBODY, Pages, Session, Visitor, signed_in
from label_gateway.audit.log import note
from label_gateway.people.access import Access, Name, problems
from label_gateway.people.labelers import Labeler
from label_gateway.people.session import SignedIn, forget
from label_gateway.people.session_rows import (
    SessionRow,
    add_session,
    end_session,
    end_sessions,
    sessions_of,
)
from label_gateway.people.sign_in import SignInLink, new_link

pages = Pages("label_gateway.people", "/account", "the signed in")


class NewToken(BaseModel):
    """What a token is called in the list."""

    name: Name = "A program"


class MySession(SessionRow):
    """A device or token of the caller."""

    current: bool = Field(description="the caller asks by this one")


def add_routes(routes: APIRouter, on: Platform, access: Access) -> None:
    """/api/me/link, /api/me/token, /api/me/sessions and /account."""
    routes.include_router(pages.routes)

    async def person(caller: Annotated[Labeler, Depends(access.caller)]) -> Labeler:
        if caller.labeler_id == NOBODY:
            raise Rejected("This session belongs to a program of the installation: it has no account.")
        return caller

    @routes.post("/api/me/link")
    async def link_for_another_device(me: Annotated[Labeler, Depends(person)]) -> SignInLink:
        """Make a link with which I sign in once more, on another device."""
        return SignInLink(url=await new_link(on, me, by=me))

    @routes.post("/api/me/token")
    async def token_for_the_api(
        me: Annotated[Labeler, Depends(person)],
        request: Request,
        new: Annotated[NewToken, Body()] = NewToken(),  # noqa: B008  # it is never changed
    ) -> SignedIn:
        """Make a token with which a program of mine calls this API as me."""
        async with on.catalog.acquire() as db, db.transaction():
            session_id = await add_session(db, on, me.labeler_id, "token", new.name)
            await note(db, me, "made a token", new.name)
        return SignedIn(token=request.app.state.sessions.token(session_id), name=me.name, role=me.role)

    @routes.get("/api/me/sessions")
    async def my_sessions(
        me: Annotated[Labeler, Depends(person)], session: Annotated[Session, Depends(signed_in)]
    ) -> list[MySession]:
        """Where I am signed in, and my tokens, the newest first."""
        rows = await sessions_of(on, me.labeler_id)
        return [MySession(**row.model_dump(), current=row.session_id == session.session_id) for row in rows]

    @routes.delete(
        "/api/me/sessions/{session_id}",
        status_code=204,
        responses=problems({404: "I have no such session."}),
    )
    async def end_one(session_id: UUID, me: Annotated[Labeler, Depends(person)], request: Request) -> None:
        """Sign out one device of mine, or end a token."""
        async with on.catalog.acquire() as db, db.transaction():
            name = await end_session(db, me.labeler_id, session_id)
            if name is None:
                raise HTTPException(404, "You have no such session: it may have ended already.")
            await note(db, me, "ended a session", name)
        request.app.state.sessions.forget()

    @routes.delete("/api/me/sessions", status_code=204)
    async def end_all(me: Annotated[Labeler, Depends(person)], request: Request, response: Response) -> None:
        """Sign out everywhere: this device and every other, and end all of my tokens."""
        async with on.catalog.acquire() as db, db.transaction():
            ended = await end_sessions(db, me.labeler_id)
            await note(db, me, "signed out everywhere", ", ".join(ended))
        forget(on, request.app.state.sessions, response)


@pages.routes.get("/account")
async def account_page(who: Visitor) -> Response:
    return pages.shown(who, "Your account", "account")
