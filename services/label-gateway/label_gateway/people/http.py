"""Groups and labelers, for leads."""

from collections.abc import Awaitable, Callable
from typing import Annotated

from fastapi import APIRouter, Depends, HTTPException, Request, Response
from pydantic import AfterValidator, BaseModel, Field

from escolta.fields import Count, Word
from escolta.service import Platform
from label_gateway.people import labelers as people
from label_gateway.people.access import Access, Name, problems
from label_gateway.people.labelers import Group, Labeler, Role
from label_gateway.people.sign_in import SignInLink, new_link

LONGEST_BAT_USER = 50
"""What BAT takes."""


def _as_in_bat(name: str) -> str:
    if len(shown := name.strip()) < 1 or not shown.isprintable():
        raise ValueError("write the name as BAT shows it: one line, one character at least")
    return shown


BatUser = Annotated[Word, Field(max_length=LONGEST_BAT_USER), AfterValidator(_as_in_bat)]


class NewGroup(BaseModel):
    """A group to add."""

    name: Name


class NewLabeler(BaseModel):
    """A person to add; one without a group labels nothing."""

    name: Name
    role: Role = "labeler"
    group: Name | None = None


class LabelerState(BaseModel):
    """What can be changed of a person."""

    role: Role
    group: Name | None = Field(description="null: labels nothing")
    enabled: bool = Field(description="false: may not sign in, and nobody waits for this labeler")


class LabelsIn(BaseModel):
    """Where a person labels."""

    bat_user: BatUser | None = Field(
        description="their user name in BAT, as it is written there; null: they label on the page"
    )


def add_routes(
    routes: APIRouter, on: Platform, access: Access, *, changed: Callable[[], Awaitable[None]]
) -> None:
    """/api/groups and /api/labelers; every route wants a lead. `changed`: called when groups have changed."""
    leads = [Depends(access.lead)]
    Lead = Annotated[Labeler, Depends(access.lead)]  # a type
    no_such = problems({404: "There is no such labeler."})

    async def known(labeler_id: Count) -> Labeler:
        labeler = await people.labeler(on.catalog, labeler_id)
        if labeler is None:
            raise HTTPException(404, f"There is no labeler {labeler_id}.")
        return labeler

    @routes.post(
        "/api/groups",
        dependencies=leads,
        status_code=201,
        responses={200: {"model": Group, "description": "It was there"}},
    )
    async def add_group(new: NewGroup, response: Response) -> Group:
        """Add a group of labelers; one of that name that is there already is the answer."""
        group, added = await people.add_group(on.catalog, new.name)
        response.status_code = 201 if added else 200
        return group

    @routes.get("/api/labelers", dependencies=leads)
    async def list_labelers() -> list[Labeler]:
        """Everybody."""
        return await people.labelers(on.catalog)

    @routes.post(
        "/api/labelers",
        dependencies=leads,
        status_code=201,
        responses=problems({400: "There is no such group.", 409: "The name is taken."}),
    )
    async def add_labeler(new: NewLabeler, by: Lead) -> Labeler:
        """Add a person; a link for signing in is a second step."""
        try:
            added = await people.add_labeler(on.catalog, new.name, new.role, new.group, by)
        except people.NameTaken as error:
            raise HTTPException(409, str(error)) from None
        await changed()
        return added

    @routes.put(
        "/api/labelers/{labeler_id}",
        dependencies=leads,
        responses={**no_such, **problems({400: "There is no such group, or no lead would be left."})},
    )
    async def change_labeler(
        state: LabelerState, labeler: Annotated[Labeler, Depends(known)], by: Lead, request: Request
    ) -> Labeler:
        """Set a person's role and group, and whether the person may sign in at all.

        Whoever may not is signed out everywhere, at once here and within seconds by the other services.
        """
        after = labeler.model_copy(update=state.model_dump())
        after = await people.change_labeler(on.catalog, after, by)
        request.app.state.sessions.forget()
        await changed()
        return after

    @routes.put(
        "/api/labelers/{labeler_id}/bat-user",
        dependencies=leads,
        responses={**no_such, **problems({409: "Another labeler is that user."})},
    )
    async def set_bat_user(where: LabelsIn, labeler: Annotated[Labeler, Depends(known)], by: Lead) -> Labeler:
        """Say where a person labels: in BAT, as which user there, or on the page."""
        try:
            return await people.set_bat_user(on.catalog, labeler, where.bat_user, by)
        except people.NameTaken as error:
            raise HTTPException(409, str(error)) from None

    @routes.post("/api/labelers/{labeler_id}/link", dependencies=leads, responses=no_such)
    async def new_sign_in_link(labeler: Annotated[Labeler, Depends(known)], by: Lead) -> SignInLink:
        """Make a link with which this person signs in, once."""
        return SignInLink(url=await new_link(on, labeler, by))
