"""What the services answer to somebody without a session: the probes, the way in, and nothing else."""

import re
import uuid
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from fastapi.routing import iter_route_contexts
from pydantic import SecretStr

from escolta.runtime import find_services, running
from escolta.settings import Settings
from servers.plain import NO_TLS

OPEN = {"/healthz", "/readyz", "/sign-in"}
STYLE = "/sign-in/static/"
"""Of the page that signs people in; like /static/, which every service has, it is no secret."""
ABSENT = {"/docs", "/redoc"}
"""What FastAPI would have; a path of ours that says 404 to a stranger has looked before it asked who."""
WAY_IN = ("POST", "/api/session")


@pytest.fixture
async def stranger(catalog_url: str, tmp_path: Path) -> AsyncIterator[tuple[httpx.AsyncClient, set]]:
    """A client without a session, and every method and path that any service has."""
    settings = Settings(
        catalog_url=catalog_url,
        objects_url=f"file://{tmp_path}/objects",
        state_dir=tmp_path,
        secret=SecretStr("the one secret of all services"),
        model="placeholder",
    )
    async with running(settings, find_services()) as (on, services):
        asked = {("GET", path) for path in (*OPEN, *ABSENT, "/metrics", "/openapi.json")} | {
            (method, re.sub(r"{.*?}", str(uuid.uuid4()), route.path or "/"))
            for service in services
            if service.router
            for route in iter_route_contexts(service.router.routes)
            for method in getattr(route, "methods", None) or ("GET",)
        }
        async with httpx.AsyncClient(
            base_url=on.http_url, trust_env=False, timeout=120, verify=NO_TLS
        ) as client:
            yield client, asked


async def test_a_stranger_finds_the_probes_and_the_way_in_and_nothing_else(stranger):
    client, asked = stranger
    assert len(asked) > 50
    found = set()
    for method, path in sorted(asked - {WAY_IN}):
        answer = await client.request(method, path)
        to_sign_in = answer.status_code == 303 and answer.headers["location"] == "/sign-in"
        absent = answer.status_code == 404 and (path in ABSENT or path.startswith(STYLE))
        if not to_sign_in and not absent and answer.status_code != 401:
            found.add((method, path))
    assert found == {("GET", path) for path in OPEN}
    assert (await client.request(*WAY_IN, json={"token": "guessed"})).status_code in (400, 401, 403, 410)
