"""Who calls, what that labeler hears next, and what the labeler says of it, with the page for it."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, HTTPException, Query, Response
from pydantic import BaseModel, Field, FiniteFloat

from escolta.listening.agreement import Marked
from escolta.service import Platform
from escolta.web import Pages, Visitor
from label_gateway.batches.handlers import Batches
from label_gateway.batches.store import BatchAudio
from label_gateway.labeling import tasks
from label_gateway.labeling.last import LastAudio, last_audios
from label_gateway.labeling.submissions import MOST_EVENTS, AlreadySettled, NotAssigned, submit
from label_gateway.people.access import Access, problems
from label_gateway.people.labelers import Labeler, Role

pages = Pages("label_gateway.labeling", "/label", "the signed in")


class Me(tasks.Workload):
    """The caller."""

    labeler_id: int
    name: str
    role: Role
    group: str | None
    bat: bool = Field(description="whether this installation has a BAT, where labelers may label as well")


class MarkedEvent(BaseModel):
    """One sound in an audio, in seconds from the audio's start."""

    class_id: int = Field(ge=1, lt=2**31)
    onset_s: FiniteFloat = Field(ge=0)
    offset_s: FiniteFloat = Field(ge=0)


class Submission(BaseModel):
    """All that a labeler says of an audio; no events: there is nothing to label."""

    events: list[MarkedEvent] = Field(max_length=MOST_EVENTS)
    suggestions_shown: bool = Field(False, description="whether I saw the classes suggested for it")


def add_routes(routes: APIRouter, on: Platform, access: Access, batches: Batches) -> None:
    """/api/me, /api/tasks and /label."""
    routes.include_router(pages.routes)

    @routes.get("/api/me")
    async def me(caller: Annotated[Labeler, Depends(access.caller)]) -> Me:
        """Who I am, and how much I have to do."""
        load = await tasks.workload(on.catalog, caller.labeler_id)
        return Me(**caller.model_dump(), **load.model_dump(), bat=bool(on.settings.bat_url))

    @routes.get("/api/tasks")
    async def my_next_tasks(
        caller: Annotated[Labeler, Depends(access.caller)],
        limit: Annotated[int, Query(ge=1, le=500)] = 2,
    ) -> list[tasks.Task]:
        """The audios that I hear next, in order; the second is there to be fetched in advance."""
        return await tasks.next_tasks(on.catalog, caller.labeler_id, limit)

    @routes.get("/api/tasks/last")
    async def my_last_audios(
        caller: Annotated[Labeler, Depends(access.caller)],
        limit: Annotated[int, Query(ge=1, le=100)] = 20,
    ) -> list[LastAudio]:
        """What I said of the audios that I labeled last in open batches, the newest first.

        Those that are not settled may be labeled again.
        """
        return await last_audios(on.catalog, caller.labeler_id, limit)

    @routes.put(
        "/api/tasks/{iteration_id}/{audio_id}",
        responses=problems(
            {
                400: "An event does not fit into the audio, or its class is unknown.",
                403: "The audio is not for the caller's group.",
                409: "The group is done with the audio, and this is not what the caller said before.",
            }
        ),
    )
    async def submit_labels(
        iteration_id: UUID,
        audio_id: UUID,
        submission: Submission,
        caller: Annotated[Labeler, Depends(access.caller)],
    ) -> tasks.Workload:
        """Say what is in an audio, in place of what I said before. Repeating it changes nothing."""
        events = [Marked(caller.labeler_id, **event.model_dump()) for event in submission.events]
        try:
            audio = BatchAudio(iteration_id, audio_id)
            await submit(on, batches, caller, audio, events, submission.suggestions_shown)
        except NotAssigned as error:
            raise HTTPException(403, str(error)) from None
        except AlreadySettled as error:
            raise HTTPException(409, str(error)) from None
        return await tasks.workload(on.catalog, caller.labeler_id)


@pages.routes.get("/label")
async def label_page(who: Visitor) -> Response:
    return pages.shown(who, "Label", "label")
