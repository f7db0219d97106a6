"""The HTTP application of a process: the routers of its services, and what an operator asks of each."""

import asyncio
import hmac
import logging
from collections.abc import Sequence
from importlib.resources import files
from typing import Annotated

from fastapi import Depends, FastAPI, HTTPException, Request, Response
from fastapi.routing import APIRoute
from fastapi.staticfiles import StaticFiles
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from escolta.service import Platform, Service
from escolta.web import Sessions, signed_in
from escolta.web.bodies import BodyLimit
from escolta.web.faults import add_faults

log = logging.getLogger("escolta.app")

CATALOG_S = 3.0
"""How long `/readyz` waits for the catalog: the health check of the image waits 4 s for `/readyz`."""


def make_app(on: Platform, services: Sequence[Service]) -> FastAPI:
    """Routers of `services`, `/healthz`, `/readyz`, `/metrics`, `/openapi.json`, `/static`.

    Anonymous callers reach the probes, which tell nothing, the style, and the sign-in page; no more.
    """
    app = FastAPI(
        title="Escolta", docs_url=None, redoc_url=None, openapi_url=None, generate_unique_id_function=_name
    )
    app.state.sessions = Sessions(on.settings)
    for service in services:
        if service.router:
            app.include_router(service.router)
    _add_probes(app, on, services)
    app.mount("/static", StaticFiles(directory=str(files("escolta.web") / "static")))
    add_faults(app)
    app.add_middleware(BodyLimit)
    return app


def _name(route: APIRoute) -> str:
    return route.name


def _add_probes(app: FastAPI, on: Platform, services: Sequence[Service]) -> None:
    @app.get("/healthz", include_in_schema=False)
    async def healthz() -> dict[str, str]:
        return {"status": "alive"}

    @app.get("/readyz", include_in_schema=False)
    async def readyz(response: Response) -> dict[str, str]:
        # The bus is not asked: HTTP begins once it is connected, and when it is away, pages and labels go on.
        reasons = [await service.ready() for service in services if service.ready]
        if any(reasons):
            status = "waiting"
        else:
            status = "ready" if await _catalog_answers(on) else "waiting for the catalog"
        response.status_code = 200 if status == "ready" else 503
        return {"status": status}

    @app.get("/metrics", include_in_schema=False)
    async def metrics(request: Request) -> Response:
        if not _may_read_metrics(request, on):
            raise HTTPException(401, "/metrics wants the bearer token of ESCOLTA_METRICS_TOKEN")
        return Response(generate_latest(on.metrics), media_type=CONTENT_TYPE_LATEST)

    @app.get("/openapi.json", include_in_schema=False)
    async def openapi(_: Annotated[object, Depends(signed_in)]) -> dict:
        return app.openapi()


async def _catalog_answers(on: Platform) -> bool:
    if on.opened_catalog is None:
        return True
    try:
        async with asyncio.timeout(CATALOG_S):
            await on.opened_catalog.fetchval("SELECT 1")
    except Exception as error:  # noqa: BLE001  # whatever it is, nobody can work with this catalog now
        log.warning("not ready: the catalog does not answer: %s", str(error) or type(error).__name__)
        return False
    return True


def _may_read_metrics(request: Request, on: Platform) -> bool:
    kind, _, token = request.headers.get("authorization", "").partition(" ")
    if kind.lower() != "bearer":
        token = request.cookies.get(request.app.state.sessions.cookie, "")
    expected = on.settings.metrics_token
    if expected and hmac.compare_digest(token.encode(), expected.get_secret_value().encode()):
        return True
    session = request.app.state.sessions.session(token)
    return session is not None and session.role == "lead"
