"""The HTTP API of labelers and leads. Nothing of it answers an anonymous caller, but the sign-in itself."""

from fastapi import APIRouter

from escolta.service import Platform
from label_gateway.audit import http as audit
from label_gateway.bat import http as bat
from label_gateway.batches import http as progress
from label_gateway.batches.handlers import Batches
from label_gateway.datasets import http as dataset
from label_gateway.labeling import http as tasks
from label_gateway.labeling import recordings
from label_gateway.ontology import http as classes
from label_gateway.people import account, session
from label_gateway.people import http as people
from label_gateway.people.access import Access


def router(on: Platform, batches: Batches) -> APIRouter:
    """Every route under /api, by what it is about, and the pages that use them."""
    access = Access(on)
    api = APIRouter(tags=["label-gateway"])
    session.add_routes(api, on)
    account.add_routes(api, on, access)
    tasks.add_routes(api, on, access, batches)
    progress.add_routes(api, on, access, batches)
    recordings.add_routes(api, on, access)
    classes.add_routes(api, on, access)
    people.add_routes(api, on, access, changed=batches.follow_people)
    dataset.add_routes(api, on, access)
    audit.add_routes(api, on)
    bat.add_routes(api, on, access)
    return api
