"""A process that is told to stop says so first, answers whoever asks, and cuts nobody off. By sockets."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import httpx
import pytest
from fastapi import APIRouter
from prometheus_client import CollectorRegistry
from pydantic import SecretStr

from escolta.app import make_app
from escolta.bus import open_bus
from escolta.clock import SystemClock
from escolta.objects import open_objects
from escolta.runtime import _listen, _serving
from escolta.service import Platform, Service
from escolta.settings import Settings
from servers.plain import NO_TLS

SETTINGS = Settings(secret=SecretStr("of these tests alone, and long"))
PATIENCE_S = 240
LEAVE_S = 300
"""In this test so long as there is something to ask."""


class Served:
    """A process that answers `/slow` when `go_on` is set; `stop` tells it to stop, and waits for its end."""

    def __init__(self, on: Platform) -> None:
        self.asked, self.go_on, self._stack = asyncio.Event(), asyncio.Event(), AsyncExitStack()
        self._listener = _listen(on.settings)
        self._on = on
        host, port = self._listener.getsockname()
        self.client = httpx.AsyncClient(
            base_url=f"http://{host}:{port}", trust_env=False, timeout=PATIENCE_S, verify=NO_TLS
        )

    async def start(self) -> None:
        routes = APIRouter()

        @routes.get("/slow")
        async def slow() -> str:
            self.asked.set()
            await self.go_on.wait()
            return "whole"

        app = make_app(self._on, [Service("one", router=routes)])
        await self._stack.enter_async_context(_serving(app, self._listener, self._on.settings))

    async def stop(self) -> None:
        async with asyncio.timeout(PATIENCE_S):
            await self._stack.aclose()


@pytest.fixture
async def served(tmp_path, request) -> AsyncIterator[Served]:
    settings = SETTINGS.model_copy(update=request.param)
    bus, objects = open_bus("memory://"), open_objects(f"file://{tmp_path}")
    served = Served(Platform(settings, bus, objects, SystemClock(), CollectorRegistry()))
    await served.start()
    async with served.client:
        yield served
        await served.stop()


async def until_it_leaves(served: Served) -> httpx.Response:
    async with asyncio.timeout(PATIENCE_S):
        while (answer := await served.client.get("/readyz")).status_code == 200:
            await asyncio.sleep(0.01)
    return answer


async def until_it_takes_nobody_new(served: Served) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while True:
            try:
                _, writer = await asyncio.open_connection(
                    served.client.base_url.host, served.client.base_url.port
                )
            except ConnectionError:
                return
            writer.close()


@pytest.mark.parametrize("served", [{"leave_s": 0}], indirect=True)
async def test_what_was_asked_before_the_stop_is_answered_whole(served):
    asking = asyncio.create_task(served.client.get("/slow"))
    await served.asked.wait()
    stopping = asyncio.create_task(served.stop())
    await until_it_takes_nobody_new(served)
    served.go_on.set()
    assert (await asking).json() == "whole"
    await stopping


@pytest.mark.parametrize("served", [{"drain_s": 0.1}], indirect=True)
async def test_a_request_that_never_ends_holds_nothing_up_for_ever(served):
    asking = asyncio.create_task(served.client.get("/slow"))
    await served.asked.wait()
    await served.stop()
    assert (await asking).status_code == 500


@pytest.mark.parametrize("served", [{"leave_s": LEAVE_S}], indirect=True)
async def test_whoever_asks_while_it_leaves_is_answered_and_keeps_no_connection(served, monkeypatch):
    all_is_asked, sleep = asyncio.Event(), asyncio.sleep
    monkeypatch.setattr(asyncio, "sleep", lambda s: all_is_asked.wait() if s == LEAVE_S else sleep(s))
    before = await served.client.get("/readyz")
    stopping = asyncio.create_task(served.stop())
    after = await until_it_leaves(served)
    assert (before.json(), after.json()) == ({"status": "ready"}, {"status": "leaving"})
    asked = await served.client.get("/healthz")
    assert (asked.status_code, asked.headers["connection"]) == (200, "close")
    assert "connection" not in before.headers
    all_is_asked.set()
    await stopping
