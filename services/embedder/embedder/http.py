"""The embedder's HTTP: how far it has come, and what it is to do first."""

from typing import Annotated

from fastapi import APIRouter, Depends
from pydantic import BaseModel, model_validator

from embedder import store
from embedder.backlog import Backlog
from embedder.embedding import Embedding
from escolta.fields import UtcTime
from escolta.service import Platform
from escolta.web import Session, lead


class EmbedderState(BaseModel):
    """Audios by what the model has made of them."""

    model_id: str
    embedded: int
    waiting: int
    failed: int


class Window(BaseModel):
    """Audios that begin in it are meant; `window_end` itself is outside."""

    window_start: UtcTime
    window_end: UtcTime

    @model_validator(mode="after")
    def _ends_after_its_start(self) -> "Window":
        if self.window_end <= self.window_start:
            raise ValueError("window_end must be after window_start")
        return self


class Reembedding(BaseModel):
    """How many audios of the window wait for an embedding by the model."""

    model_id: str
    waiting: int


def router(on: Platform, embedding: Embedding, backlog: Backlog) -> APIRouter:
    """The routes of the embedder."""
    routes = APIRouter(tags=["embedder"])

    @routes.get("/api/embedder")
    async def embedder_state(_: Annotated[Session, Depends(lead)]) -> EmbedderState:
        """The model in use, and how many audios are embedded, waiting and failed."""
        model_id = embedding.model.model_id
        embedded, waiting, failed = await store.counts(on.catalog, model_id)
        return EmbedderState(model_id=model_id, embedded=embedded, waiting=waiting, failed=failed)

    @routes.post("/api/embedder/reembed", status_code=202)
    async def reembed(window: Window, _: Annotated[Session, Depends(lead)]) -> Reembedding:
        """Embed a window by the model in use before all else; begins within a minute."""
        waiting = await backlog.put_first(window.window_start, window.window_end)
        return Reembedding(model_id=embedding.model.model_id, waiting=waiting)

    return routes
