"""A node and ingest in one process, in simulated time: what is away may be so for an hour, and is counted."""

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydantic import SecretStr

from escolta import audio
from escolta.clock import ManualClock
from escolta.errors import Transient
from escolta.events import AudioRecorded, Event
from escolta.runtime import running
from escolta.service import Message, Platform, Service, Settings, Subscription
from ingest import service as ingest
from node_agent import service as node_agent
from node_agent.node import Node

NODE = "quay-1"
FIRST = datetime(2024, 6, 1, 6, tzinfo=UTC)
UNSET = datetime(1970, 1, 1, 2, tzinfo=UTC)
STEP_S = 15.0
QUIET_LOOKS = 5


class Shore:
    """What is away, the node's clock and the server's, and how much went over the line."""

    def __init__(self) -> None:
        self.on: Platform
        self.clock = ManualClock(FIRST + timedelta(days=1))
        self.servers_clock = ManualClock(FIRST + timedelta(days=1))
        self.away: set[str] = set()
        self.uploads = 0
        self.told = 0
        self._to_handle = self._in_threads = 0
        self._ingest_is_back = asyncio.Event()
        self._node: Node

    def leave(self, what: str) -> None:
        """`ingest`, `broker` or `store` is away from now on."""
        self.away.add(what)
        self._ingest_is_back.clear()

    def come_back(self) -> None:
        self.away.clear()
        self._ingest_is_back.set()

    async def cataloged(self) -> int:
        return await self.on.catalog.fetchval("SELECT count(*) FROM audio.audios")

    async def quarantined(self) -> int:
        return await self.on.catalog.fetchval("SELECT count(*) FROM audio.quarantine")

    async def wait(self, duration: timedelta, *, until: int | None = None) -> None:
        """Let so much time go by, or less if so many audios are cataloged; between two looks at the time
        everything that can be done is done."""
        for _ in range(round(duration.total_seconds() / STEP_S)):
            await self._quiet()
            if until is not None and await self.cataloged() == until:
                return
            for clock in (self.clock, self.servers_clock):
                await clock.advance(STEP_S)
        await self._quiet()

    async def set_the_nodes_clock(self) -> None:
        """By the server's, as NTP does; and the node notices."""
        self.clock.set(self.servers_clock.now())
        await self._node.redating.look()

    async def _quiet(self) -> None:
        looks = 0
        async with asyncio.timeout(600):
            while looks < QUIET_LOOKS:
                looks = looks + 1 if self._is_quiet() else 0
                await asyncio.sleep(0.005)

    def _is_quiet(self) -> bool:
        uploading = any(asked.uploading for asked in self._node.sender._asking._asked.values())
        return not uploading and not self._in_threads and (self._to_handle == 0 or "ingest" in self.away)

    @contextmanager
    def watched_threads(self) -> Iterator[None]:
        """What waits for a disk or a long sum is under way, too, however long the machine takes for it."""
        to_thread = asyncio.to_thread

        async def watched(*given: Any, **named: Any) -> Any:
            self._in_threads += 1
            try:
                return await to_thread(*given, **named)
            finally:
                self._in_threads -= 1

        with pytest.MonkeyPatch.context() as patched:
            patched.setattr(asyncio, "to_thread", watched)
            yield

    def build_ingest(self, on: Platform) -> Service:
        self.on = on
        self._watch_the_bus(on)
        self._watch_the_store(on)
        self._server = replace(on, clock=self.servers_clock)
        service = ingest.build(self._server)

        @asynccontextmanager
        async def lifespan() -> AsyncIterator[None]:
            self._server.opened_catalog = self.on.opened_catalog
            assert service.lifespan
            async with service.lifespan():
                yield

        watched = [self._watched(one) for one in service.subscriptions]
        return replace(service, subscriptions=watched, lifespan=lifespan)

    def build_node(self, on: Platform) -> Service:
        service = node_agent.build(on)
        [self._node] = [job.run.__self__ for job in service.jobs if job.run.__name__ == "record"]  # type: ignore[attr-defined]
        return replace(service, subscriptions=[self._watched(one) for one in service.subscriptions])

    def _watched(self, subscription: Subscription) -> Subscription:
        async def handle(messages: Sequence[Message[Any]]) -> None:
            if subscription.event is AudioRecorded:
                while "ingest" in self.away:
                    await self._ingest_is_back.wait()
            try:
                await subscription.handler(messages)
            finally:
                self._to_handle -= sum(message.attempt == 1 for message in messages)

        return replace(subscription, handler=handle)

    def _watch_the_bus(self, on: Platform) -> None:
        publish = on.bus.publish

        async def watched(event: Event) -> None:
            if "broker" in self.away:
                raise Transient("the broker is away")
            self.told += isinstance(event, AudioRecorded)
            self._to_handle += event.topic.endswith("{node}")
            await publish(event)

        on.bus.publish = watched  # type: ignore[method-assign]

    def _watch_the_store(self, on: Platform) -> None:
        put, grant = on.objects.put, on.objects.grant

        async def watched_put(key: str, data: bytes, note: str = "") -> None:
            if "store" in self.away:
                raise Transient("the store is away")
            self.uploads += 1
            await put(key, data, note)

        async def watched_grant(*given: Any) -> Any:
            if "store" in self.away:
                raise Transient("the store is away")
            return await grant(*given)

        on.objects.put, on.objects.grant = watched_put, watched_grant  # type: ignore[method-assign,assignment]


@asynccontextmanager
async def shore_with(
    audios: int, folder: Path, catalog_url: str, *, nodes: str = NODE, unset: bool = False
) -> AsyncIterator[Shore]:
    """A node that plays so many sounds of 0.1 s, one each ten seconds of 2024-06-01, and its ingest.

    `unset`: the node's clock was never set, and no file says when it was recorded.
    """
    (folder / "in").mkdir()
    for number in range(audios):
        noise = np.random.default_rng(number).uniform(-0.5, 0.5, 1600).astype(np.float32)
        said = FIRST + timedelta(seconds=10 * number)
        name = f"{number:04}.wav" if unset else f"{said:%Y%m%d_%H%M%S}.wav"
        (folder / "in" / name).write_bytes(audio.write(noise, 16_000))
    shore = Shore()
    if unset:
        shore.clock.set(UNSET)
    settings = Settings(
        secret=SecretStr("of these tests alone, and long"),
        state_dir=folder,
        catalog_url=catalog_url,
        objects_url=f"file://{folder}/objects",
        replay_dir=folder / "in",
        node_name=NODE,
        nodes=nodes,
    )
    builds = [shore.build_ingest, shore.build_node]
    with shore.watched_threads():
        async with running(settings, builds, clock=shore.clock):
            yield shore
