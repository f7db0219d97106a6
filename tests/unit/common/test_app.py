"""What every process serves: probes for anybody, everything else for those who are signed in."""

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Annotated

import asyncpg
import httpx
import pytest
from fastapi import APIRouter, Body, Depends
from prometheus_client import CollectorRegistry, Counter
from pydantic import SecretStr

from escolta import app
from escolta.app import make_app
from escolta.bus import open_bus
from escolta.clock import SystemClock
from escolta.errors import Misconfigured, Rejected, Transient
from escolta.objects import open_objects
from escolta.service import Platform, Service
from escolta.settings import Settings
from escolta.web import Session, faults, lead, signed_in
from escolta.web.bodies import LARGEST_BODY_BYTES
from servers.postgres import database

JSON = {"content-type": "application/json"}
SETTINGS = Settings(secret=SecretStr("of this test alone"), metrics_token=SecretStr("for the scraper"))


def a_router() -> APIRouter:
    routes = APIRouter()

    @routes.get("/everybody")
    async def everybody(session: Annotated[Session, Depends(signed_in)]) -> str:
        return session.name

    @routes.get("/leads", dependencies=[Depends(lead)])
    async def leads() -> str:
        return "a lead"

    @routes.get("/rejected")
    async def rejected() -> str:
        raise Rejected("the file is not a sound")

    @routes.post("/words")
    async def words(word: Annotated[str, Body(max_length=3)]) -> str:
        return word

    @routes.get("/away")
    async def away() -> str:
        raise Transient("the store is away")

    @routes.get("/wrong")
    async def wrong() -> str:
        raise Misconfigured("ESCOLTA_OBJECTS_URL: the store refuses the credentials")

    @routes.get("/unreachable")
    async def unreachable() -> str:
        raise ConnectionRefusedError(111, "Connection refused")

    @routes.get("/slip")
    async def slip() -> str:
        raise FileNotFoundError(2, "No such file or directory", "map.csv")

    @routes.post("/listed")
    async def listed(words: list[str], _: Annotated[Session, Depends(signed_in)]) -> int:
        return len(words)

    return routes


@pytest.fixture
def platform(tmp_path) -> Platform:
    registry = CollectorRegistry()
    Counter("escolta_things", "Things", registry=registry).inc(3)
    bus, objects = open_bus("memory://"), open_objects(f"file://{tmp_path}")
    return Platform(SETTINGS, bus, objects, SystemClock(), registry)


@pytest.fixture
async def client(platform) -> AsyncIterator[httpx.AsyncClient]:
    answers = iter(["the model is loading", None])

    async def ready() -> str | None:
        return next(answers)

    async with client_of(platform, Service("one", router=a_router(), ready=ready)) as client:
        yield client


def client_of(on: Platform, *services: Service) -> httpx.AsyncClient:
    transport = httpx.ASGITransport(make_app(on, services))
    return httpx.AsyncClient(transport=transport, base_url="http://escolta")


async def readiness(on: Platform) -> httpx.Response:
    async with client_of(replace(on, metrics=CollectorRegistry())) as client:
        return await client.get("/readyz")


def as_installation(on: Platform) -> dict[str, str]:
    return {"authorization": f"Bearer {on.own_token}"}


async def test_anybody_may_ask_whether_the_process_lives(client):
    assert (await client.get("/healthz")).json() == {"status": "alive"}


async def test_a_process_is_ready_when_its_services_are_and_tells_nothing_more(client):
    waiting = await client.get("/readyz")
    assert (waiting.status_code, waiting.json()) == (503, {"status": "waiting"})
    ready = await client.get("/readyz")
    assert (ready.status_code, ready.json()) == (200, {"status": "ready"})


async def test_a_process_is_not_ready_while_its_catalog_is_away(platform, postgres_url, caplog):
    async with database(postgres_url) as url:
        platform.opened_catalog = await asyncpg.create_pool(url, min_size=1)
        there = await readiness(platform)
    away = await readiness(platform)
    platform.catalog.terminate()
    assert (there.status_code, there.json()) == (200, {"status": "ready"})
    assert (away.status_code, away.json()) == (503, {"status": "waiting for the catalog"})
    assert "not ready: the catalog does not answer: " in caplog.text


def test_a_catalog_that_nobody_opened_is_said_so(platform):
    with pytest.raises(RuntimeError, match="no catalog is open"):
        platform.catalog.fetchval("SELECT 1")


