"""A page of somebody else changes nothing by any route of any service with the cookie of its visitor."""

import re
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from uuid import UUID

import asyncpg
import httpx
import pytest
from at_work import SECRET, signed_in
from contract.test_tables import TABLES
from fastapi import FastAPI
from prometheus_client import CollectorRegistry
from pydantic import SecretStr

from escolta.app import make_app
from escolta.bus import open_bus
from escolta.catalog import open_catalog
from escolta.clock import SystemClock
from escolta.objects import open_objects
from escolta.runtime import find_services
from escolta.service import Platform
from escolta.settings import Settings
from escolta.web import Sessions
from escolta.web.csrf import HEADER, SAFE

ROOT = Path(__file__).parents[2]
PAGES = [path for folder in ("libs", "services") for path in sorted((ROOT / folder).rglob("*.html"))]
HOST = "escolta.example:8000"
SIGN_IN = ("POST", "/api/session")
"""Nobody is signed in yet: there is no session whose token could be sent."""
ID = {"labeler_id": "1"}
"""What stands for the ids of a path; where nothing is named, a UUID."""


@pytest.fixture
async def on(catalog_url: str, tmp_path: Path) -> AsyncIterator[Platform]:
    settings = Settings(
        catalog_url=catalog_url, state_dir=tmp_path, secret=SecretStr(SECRET), model="placeholder"
    )
    bus, objects = open_bus("memory://"), open_objects(f"file://{tmp_path}/objects")
    async with open_catalog(catalog_url) as catalog:
        yield Platform(settings, bus, objects, SystemClock(), CollectorRegistry(), opened_catalog=catalog)


@pytest.fixture
def app(on: Platform) -> FastAPI:
    return make_app(on, [build(on) for build in find_services()])


@asynccontextmanager
async def browser(on: Platform, app: FastAPI) -> AsyncIterator[tuple[httpx.AsyncClient, str]]:
    """One in which a lead is signed in, and the token that the pages of that session send."""
    session_id = await signed_in(on.catalog, "lead")
    sessions: Sessions = app.state.sessions
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url=f"http://{HOST}") as client:
        client.headers["cookie"] = f"{sessions.cookie}={sessions.token(session_id)}"
        yield client, sessions.csrf(session_id)


def changing(app: FastAPI) -> Iterator[tuple[str, str]]:
    """Every route that is there to change something."""
    for path, operations in app.openapi()["paths"].items():
        for verb in operations:
            if verb.upper() not in SAFE:
                yield verb.upper(), re.sub(r"{(\w+)}", lambda name: ID.get(name[1], str(UUID(int=0))), path)


async def everything(catalog: asyncpg.Pool) -> dict[str, str]:
    """What stands in every table, but for sessions, as a digest."""
    digest = "SELECT md5(coalesce(string_agg(row::text, ' ' ORDER BY row::text), '')) FROM {} AS row"
    return {table: await catalog.fetchval(digest.format(table)) for table in TABLES}


async def test_a_cookie_alone_changes_nothing(on: Platform, app: FastAPI) -> None:
    async with browser(on, app) as (client, token):
        before = await everything(on.catalog)
        for verb, path in changing(app):
            if (verb, path) == SIGN_IN:
                continue
            for headers in ({}, {HEADER: ""}, {HEADER: "0" * 32}):
                refused = await client.request(verb, path, json={}, headers=headers)
                assert (refused.status_code, refused.headers.get(HEADER)) == (403, token), (verb, path)
        assert await everything(on.catalog) == before


@pytest.mark.parametrize(
    "foreign",
    [
        {"origin": "https://evil.example"},
        {"origin": "null"},
        {"origin": f"http://{HOST}.evil.example"},
        {"origin": "http://escolta.example"},
        {"origin": "http://[broken"},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
    ],
    ids=str,
)
async def test_a_page_of_another_address_changes_nothing(
    on: Platform, app: FastAPI, foreign: dict[str, str]
) -> None:
    async with browser(on, app) as (client, token):
        before = await everything(on.catalog)
        for verb, path in changing(app):
            refused = await client.request(verb, path, json={}, headers={HEADER: token, **foreign})
            assert refused.status_code == 403, (verb, path)
            assert "another address" in refused.json()["detail"]
        assert await everything(on.catalog) == before


async def test_a_page_of_ours_is_let_through(on: Platform, app: FastAPI) -> None:
    ours = {"origin": f"http://{HOST}", "sec-fetch-site": "same-origin"}
    for verb, path in changing(app):
        async with browser(on, app) as (client, token):
            answer = await client.request(verb, path, json={}, headers={HEADER: token, **ours})
            assert answer.status_code != 403 or "group" in answer.text, (verb, path)


async def test_a_bearer_needs_nothing_more(on: Platform, app: FastAPI) -> None:
    async with browser(on, app) as (client, _):
        bearer = {"authorization": f"Bearer {client.headers['cookie'].partition('=')[2]}"}
        foreign = {"origin": "https://somewhere.example", "sec-fetch-site": "cross-site"}
        answer = await client.post("/api/groups", json={"name": "harbor"}, headers=bearer | foreign)
        assert answer.status_code == 201


async def test_the_token_of_one_session_is_not_that_of_another(on: Platform, app: FastAPI) -> None:
    async with browser(on, app) as (client, token), browser(on, app) as (_, other):
        assert token != other
        answer = await client.post("/api/groups", json={"name": "harbor"}, headers={HEADER: other})
        assert answer.status_code == 403


async def test_every_answer_says_where_its_page_may_stand(on: Platform, app: FastAPI) -> None:
    """Also those that nobody of us wrote: refusals, what is not there, and defects."""

    @app.get("/a-defect")
    async def a_defect() -> None:
        raise RuntimeError("a secret of ours")

    async with browser(on, app) as (client, token):
        sent = {HEADER: token}
        answers = [
            *[await client.get(path) for path in ("/", "/label", "/batches", "/sign-in", "/nowhere")],
            *[await client.get(path) for path in ("/static/nav.js", "/api/me", "/metrics", "/a-defect")],
            await client.post("/api/groups", json={}),
            await client.post("/api/groups", json={}, headers=sent | {"origin": "null"}),
            await client.post("/api/groups", content=b"x" * 2_000_000, headers=sent),
        ]
        assert sorted({answer.status_code for answer in answers}) == [200, 303, 403, 404, 413, 500]
        assert "a secret of ours" not in answers[8].text
    for answer in answers:
        policy = dict(it.split(" ", 1) for it in answer.headers["content-security-policy"].split("; "))
        assert policy["default-src"] == "'self'", answer.url
        assert policy["frame-ancestors"] == policy["base-uri"] == policy["object-src"] == "'none'"
        assert "unsafe-inline" not in str(policy)
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["referrer-policy"] == "no-referrer"


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.name)
def test_no_page_holds_what_the_policy_forbids(page: Path) -> None:
    """Style attributes, scripts in the text, handlers in attributes."""
    assert re.findall(r"<style|\sstyle=|\son\w+=|<script(?![^>]*\ssrc=)", page.read_text("utf-8")) == []
