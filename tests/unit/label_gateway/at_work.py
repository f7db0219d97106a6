"""label-gateway at work on a real catalog, proposals as al-engine writes them, and people who label."""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID, uuid4

import asyncpg
import httpx
import numpy as np
from at_work import SECRET, AtWork, seen_by_owner
from fastapi import FastAPI
from prometheus_client import CollectorRegistry
from pydantic import SecretStr

from escolta import audio
from escolta.app import make_app
from escolta.bus import Message, Subscription
from escolta.events import AudioLabeled, BatchProposed, Event, IterationClosed, audio_id_of
from escolta.runtime import running
from escolta.service import Every, Platform, Service
from escolta.settings import Settings
from escolta.web.csrf import HEADER as CSRF
from label_gateway.people.sign_in import sign_in_link
from label_gateway.service import build
from servers.plain import NO_TLS
from servers.postgres import account

NODE = "quay-1"
START = datetime(2024, 5, 1, 10, tzinfo=UTC)
RECORDING = audio.write(np.random.default_rng(0).uniform(-0.5, 0.5, 4000).astype(np.float32), 8_000)
DAY_S = 86_400.0


@dataclass
class GatewayAtWork(AtWork):
    """label-gateway, its platform, and everything it said."""

    service: Service
    stack: AsyncExitStack
    heard: list[Event] = field(default_factory=list)

    @property
    def app(self) -> FastAPI:
        """The same routes, to look at."""
        return make_app(replace(self.on, metrics=CollectorRegistry()), [self.service])

    async def person(self, link: str | None = None) -> httpx.AsyncClient:
        """Somebody's client; with a sign-in link, signed in by it."""
        client = httpx.AsyncClient(base_url=self.on.http_url, trust_env=False, verify=NO_TLS, timeout=120)
        await self.stack.enter_async_context(client)
        if link:
            response = await client.post("/api/session", json={"token": link.partition("#")[2]})
            assert response.status_code == 200, response.text
            client.headers[CSRF] = response.headers[CSRF]
        return client

    async def lead(self) -> httpx.AsyncClient:
        """The first lead; takes the lead out of the group, so that nobody waits for the lead's labels."""
        client = await self.person(await sign_in_link(self.on, "lead"))
        labeler_id = (await client.get("/api/me")).json()["labeler_id"]
        state = {"role": "lead", "group": None, "enabled": True}
        assert (await client.put(f"/api/labelers/{labeler_id}", json=state)).status_code == 200
        return client

    async def team(self, lead: httpx.AsyncClient, group: str, *names: str) -> list[httpx.AsyncClient]:
        """A group of labelers, each signed in."""
        await lead.post("/api/groups", json={"name": group})
        clients = []
        for name in names:
            added = await lead.post("/api/labelers", json={"name": name, "group": group})
            assert added.status_code == 201, added.text
            link = await lead.post(f"/api/labelers/{added.json()['labeler_id']}/link")
            clients.append(await self.person(link.json()["url"]))
        return clients

    async def propose(
        self, audios: int, *, tell: bool = True, recording: bytes = RECORDING, duration_s: float = 10.0
    ) -> UUID:
        """A batch of as many audios of 10 s, as al-engine leaves it; told of unless the event is lost.

        `recording`: the file of each, which need not be of that length where nobody listens.
        """
        iteration_id = uuid4()
        async with self.on.catalog.acquire() as db, db.transaction():
            await db.execute(
                "INSERT INTO al.al_preprocessing (iteration_id, status, nodes, window_start, window_end,"
                " batch, follow_ups, proposed_at) VALUES ($1, 'proposed', '{}', $2, $2, $3, 0, now())",
                iteration_id,
                START,
                audios,
            )
            [(known,)] = await db.fetch("SELECT count(*) FROM audio.audios")
            for rank in range(audios):
                start = START + timedelta(seconds=10 * (known + rank))
                await self._propose_one(db, iteration_id, rank, start, recording, duration_s)
        if tell:
            await self.on.bus.publish(BatchProposed(iteration_id=iteration_id, audios=audios))
        return iteration_id

    async def _propose_one(
        self,
        db: asyncpg.Connection,
        iteration_id: UUID,
        rank: int,
        start: datetime,
        recording: bytes,
        duration_s: float,
    ) -> None:
        audio_id = audio_id_of(NODE, start)
        await db.execute(
            "INSERT INTO audio.audios (audio_id, start_utc, node_id, path_id, object_name, file_name,"
            " rate_hz, bits_per_sample, samples, duration_s, channels, sha256, clock_state)"
            " SELECT $1, $2, node_id, path_id, $3, $4, 44100, 16, 441000, $6, 1, $5, 'unknown'"
            " FROM audio.nodes, audio.paths",
            audio_id,
            start,
            f"{audio_id}.wav",
            f"{start:%H%M%S}.wav",
            hashlib.sha256(recording).digest(),
            duration_s,
        )
        await self.on.objects.put(f"audio/{NODE}/{audio_id}.wav", recording)
        await db.execute(
            "INSERT INTO al.wavs_proposed (iteration_id, audio_id, start_utc, node, file_name, rank,"
            " disjoint_set) VALUES ($1, $2, $3, $4, $5, $6, 1)",
            iteration_id,
            audio_id,
            start,
            NODE,
            f"{start:%H%M%S}.wav",
            rank,
        )

    async def catch_up(self) -> None:
        await self.service.jobs[0].run()

    async def until_handled(self, batches: int) -> None:
        """Return when as many batches that were told have been dealt with, without a failure."""
        labels = {"queue": "label-gateway.batch.proposed", "verdict": "done"}

        async def handled() -> bool:
            return self.on.metrics.get_sample_value("escolta_messages_total", labels) == batches

        await self.until(handled)

    async def until_tasks(self, labeler: httpx.AsyncClient, number: int) -> list[dict]:
        """The labeler's tasks, as soon as there are `number` of them."""
        tasks: list[dict] = []

        async def there() -> bool:
            tasks[:] = (await labeler.get("/api/tasks?limit=50")).json()
            return len(tasks) == number

        await self.until(there)
        return tasks

    async def until_heard(self, kind: type[Event], number: int) -> list[Event]:
        """What was said of that kind, as soon as it was said `number` times; never more."""

        async def enough() -> bool:
            return len(self.said(kind)) >= number

        await self.until(enough)
        await asyncio.sleep(0.02)
        assert len(self.said(kind)) == number
        return self.said(kind)

    def said(self, kind: type[Event]) -> list[Event]:
        return [event for event in self.heard if isinstance(event, kind)]

    async def class_named(self, client: httpx.AsyncClient, name: str) -> int:
        """The id of a class, which is new or not."""
        return (await client.post("/api/classes", json={"name": name})).json()["class_id"]


