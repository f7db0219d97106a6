"""The HTTP API of labelers and leads. Nothing of it answers an anonymous caller, but the sign-in itself."""

from fastapi import APIRouter

from escolta.service import Platform
from label_gateway.batches import Batches
from label_gateway.http import classes, dataset, people, recordings, session, tasks
from label_gateway.http.access import Access


def router(on: Platform, batches: Batches) -> APIRouter:
    """Every route under /api, by what it is about."""
    access = Access(on)
    api = APIRouter(prefix="/api", tags=["label-gateway"])
    api.include_router(session.router(on, access))
    api.include_router(tasks.router(on, access, batches))
    api.include_router(recordings.router(on, access))
    api.include_router(classes.router(on, access))
    api.include_router(people.router(on, access))
    api.include_router(dataset.router(on, access))
    return api
