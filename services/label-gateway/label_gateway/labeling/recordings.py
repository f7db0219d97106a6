"""The bytes of an audio, for those who have to hear it."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, HTTPException, Response

from escolta.service import Platform
from escolta.web.recordings import ANSWERS, Recordings, WantedPart
from label_gateway.labeling import tasks
from label_gateway.people.access import Access, problems
from label_gateway.people.labelers import Labeler


def add_routes(routes: APIRouter, on: Platform, access: Access) -> None:
    """/api/audio/{audio_id}."""
    recordings = Recordings(on.objects)

    @routes.get(
        "/api/audio/{audio_id}",
        response_class=Response,
        responses=ANSWERS
        | problems(
            {
                403: "The audio is not for the caller's group.",
                404: "There is no such audio, or its node withholds it.",
            }
        ),
    )
    async def audio_bytes(
        audio_id: UUID, caller: Annotated[Labeler, Depends(access.caller)], wanted: WantedPart
    ) -> Response:
        """The recording, in a form that browsers decode; whole, or the one part that `Range` asks for."""
        if caller.role != "lead" and not await tasks.may_hear(on.catalog, caller.labeler_id, audio_id):
            raise HTTPException(403, "This audio is not for your group.")
        stored = await tasks.stored_audio(on.catalog, audio_id)
        if stored is None:
            raise HTTPException(404, f"There is no audio {audio_id} that may be heard.")
        return await recordings.answer(wanted, stored.object_key, stored.sha256)
