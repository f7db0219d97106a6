"""The HTTP application of a process: the routers of its services, and what an operator asks of each."""

import asyncio
import hmac
import json
import logging
from collections.abc import Sequence
from importlib.resources import files
from typing import Annotated

from fastapi import Depends, FastAPI, HTTPException, Request, Response
from fastapi.routing import APIRoute
from fastapi.staticfiles import StaticFiles
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from escolta.metrics.http import Measured
from escolta.service import Platform, Service
from escolta.web import Sessions, signed_in
from escolta.web.bodies import BodyLimit
from escolta.web.csrf import SameOrigin
from escolta.web.faults import add_faults
from escolta.web.headers import SafeHeaders
from escolta.web.leaving import Farewell, is_leaving
from escolta.web.rates import RateLimit

log = logging.getLogger("escolta.app")

CATALOG_S = 3.0
"""How long `/readyz` waits for the catalog: the health check of the image waits 8 s for `/readyz`."""


def make_app(on: Platform, services: Sequence[Service]) -> FastAPI:
    """Routers of `services`, `/healthz`, `/readyz`, `/metrics`, `/openapi.json`, `/static`.

    Anonymous callers reach the probes, which tell nothing, the style, and the sign-in page; no more.
    """
    app = FastAPI(
        title="Escolta", docs_url=None, redoc_url=None, openapi_url=None, generate_unique_id_function=_name
    )
    app.state.sessions = sessions = Sessions(on)
    for service in services:
        if service.router:
            app.include_router(service.router)
    _add_probes(app, on, services)
    app.mount("/static", StaticFiles(directory=str(files("escolta.web") / "static")))
    add_faults(app)
    app.add_middleware(SameOrigin)
    app.add_middleware(BodyLimit)
    app.add_middleware(RateLimit, sessions)
    app.add_middleware(SafeHeaders)
    app.add_middleware(Farewell)
    app.add_middleware(Measured, on.metrics)
    return app


def make_waiting_app() -> FastAPI:
    """What a process answers while it waits for the schema of its catalog: it lives, and is not ready."""
    app = FastAPI(title="Escolta", docs_url=None, redoc_url=None, openapi_url=None)

    @app.get("/healthz")
    async def healthz() -> dict[str, str]:
        return {"status": "alive"}

    @app.api_route("/{path:path}", methods=["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"])
    async def anything(response: Response) -> dict[str, str]:
        response.status_code = 503
        response.headers["retry-after"] = "10"
        return {"status": "waiting for the catalog's schema"}

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
        if is_leaving(app):
            status = "leaving"
        elif any(reasons):
            status = "waiting"
        else:
            status = "ready" if await _catalog_answers(on) else "waiting for the catalog"
        response.status_code = 200 if status == "ready" else 503
        return {"status": status}

    @app.get("/metrics", include_in_schema=False)
    async def metrics(request: Request) -> Response:
        if not await _may_read_metrics(request, on):
            raise HTTPException(401, "/metrics wants the bearer token of ESCOLTA_METRICS_TOKEN")
        return Response(generate_latest(on.metrics), media_type=CONTENT_TYPE_LATEST)

    described: list[bytes] = []
    describing = asyncio.Lock()

    @app.get("/openapi.json", include_in_schema=False)
    async def openapi(_: Annotated[object, Depends(signed_in)]) -> Response:
        async with describing:  # once: it takes a second of the processor
            if not described:
                described.append(await asyncio.to_thread(lambda: json.dumps(app.openapi()).encode()))
        return Response(described[0], media_type="application/json")


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


async def _may_read_metrics(request: Request, on: Platform) -> bool:
    token = request.app.state.sessions.token_in(request)
    expected = on.settings.metrics_token
    if expected and hmac.compare_digest(token.encode(), expected.get_secret_value().encode()):
        return True
    session = await request.app.state.sessions.session(token)
    return session is not None and session.role == "lead"
