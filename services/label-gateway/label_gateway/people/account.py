"""What a person makes for their own use: a link for another device, a token for programs; with the page."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response

from escolta.errors import Rejected
from escolta.service import Platform
from escolta.web import Pages, Session, Visitor
from label_gateway.people.access import NOBODY, Access
from label_gateway.people.labelers import Labeler
from label_gateway.people.session import SignedIn
from label_gateway.people.sign_in import SignInLink, new_link

pages = Pages("label_gateway.people", "/account", "the signed in")


def add_routes(routes: APIRouter, on: Platform, access: Access) -> None:
    """/api/me/link, /api/me/token and /account."""
    routes.include_router(pages.routes)

    def person(caller: Annotated[Labeler, Depends(access.caller)]) -> Labeler:
        if caller.labeler_id == NOBODY:
            raise Rejected("This session belongs to a program of the installation: it has no account.")
        return caller

    @routes.post("/api/me/link")
    async def link_for_another_device(me: Annotated[Labeler, Depends(person)]) -> SignInLink:
        """Make a link with which I sign in once more, on another device."""
        return SignInLink(url=await new_link(on, me.labeler_id))

    @routes.post("/api/me/token")
    async def token_for_the_api(me: Annotated[Labeler, Depends(person)], request: Request) -> SignedIn:
        """Make a token with which a program of mine calls this API as me."""
        session = Session(labeler_id=me.labeler_id, name=me.name, role=me.role)
        return SignedIn(token=request.app.state.sessions.token(session), name=me.name, role=me.role)


@pages.routes.get("/account")
async def account_page(who: Visitor) -> Response:
    return pages.shown(who, "Your account", "account")
