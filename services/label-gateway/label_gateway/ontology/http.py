"""The ontology, which every labeler may extend."""

from typing import Annotated

from fastapi import APIRouter, Depends, Response
from pydantic import BaseModel

from escolta.service import Platform
from label_gateway.ontology.classes import SoundClass, add_class, classes
from label_gateway.people.access import Access, Name
from label_gateway.people.labelers import Labeler


class NewClass(BaseModel):
    """A kind of sound that the ontology lacks."""

    name: Name


def add_routes(routes: APIRouter, on: Platform, access: Access) -> None:
    """/api/classes."""

    @routes.get("/api/classes", dependencies=[Depends(access.caller)])
    async def list_classes() -> list[SoundClass]:
        """Every class, in the ontology's order."""
        return await classes(on.catalog)

    @routes.post(
        "/api/classes", status_code=201, responses={200: {"model": SoundClass, "description": "It was there"}}
    )
    async def add_sound_class(
        new: NewClass, caller: Annotated[Labeler, Depends(access.caller)], response: Response
    ) -> SoundClass:
        """Add a class; one of that name that is there already is the answer, in capitals or not."""
        sound_class, added = await add_class(on.catalog, new.name, caller.labeler_id)
        response.status_code = 201 if added else 200
        return sound_class
