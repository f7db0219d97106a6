"""ingest over HTTP, for leads: how far it is, the nodes, the quarantine list, and pages for both."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Response
from pydantic import BaseModel, Field

from escolta.service import Platform
from escolta.web import Pages, Visitor, lead
from ingest import held, speech_policy, store
from ingest.speech_policy import Policy

pages = Pages("ingest", "/quarantine", "leads")


class NodeState(BaseModel):
    """A node as the catalog sees it; what the node says of itself is null until it says it."""

    name: str
    audios: int
    spooled: int | None = Field(description="audios that wait in the node's spool")
    source_done: bool | None = Field(description="the node will record nothing more")
    last_seen: datetime | None
    source: str | None = Field(description="what the node's source holds, in a sentence")


class HeldAtNode(BaseModel):
    """What waits at a node, and goes through by itself once what the reason says is done."""

    node: str
    kind: Literal["unknown_node", "clock", "policy"]
    audios: int = Field(description="at least so many wait")
    first_at: datetime
    last_at: datetime
    until: datetime | None = Field(description="when time alone will have mended it; null: not known")
    reason: str


class IngestState(BaseModel):
    """How far ingest is, and how many rows of each kind the quarantine list has."""

    audios: int
    quarantined: int = Field(description="rows of the quarantine list: refused + left_out + doubtful")
    refused: int
    left_out: int
    doubtful: int
    nodes: list[NodeState]
    held: list[HeldAtNode]


class Node(BaseModel):
    """A registered node."""

    name: str
    project: str
    source: str
    node_type: str
    registered_at: datetime
    speech_policy: Policy
    speech_threshold: float
    keep_audio_days: int | None = Field(
        description="days for which its sounds are kept; 0: for good; null: as ESCOLTA_KEEP_AUDIO_DAYS says"
    )


class Quarantined(BaseModel):
    """What could not be used, or is doubtful; node, file, audio and object as far as they are known."""

    message_id: UUID
    at: datetime
    kind: Literal["refused", "left_out", "doubtful"]
    reason: str
    node: str | None
    file_name: str | None = Field(description="path of the file at the node's source")
    from_s: float | None = Field(description="where in the file the part begins; null: all of it")
    to_s: float | None
    size_bytes: int | None
    audio_id: UUID | None
    object_key: str | None
    queue: str
    topic: str
    attempts: int
    body: str


def router(on: Platform) -> APIRouter:
    """The routes; every one of them wants the session of a lead."""
    routes = APIRouter()
    routes.include_router(_api(on))
    routes.include_router(pages.routes)
    return routes


def _api(on: Platform) -> APIRouter:
    api = APIRouter(prefix="/api", tags=["ingest"], dependencies=[Depends(lead)])

    @api.get("/ingest")
    async def ingest_state() -> IngestState:
        """How many audios are cataloged, refused, left out and doubtful, and how each node is."""
        nodes = [NodeState(**row) for row in await store.node_states(on.catalog)]
        rows = await store.count_quarantined(on.catalog)
        return IngestState(
            audios=sum(node.audios for node in nodes),
            quarantined=sum(rows.values()),
            refused=rows.get("refused", 0),
            left_out=rows.get("left_out", 0),
            doubtful=rows.get("doubtful", 0),
            nodes=nodes,
            held=[HeldAtNode(**row) for row in await held.waiting(on.catalog, on.clock.now())],
        )

    @api.get("/nodes")
    async def list_nodes() -> list[Node]:
        """The registered nodes, by name."""
        return [Node(**row) for row in await store.nodes(on.catalog)]

    @api.post("/nodes", status_code=201, responses={200: {"model": Node, "description": "It was there"}})
    async def register_node(new: store.NewNode, response: Response) -> Node:
        """Register a node, so that what it sends is cataloged; one that exists stays as it is."""
        row, added = await store.register_node(on.catalog, new)
        response.status_code = 201 if added else 200
        return Node(**row)

    speech_policy.add_routes(api, on)

    @api.get("/quarantine")
    async def list_quarantine(limit: Annotated[int, Query(ge=1, le=1000)] = 100) -> list[Quarantined]:
        """What could not be used, or is doubtful, and why, newest first."""
        return [Quarantined(**row) for row in await store.quarantined(on.catalog, limit)]

    return api


@pages.routes.get("/nodes")
async def nodes_page(who: Visitor) -> Response:
    return pages.shown(who, "Nodes", "nodes")


@pages.routes.get("/quarantine")
async def quarantine_page(who: Visitor) -> Response:
    return pages.shown(who, "Quarantine", "quarantine")
