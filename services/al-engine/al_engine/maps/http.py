"""The inspection pages, for leads: every iteration with its figures, and one of them as a map."""

import asyncio
import gzip
from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, Header, HTTPException, Response
from pydantic import BaseModel, Field

from al_engine.maps import store as map_store
from al_engine.maps.drawing import Maps
from al_engine.maps.points import Points, Role, encode
from al_engine.maps.store import Drawable
from escolta.service import Platform
from escolta.web import Pages, Visitor, lead
from escolta.web.recordings import ANSWERS, Recordings, WantedPart

pages = Pages("al_engine", "/iterations", "leads")
BINARY: dict[int | str, dict[str, Any]] = {
    200: {"content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}}}
}


class MapState(BaseModel):
    """How far the map of an iteration is."""

    stage: Literal[
        "not asked for",
        "waiting",
        "loading",
        "comparing",
        "preparing",
        "fitting",
        "placing",
        "drawn",
        "failed",
    ]
    share_done: float | None = Field(None, ge=0, le=1, description="of the stage; null: nobody can tell")
    problem: str | None = Field(None, description="why it failed")
    points: int | None = Field(None, description="audios on the map, once it is drawn")


class Audios(BaseModel):
    """Audios to describe."""

    audio_ids: list[UUID] = Field(max_length=1000)


class TaggedClass(BaseModel):
    """What the pretrained tagger says of an audio."""

    name: str
    probability: float


class DescribedAudio(BaseModel):
    """An audio of the map."""

    audio_id: UUID
    start_utc: datetime
    node: str
    file_name: str
    duration_s: float
    channels_heard: str | None = Field(description="which channels are heard, and why; none: all")
    tagger: list[TaggedClass] = Field(description="the most probable classes, best first")
    label: str | None = Field(description="the agreed class; none: not labeled, or not agreed on")
    labelers: int | None
    agreement_percent: float | None


def router(on: Platform, maps: Maps) -> APIRouter:
    """The routes; every one of them wants the session of a lead."""
    routes = APIRouter()
    routes.include_router(_api(on, maps))
    routes.include_router(pages.routes)
    return routes


def _api(on: Platform, maps: Maps) -> APIRouter:
    api = APIRouter(prefix="/api/iterations", tags=["al-engine"], dependencies=[Depends(lead)])
    recordings = Recordings(on.objects)

    async def drawable(iteration_id: UUID) -> Drawable:
        found = await map_store.drawable(on.catalog, iteration_id)
        if found is None:
            raise HTTPException(404, f"There is no iteration {iteration_id} that has run.")
        return found

    Shown = Annotated[Drawable, Depends(drawable)]

    async def state(iteration_id: UUID) -> MapState:
        row = await map_store.state(on.catalog, iteration_id)
        return _state(dict(row)) if row else MapState(stage="not asked for")

    @api.get("/{iteration_id}/map")
    async def map_state(shown: Shown) -> MapState:
        """How far the map is."""
        return await state(shown.iteration_id)

    @api.post("/{iteration_id}/map", status_code=202)
    async def request_map(shown: Shown) -> MapState:
        """Ask for the map; it is fitted once a model and window, and kept."""
        await maps.request(shown.iteration_id)
        return await state(shown.iteration_id)

    @api.get("/{iteration_id}/map/points", response_class=Response, responses=BINARY)
    async def map_points(shown: Shown, accept_encoding: Annotated[str, Header()] = "") -> Response:
        """Every point of the map, in bytes that `map_points.py` describes."""
        points = await _points(on, shown)
        facts = {"audios": shown.audios, "blind": shown.blind}
        body = await asyncio.to_thread(encode, points, shown.class_names, facts)
        headers = {"Cache-Control": "private, no-cache", "Vary": "Accept-Encoding"}
        if "gzip" in accept_encoding:
            headers["Content-Encoding"] = "gzip"
            body = await asyncio.to_thread(gzip.compress, body, 4)
        return Response(body, media_type="application/octet-stream", headers=headers)

    @api.post("/{iteration_id}/map/audios")
    async def describe_audios(shown: Shown, wanted: Audios) -> list[DescribedAudio]:
        """What is known of audios, in the order in which they are named."""
        rows = await map_store.described(on.catalog, shown, wanted.audio_ids)
        found = {row["audio_id"]: _described(dict(row), shown.class_names) for row in rows}
        return [found[audio_id] for audio_id in wanted.audio_ids if audio_id in found]

    @api.get("/audio/{audio_id}", response_class=Response, responses=ANSWERS)
    async def audio_of_map(audio_id: UUID, wanted: WantedPart) -> Response:
        """The recording, in a form that browsers decode; whole, or the one part that `Range` asks for."""
        stored = await map_store.stored_audio(on.catalog, audio_id)
        if stored is None:
            raise HTTPException(404, f"There is no audio {audio_id} that may be heard.")
        return await recordings.answer(wanted, stored["object_key"], stored["sha256"])

    return api


def _state(row: dict) -> MapState:
    stage = row["stage"] or "waiting" if row["status"] == "requested" else row["status"]
    counted = row["stage_total"] and stage in ("comparing", "fitting")
    share_done = row["stage_done"] / row["stage_total"] if counted else None
    return MapState(stage=stage, share_done=share_done, problem=row["failure"], points=row["points"])


async def _points(on: Platform, shown: Drawable) -> Points:
    row = await map_store.drawn(on.catalog, shown.iteration_id)
    made = await map_store.find(on.catalog, row["map_id"]) if row else None
    if row is None or made is None:
        raise HTTPException(409, "The map is not drawn yet: ask for it first.")
    audio_ids = made.audio_ids[: row["points"]]
    roles = {
        entry["audio_id"]: Role(
            entry["proposed"],
            entry["medoid"],
            None if shown.blind else entry["disjoint_set"],
            entry["label"],
        )
        for entry in await map_store.roles_of(on.catalog, shown, audio_ids)
    }
    return Points(
        audio_ids,
        made.coordinates[: row["points"]],
        made.top_classes[: row["points"]],
        map_store.numbers(row["sets"]),
        roles,
    )


def _described(row: dict, class_names: list[str]) -> DescribedAudio:
    classes, probabilities = row.pop("top_classes") or [], row.pop("top_probabilities") or []
    tagger = [
        TaggedClass(name=class_names[number], probability=probability)
        for number, probability in zip(classes, probabilities, strict=True)
    ]
    return DescribedAudio(**row, tagger=tagger)


@pages.routes.get("/iterations")
async def iterations_page(who: Visitor) -> Response:
    return pages.shown(who, "Iterations", "iterations")


@pages.routes.get("/iterations/{iteration_id}")
async def iteration_page(iteration_id: UUID, who: Visitor) -> Response:
    return pages.shown(who, "Iteration", "iteration")
