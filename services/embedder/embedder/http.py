"""The embedder's HTTP: how far it has come."""

from typing import Annotated

from fastapi import APIRouter, Depends
from pydantic import BaseModel

from embedder import store
from embedder.embedding import Embedding
from escolta.service import Platform
from escolta.web import Session, lead


class EmbedderState(BaseModel):
    """Audios by what the model has made of them."""

    model_id: str
    embedded: int
    waiting: int
    failed: int


def router(on: Platform, embedding: Embedding) -> APIRouter:
    """The routes of the embedder."""
    routes = APIRouter(tags=["embedder"])

    @routes.get("/api/embedder")
    async def embedder_state(_: Annotated[Session, Depends(lead)]) -> EmbedderState:
        """The model in use, and how many audios are embedded, waiting and failed."""
        model_id = embedding.model.model_id
        embedded, waiting, failed = await store.counts(on.catalog, model_id)
        return EmbedderState(model_id=model_id, embedded=embedded, waiting=waiting, failed=failed)

    return routes
