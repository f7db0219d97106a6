"""How much one caller may ask for: enough for everybody who works, and no more than that."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from types import SimpleNamespace
from uuid import UUID

import httpx
import pytest
from fastapi import APIRouter
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry
from pydantic import SecretStr

from escolta.app import make_app
from escolta.bus import open_bus
from escolta.clock import SystemClock
from escolta.objects import open_objects
from escolta.service import Platform, Service
from escolta.settings import Settings
from escolta.web import Sessions, rates
from escolta.web.rates import Buckets, Rate
from servers.plain import NO_TLS

SLOW = Rate(per_s=0.001, at_once=3)
ANA, BEN = UUID(int=1), UUID(int=2)


@pytest.fixture
def on(tmp_path, monkeypatch) -> Platform:
    """A process whose limits a test can reach. The token counts, not what it may: no catalog."""
    monkeypatch.setattr(rates, "time", SimpleNamespace(monotonic=lambda: 100.0))  # none goes by meanwhile
    for name in ("OF_A_SESSION", "OF_AN_ADDRESS"):
        monkeypatch.setattr(rates, name, SLOW)
    monkeypatch.setattr(rates, "SIGNING_IN", Rate(per_s=0.001, at_once=1))
    bus, objects = open_bus("memory://"), open_objects(f"file://{tmp_path}")
    settings = Settings(secret=SecretStr("of this test alone"))
    return Platform(settings, bus, objects, SystemClock(), CollectorRegistry())


@asynccontextmanager
async def asking(on: Platform) -> AsyncIterator["Asking"]:
    routes = APIRouter()

    @routes.post("/api/session", status_code=204)
    async def sign_in() -> None:
        pass

    yield Asking(on, make_app(on, [Service("one", router=routes)]))


class Asking:
    """Callers of one process."""

    def __init__(self, on: Platform, app) -> None:
        self._on, self._app = on, app

    async def until_refused(self, session: UUID | str = "", *, host="10.0.0.1", path="/healthz") -> int:
        """How many requests are answered before one is refused."""
        for number in range(20):
            if (await self.ask(session, host=host, path=path)).status_code == 429:
                return number
        return 20

    async def ask(self, session: UUID | str = "", *, host="10.0.0.1", path="/healthz"):
        token = Sessions(self._on).token(session) if isinstance(session, UUID) else session
        headers = {"authorization": f"Bearer {token}"} if token else {}
        transport = httpx.ASGITransport(self._app, client=(host, 1))
        async with httpx.AsyncClient(transport=transport, base_url="http://escolta") as client:
            return await client.request("GET" if path == "/healthz" else "POST", path, headers=headers)


async def test_a_caller_who_asks_too_much_is_told_for_how_long_to_wait(on):
    async with asking(on) as callers:
        assert await callers.until_refused() == 3
        refused = await callers.ask()
    assert (refused.status_code, refused.headers["retry-after"]) == (429, "1000")
    assert "try again in 1000 s" in refused.json()["detail"]
    assert refused.headers["x-content-type-options"] == "nosniff"
    labels = {"method": "GET", "route": "other", "status": "429"}
    assert on.metrics.get_sample_value("escolta_http_requests_total", labels) == 2


async def test_nobody_is_held_up_by_somebody_else(on):
    async with asking(on) as callers:
        assert [await callers.until_refused(who) for who in (ANA, "", BEN)] == [3, 3, 3]
        assert await callers.until_refused(host="10.0.0.2") == 3
        assert await callers.until_refused(ANA, host="10.0.0.2") == 0, "a session is one, wherever it is"


async def test_tokens_that_are_made_up_do_not_make_new_callers(on):
    async with asking(on) as callers:
        answers = [await callers.ask(f"made up {number}") for number in range(4)]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 429]


async def test_a_network_of_ipv6_is_one_caller(on):
    async with asking(on) as callers:
        answers = [await callers.ask(host=f"2001:db8::{number}") for number in range(4)]
        assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
        assert (await callers.ask(host="2001:db8:0:1::1")).status_code == 200


async def test_signing_in_is_tried_less_often_than_other_things(on):
    async with asking(on) as callers:
        assert await callers.until_refused(path="/api/session") == 1
        assert (await callers.ask()).status_code == 200


async def test_the_installation_itself_is_never_refused(on):
    async with asking(on) as callers:
        assert await callers.until_refused(on.own_token) == 20


async def test_a_caller_goes_on_when_time_has_passed():
    buckets = Buckets(Rate(per_s=2, at_once=1))
    assert [buckets.take("ana", now=100.0) for _ in range(2)] == [0, 0.5]
    assert buckets.take("ana", now=100.4) == pytest.approx(0.1)
    assert buckets.take("ana", now=100.5) == 0


@given(st.lists(st.floats(0, 10), max_size=200), st.floats(0.1, 10), st.integers(1, 20))
def test_no_caller_gets_more_than_the_rate_gives(pauses, per_s, at_once):
    buckets, now, granted = Buckets(Rate(per_s, at_once)), 0.0, 0
    for pause in pauses:
        now += pause
        granted += buckets.take("ana", now) == 0
    assert granted <= at_once + per_s * now + 1e-6


@given(st.floats(0.1, 10), st.integers(1, 20), st.floats(0.1, 5))
def test_whoever_waits_as_long_as_is_said_is_let_through(per_s, at_once, now):
    buckets = Buckets(Rate(per_s, at_once))
    for _ in range(at_once):
        buckets.take("ana", now)
    wait_s = buckets.take("ana", now)
    assert wait_s > 0
    assert buckets.take("ana", now + wait_s + 1e-6) == 0


def test_what_is_kept_of_callers_is_bounded(monkeypatch):
    monkeypatch.setattr(rates, "MOST_CALLERS", 10)
    buckets = Buckets(SLOW)
    for number in range(100):
        buckets.take(number, now=0)
    assert len(buckets._left) == 10


async def test_people_behind_an_entrance_are_told_apart_where_it_is_named(on):
    """uvicorn reads the header; the process is asked over a socket."""
    from escolta.runtime import _listen, _serving

    for proxies, answered in (("127.0.0.1", [200, 200, 200, 200]), ("", [200, 200, 200, 429])):
        listener = _listen(Settings(http_port=0))
        app = make_app(replace(on, metrics=CollectorRegistry()), [])
        host, port = listener.getsockname()
        async with (
            _serving(app, listener, Settings(proxies=proxies)),
            httpx.AsyncClient(trust_env=False, timeout=120, verify=NO_TLS) as client,
        ):
            answers = [
                await client.get(f"http://{host}:{port}/healthz", headers={"x-forwarded-for": f"10.0.0.{it}"})
                for it in range(4)
            ]
        assert [answer.status_code for answer in answers] == answered
