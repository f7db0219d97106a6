"""The HTTP API of labelers and leads. Nothing of it answers an anonymous caller, but the sign-in itself."""

from fastapi import APIRouter

from escolta.service import Platform
from label_gateway import pages
from label_gateway.batches import Batches
from label_gateway.http import classes, dataset, people, recordings, session, tasks
from label_gateway.http.access import Access


def router(on: Platform, batches: Batches) -> APIRouter:
    """Every route under /api, by what it is about, and the pages that use them."""
    access = Access(on)
    api = APIRouter(tags=["label-gateway"])
    session.add_routes(api, on, access)
    tasks.add_routes(api, on, access, batches)
    recordings.add_routes(api, on, access)
    classes.add_routes(api, on, access)
    people.add_routes(api, on, access)
    dataset.add_routes(api, on, access)
    api.include_router(pages.router(on))
    return api
