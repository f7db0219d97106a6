"""Who is signed in: what the catalog says of a session, asked by whoever serves."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Annotated, Any
from uuid import UUID, uuid4

import httpx
import pytest
from at_work import SECRET
from at_work import signed_in as somebody
from fastapi import APIRouter, Depends
from itsdangerous import URLSafeTimedSerializer
from prometheus_client import CollectorRegistry
from pydantic import SecretStr

from escolta.app import make_app
from escolta.bus import open_bus
from escolta.catalog import open_catalog
from escolta.clock import SystemClock
from escolta.objects import open_objects
from escolta.service import Platform, Service
from escolta.settings import Settings
from escolta.web import Session, Sessions, lead, sessions, signed_in
from escolta.web.sessions import Role

SETTINGS = Settings(secret=SecretStr(SECRET), metrics_token=SecretStr("for the scraper"))


def a_service() -> Service:
    routes = APIRouter()

    @routes.get("/everybody")
    async def everybody(session: Annotated[Session, Depends(signed_in)]) -> str:
        return session.name

    @routes.get("/leads", dependencies=[Depends(lead)])
    async def leads() -> str:
        return "a lead"

    return Service("one", router=routes)


@pytest.fixture
async def on(catalog_url, tmp_path) -> AsyncIterator[Platform]:
    bus, objects = open_bus("memory://"), open_objects(f"file://{tmp_path}")
    async with open_catalog(catalog_url) as catalog:
        yield Platform(SETTINGS, bus, objects, SystemClock(), CollectorRegistry(), opened_catalog=catalog)


def another(on: Platform, **changes: Any) -> Platform:
    """The platform of another process, which differs in that."""
    return replace(on, metrics=CollectorRegistry(), **changes)


def process(on: Platform) -> httpx.AsyncClient:
    """A process of its own on the same catalog, as somebody asks it."""
    transport = httpx.ASGITransport(make_app(on, [a_service()]))
    return httpx.AsyncClient(transport=transport, base_url="http://escolta")


@pytest.fixture
async def client(on) -> AsyncIterator[httpx.AsyncClient]:
    async with process(on) as client:
        yield client


def bearing(on: Platform, session_id: UUID) -> dict[str, str]:
    return {"authorization": f"Bearer {Sessions(on).token(session_id)}"}


async def as_(on: Platform, role: Role) -> dict[str, str]:
    return bearing(on, await somebody(on.catalog, role))


async def test_a_bearer_and_a_cookie_both_sign_in(on, client):
    bearer = await as_(on, "labeler")
    token = bearer["authorization"].removeprefix("Bearer ")
    cookie = {"cookie": f"{Sessions(on).cookie}={token}"}
    for headers in (bearer, cookie):
        assert (await client.get("/everybody", headers=headers)).json() == "Marina"


def test_two_installations_on_one_host_have_cookies_of_their_own(on):
    other = replace(on, settings=SETTINGS.model_copy(update={"secret": SecretStr("of the other one")}))
    assert Sessions(other).cookie != Sessions(on).cookie
    assert Sessions(replace(on)).cookie == Sessions(on).cookie


async def test_a_labeler_may_not_do_what_a_lead_may(on, client):
    assert (await client.get("/leads", headers=await as_(on, "labeler"))).status_code == 403
    assert (await client.get("/leads", headers=await as_(on, "lead"))).status_code == 200


@pytest.mark.parametrize(("role", "status"), [("labeler", 401), ("lead", 200)])
async def test_a_lead_may_read_metrics(on, client, role, status):
    assert (await client.get("/metrics", headers=await as_(on, role))).status_code == status


async def test_a_session_signed_with_another_secret_is_none(on, client):
    guessed = replace(on, settings=SETTINGS.model_copy(update={"secret": SecretStr("a guess at it")}))
    forged = bearing(guessed, await somebody(on.catalog, "lead"))
    assert (await client.get("/leads", headers=forged)).status_code == 401


async def test_a_cookie_that_carried_its_role_in_itself_signs_nobody_in(on, client):
    """As earlier releases made them."""
    await somebody(on.catalog, "lead")
    signer = URLSafeTimedSerializer(SECRET, salt="escolta.session")
    token = signer.dumps({"labeler_id": 1, "name": "Nuria", "role": "lead"})
    answer = await client.get("/leads", headers={"authorization": f"Bearer {token}"})
    assert answer.status_code == 401


@pytest.mark.parametrize("session_id", [uuid4(), UUID(int=0)])
async def test_a_session_without_a_row_is_none(on, client, session_id):
    assert (await client.get("/everybody", headers=bearing(on, session_id))).status_code == 401


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ("DELETE FROM label.sessions", 401),
        ("UPDATE label.sessions SET ends_at = now()", 401),
        ("UPDATE audio.labelers SET enabled = false", 401),
        ("UPDATE audio.labelers SET role = 'labeler'", 403),
    ],
)
async def test_what_another_service_changes_counts_here_once_the_catalog_is_asked_again(
    on, client, monkeypatch, change, status
):
    headers = await as_(on, "lead")
    monkeypatch.setattr(sessions, "FRESH_S", 3600.0)  # however long the machine takes
    assert (await client.get("/leads", headers=headers)).status_code == 200
    await on.catalog.execute(change)
    assert (await client.get("/leads", headers=headers)).status_code == 200, "the word of a moment ago"
    monkeypatch.setattr(sessions, "FRESH_S", 0.0)
    assert (await client.get("/leads", headers=headers)).status_code == status


async def test_of_many_requests_at_once_one_asks_the_catalog(on, client, monkeypatch):
    asked = []

    class Counted:
        async def fetchrow(self, *query):
            asked.append(query)
            return await on.catalog.fetchrow(*query)

    headers = await as_(on, "lead")
    async with process(another(on, opened_catalog=Counted())) as busy:
        answers = await asyncio.gather(*(busy.get("/leads", headers=headers) for _ in range(20)))
    assert {answer.status_code for answer in answers} == {200}
    assert len(asked) == 1


async def test_a_catalog_that_is_away_signs_nobody_out(on, catalog_url):
    headers = await as_(on, "lead")
    async with open_catalog(catalog_url) as other:
        going = another(on, opened_catalog=other)
        async with process(going) as client:
            other.terminate()
            for path in ("/leads", "/metrics"):
                answer = await client.get(path, headers=headers)
                assert (answer.status_code, "try again" in answer.json()["detail"]) == (503, True)
            page = await client.get("/leads", headers=headers | {"accept": "text/html,*/*;q=0.8"})
            assert (page.status_code, "<p>What this needs" in page.text) == (503, True)
            scraper = await client.get("/metrics", headers={"authorization": "Bearer for the scraper"})
            assert scraper.status_code == 200
            going.opened_catalog = on.catalog
            assert (await client.get("/leads", headers=headers)).status_code == 200


async def test_what_is_remembered_of_sessions_is_bounded(on, monkeypatch):
    monkeypatch.setattr(sessions, "MOST_KEPT", 2)
    checking = Sessions(on)
    tokens = [checking.token(await somebody(on.catalog, "lead")) for _ in range(4)]
    for token in tokens:
        assert await checking.session(token)
    assert len(checking._words) == 2
    assert await checking.session(tokens[0]), "it is asked for again"


async def test_the_installation_itself_is_known_in_its_own_process_alone(on, client):
    own = {"authorization": f"Bearer {on.own_token}"}
    assert (await client.get("/leads", headers=own)).status_code == 200
    async with process(another(on, own_token="of another process")) as other:
        assert (await other.get("/leads", headers=own)).status_code == 401
        assert (await other.get("/leads", headers={"authorization": "Bearer"})).status_code == 401
    assert on.own_token not in repr(on)


async def test_a_process_without_a_catalog_signs_nobody_in(on):
    headers = await as_(on, "lead")
    async with process(another(on, opened_catalog=None)) as node:
        assert (await node.get("/leads", headers=headers)).status_code == 401
