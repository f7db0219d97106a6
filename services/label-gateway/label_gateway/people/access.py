"""Who calls, and what that caller may do."""

from collections.abc import Awaitable, Callable
from typing import Annotated, Any

from fastapi import Depends, HTTPException
from pydantic import AfterValidator, BaseModel

from escolta.fields import Word
from escolta.names import tidy_name
from escolta.service import Platform
from escolta.web import NOBODY, Session, signed_in
from label_gateway.people import labelers as people
from label_gateway.people.labelers import Labeler


class Problem(BaseModel):
    """What went wrong, for the person who will read it."""

    detail: str


def problems(when: dict[int, str]) -> dict[int | str, dict[str, Any]]:
    """What the API document says of a route's answers: status -> when."""
    return {status: {"model": Problem, "description": words} for status, words in when.items()}


Name = Annotated[Word, AfterValidator(tidy_name)]


class Access:
    """FastAPI dependencies: `caller`, the labeler who calls, or 401; `lead`, the same if a lead, or 403.

    They ask the catalog: an answer must not go to a group that its labeler has just left.
    """

    caller: Callable[..., Awaitable[Labeler]]
    lead: Callable[..., Awaitable[Labeler]]

    def __init__(self, on: Platform) -> None:
        async def caller(session: Annotated[Session, Depends(signed_in)]) -> Labeler:
            if session.labeler_id == NOBODY:
                return Labeler(
                    labeler_id=NOBODY, name=session.name, role=session.role, group=None, enabled=True
                )
            labeler = await people.labeler(on.catalog, session.labeler_id)
            if labeler is None or not labeler.enabled:
                raise HTTPException(401, "You can no longer sign in here: ask your lead.")
            return labeler

        async def lead(caller: Annotated[Labeler, Depends(caller)]) -> Labeler:
            if caller.role != "lead":
                raise HTTPException(403, "Only a lead may do this.")
            return caller

        self.caller, self.lead = caller, lead