@asynccontextmanager
async def gateway_at_work(catalog_url: str, folder: Path, **besides: object) -> AsyncIterator[GatewayAtWork]:
    """label-gateway with one node and no audio, and somebody who listens to it; `besides`: more settings."""
    chosen = {
        "catalog_url": account(catalog_url, "label-gateway"),
        "objects_url": f"file://{folder}/objects",
        "state_dir": folder,
        "secret": SecretStr(SECRET),
    }
    settings = Settings(**chosen, **besides)  # type: ignore[arg-type]  # pydantic checks
    heard: list[Event] = []

    def listener(on: Platform) -> Service:
        async def hear(messages: Sequence[Message]) -> None:
            heard.extend(message.event for message in messages)

        return Service(
            "listener",
            subscriptions=[Subscription(AudioLabeled, hear), Subscription(IterationClosed, hear)],
        )

    def catching_up_once(on: Platform) -> Service:
        """At its start, and then when a test says so: one that takes a minute is not to be surprised."""
        service = build(on)
        catch_up, *others = service.jobs
        return replace(service, jobs=[Every(DAY_S, catch_up.run), *others])

    async with AsyncExitStack() as stack:
        at_work, [service, _] = await stack.enter_async_context(
            running(settings, [catching_up_once, listener])
        )
        on = await stack.enter_async_context(seen_by_owner(at_work, catalog_url))
        await _add_a_node(on)
        yield GatewayAtWork(on, service, stack, heard)


async def _add_a_node(on: Platform) -> None:
    await on.catalog.execute("SELECT audio.ensure_month($1)", START)
    for table in ("projects", "sources", "node_types"):
        await on.catalog.execute(f"INSERT INTO audio.{table} (name) VALUES ('test')")
    await on.catalog.execute(
        "INSERT INTO audio.nodes (name, project_id, source_id, node_type_id) VALUES ($1, 1, 1, 1)", NODE
    )
    await on.catalog.execute("INSERT INTO audio.paths (path) VALUES ($1)", f"audio/{NODE}/")