async def test_a_catalog_that_does_not_answer_is_not_waited_for(platform, postgres_url, monkeypatch):
    async with asyncpg.create_pool(postgres_url, min_size=1, max_size=1) as platform.opened_catalog:
        async with platform.catalog.acquire():
            with monkeypatch.context() as patched:
                patched.setattr(app, "CATALOG_S", 0.1)
                assert (await readiness(platform)).status_code == 503
        assert (await readiness(platform)).status_code == 200


@pytest.mark.parametrize("path", ["/everybody", "/leads", "/metrics", "/openapi.json"])
async def test_an_anonymous_caller_gets_nothing(client, path):
    answer = await client.get(path)
    assert answer.status_code == 401
    assert "escolta_things" not in answer.text


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"authorization": "Bearer for the scraper"}, 200),
        ({"authorization": "Bearer for the scrape"}, 401),
    ],
)
async def test_metrics_are_for_the_scraper(client, headers, status):
    answer = await client.get("/metrics", headers=headers)
    assert answer.status_code == status
    assert ("escolta_things_total 3.0" in answer.text) == (status == 200)


async def test_our_errors_reach_the_caller_as_sentences(client):
    rejected, away = await client.get("/rejected"), await client.get("/away")
    assert (rejected.status_code, rejected.json()) == (400, {"detail": "the file is not a sound"})
    assert (away.status_code, away.json()) == (503, {"detail": "the store is away"})
    wrong = await client.get("/wrong")
    assert wrong.status_code == 503
    assert "refuses the credentials" in wrong.json()["detail"]


async def test_a_driver_that_reaches_nobody_is_503_and_a_slip_of_ours_500(client, caplog):
    answer = await client.get("/unreachable")
    assert (answer.status_code, answer.json()["detail"]) == (503, faults.AWAY)
    assert "GET /unreachable: ConnectionRefusedError" in caplog.text
    with pytest.raises(FileNotFoundError):  # which the server logs, and answers by 500
        await client.get("/slip")


async def test_a_catalog_that_goes_away_is_503(platform, postgres_url):
    routes = APIRouter()

    @routes.get("/rows")
    async def rows() -> int:
        return await platform.catalog.fetchval("SELECT 1")

    async with client_of(platform, Service("one", router=routes)) as client:
        async with database(postgres_url) as url:
            platform.opened_catalog = await asyncpg.create_pool(url, min_size=1)
            assert (await client.get("/rows")).json() == 1
        answers = [await client.get("/rows") for _ in range(2)]
    platform.catalog.terminate()
    assert [answer.status_code for answer in answers] == [503, 503]
    assert answers[1].json() == {"detail": faults.AWAY}


async def chunks(size: int) -> AsyncIterator[bytes]:
    yield b'["'
    for _ in range(size // 1000):
        yield b"a" * 1000
    yield b'"]'


@pytest.mark.parametrize("path", ["/listed", "/words", "/nowhere"])
@pytest.mark.parametrize("way", ["declared", "in chunks"])
async def test_a_body_that_is_too_large_is_refused_before_anybody_asks_who_sends_it(client, path, way):
    size = LARGEST_BODY_BYTES
    body = b'["' + b"a" * size + b'"]' if way == "declared" else chunks(size + 1000)
    answer = await client.post(path, content=body, headers=JSON)
    expected = 404 if (path, way) == ("/nowhere", "in chunks") else 413  # there nobody reads it
    assert answer.status_code == expected
    assert expected == 404 or "send less" in answer.json()["detail"]


async def test_a_body_that_is_just_small_enough_is_read(client, platform):
    body = b'["' + b"a" * (LARGEST_BODY_BYTES - 4) + b'"]'
    for content in (body, chunks(LARGEST_BODY_BYTES - 1000)):
        answer = await client.post("/listed", content=content, headers=as_installation(platform) | JSON)
        assert (answer.status_code, answer.json()) == (200, 1)


@pytest.mark.parametrize("body", [b'"too long"', b'"\\ud800 half"', b"NaN", b"{"])
async def test_a_request_that_does_not_fit_is_refused_and_not_echoed(client, body):
    answer = await client.post("/words", content=body, headers={"content-type": "application/json"})
    assert answer.status_code == 422
    assert "msg" in answer.json()["detail"][0]
    assert "input" not in answer.text


async def test_the_api_document_names_each_operation_by_its_function(client, platform):
    document = (await client.get("/openapi.json", headers=as_installation(platform))).json()
    names = [operation["operationId"] for path in document["paths"].values() for operation in path.values()]
    assert names[:4] == ["everybody", "leads", "rejected", "words"]
