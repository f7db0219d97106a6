"""The al-engine at work on a real catalog, with audios as ingest and embedder leave them."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import asyncpg
import numpy as np
from at_work import SECRET, AtWork, seen_by_owner
from prometheus_client import CollectorRegistry
from pydantic import SecretStr

from al_engine.service import build
from escolta.bus import Message, Subscription
from escolta.bus.memory import MemoryBus
from escolta.events import BatchProposed, IterationClosed, audio_id_of
from escolta.runtime import joined, running
from escolta.service import Platform, Service
from escolta.settings import Settings
from servers.postgres import account

NODE, OTHER = "quay-1", "quay-2"
START = datetime(2024, 5, 1, 10, tzinfo=UTC)
DIM = 8
CLASSES = ("gull", "horn", "rain")
FAR = 4.0

CATALOG = f"""
    INSERT INTO audio.projects (name) VALUES ('harbor');
    INSERT INTO audio.sources (name) VALUES ('replay');
    INSERT INTO audio.node_types (name) VALUES ('test');
    INSERT INTO audio.nodes (name, project_id, source_id, node_type_id)
        VALUES ('{NODE}', 1, 1, 1), ('{OTHER}', 1, 1, 1);
    INSERT INTO audio.paths (path) VALUES ('audio/');
    INSERT INTO audio.models (model_id, name, dim, class_names)
        VALUES ('placeholder-test', 'placeholder', {DIM}, '{{a,b,c}}');
    INSERT INTO audio.ontology (name) VALUES ('gull'), ('horn'), ('rain');
    INSERT INTO label.groups (name) VALUES ('one');
    SELECT audio.ensure_month('2024-05-01T00:00:00Z')
"""


@dataclass
class EngineAtWork(AtWork):
    """The al-engine, its platform, and the batches it proposed. The truth of an audio is in its name."""

    proposed: list[BatchProposed] = field(default_factory=list)

    async def add_audios(self, count: int, *, node: str = NODE, first: int = 0) -> list[UUID]:
        """Audios every 10 s; each is near the axis of its class, which is its number modulo three."""
        numbers = range(first, first + count)
        starts = [START + timedelta(seconds=10 * number) for number in numbers]
        ids = [audio_id_of(node, start) for start in starts]
        vectors = np.random.default_rng(first).normal(0, 0.3, (count, DIM))
        vectors[np.arange(count), np.array(numbers) % 3] += FAR
        await self.on.catalog.executemany(
            "INSERT INTO audio.audios (audio_id, start_utc, node_id, path_id, object_name, file_name,"
            " rate_hz, bits_per_sample, samples, duration_s, channels, sha256, clock_state)"
            " SELECT $1, $2, node_id, 1, $4, $4, 16000, 16, 160000, 10, 1, $5, 'unknown'"
            " FROM audio.nodes WHERE name = $3",
            [
                (audio_id, start, node, f"{CLASSES[number % 3]}-{number}.wav", bytes(32))
                for audio_id, start, number in zip(ids, starts, numbers, strict=True)
            ],
        )
        await self.on.catalog.executemany(
            "INSERT INTO audio.embeddings VALUES ($1, $2, 'placeholder-test', $3, $4, $5)",
            [
                (audio_id, start, vector.astype("<f2").tobytes(), [number % 3], [0.5])
                for audio_id, start, vector, number in zip(ids, starts, vectors, numbers, strict=True)
            ],
        )
        return ids

    async def ask(self, **wanted: object) -> UUID:
        """Ask for an iteration over HTTP."""
        async with self.client() as client:
            answer = await client.post("/api/iterations", json=wanted)
            assert answer.status_code == 202, answer.text
            return UUID(answer.json()["iteration_id"])

    async def propose(self, **wanted: object) -> list[dict]:
        """Ask for an iteration and wait for its proposals."""
        return (await self.until_not("requested", await self.ask(**wanted)))["proposals"]

    async def until_not(self, status: str, iteration_id: UUID) -> dict:
        """The iteration once it has left `status`."""
        found: dict = {}

        async def left() -> bool:
            nonlocal found
            async with self.client() as client:
                found = (await client.get(f"/api/iterations/{iteration_id}")).json()
            return found.get("status", status) != status

        await self.until(left)
        return found

    async def labeled_batch(self, batch: int, **wanted: object) -> UUID:
        """An iteration whose batch is labeled with the truth and closed."""
        iteration_id = await self.ask(batch=batch, **wanted)
        found = await self.until_not("requested", iteration_id)
        await self.label(found["proposals"], iteration_id)
        await self.close(iteration_id)
        return iteration_id

    async def close(self, iteration_id: UUID) -> None:
        """Label-gateway closes the batch and tells of it."""
        closed = "INSERT INTO label.closed_iterations VALUES ($1) ON CONFLICT DO NOTHING"
        await self.on.catalog.execute(closed, iteration_id)
        await self.on.bus.publish(IterationClosed(iteration_id=iteration_id))
        await self.until_not("proposed", iteration_id)

    async def label(self, proposals: Sequence[dict], iteration_id: UUID) -> None:
        """What label-gateway leaves when a group has heard all of them and agreed on the truth."""
        await self.on.catalog.executemany(
            "INSERT INTO label.agreements (iteration_id, audio_id, class_id, labelers, agreement_percent)"
            " SELECT $1, $2, class_id, 1, 100 FROM audio.ontology WHERE name = $3",
            [(iteration_id, entry["audio_id"], entry["file_name"].partition("-")[0]) for entry in proposals],
        )
        await self.on.catalog.execute("INSERT INTO label.closed_iterations VALUES ($1)", iteration_id)

    @property
    def refused(self) -> list[str]:
        """Why messages that came to the al-engine were not believed."""
        assert isinstance(self.on.bus, MemoryBus)
        return [letter.reason for letter in self.on.bus.dead_letters]

    def quiet(self) -> Platform:
        """The same platform with a registry of its own, as a second process would have."""
        return replace(self.on, metrics=CollectorRegistry())


def settings_for(catalog_url: str, folder: Path) -> Settings:
    return Settings(
        bus_url="memory://",
        catalog_url=account(catalog_url, "al-engine"),
        objects_url=f"file://{folder}/objects",
        state_dir=folder,
        secret=SecretStr(SECRET),
        model="placeholder",
    )


async def add_nodes(catalog_url: str) -> None:
    """Two nodes, a model and three classes; no audio."""
    connection = await asyncpg.connect(catalog_url)
    await connection.execute(CATALOG)
    await connection.close()


@asynccontextmanager
async def joined_engine(catalog_url: str, folder: Path) -> AsyncIterator[Platform]:
    """A platform on which nothing happens by itself."""
    async with joined(settings_for(catalog_url, folder)) as on, seen_by_owner(on, catalog_url) as seen:
        yield seen


@asynccontextmanager
async def engine_at_work(catalog_url: str, folder: Path) -> AsyncIterator[EngineAtWork]:
    """The al-engine, and somebody who listens to it."""
    settings = settings_for(catalog_url, folder)
    proposed: list[BatchProposed] = []

    async def listen(messages: Sequence[Message]) -> None:
        proposed.extend(message.event for message in messages)

    def listener(on: Platform) -> Service:
        return Service("listener", [Subscription(BatchProposed, listen)])

    async with running(settings, [build, listener]) as (on, _), seen_by_owner(on, catalog_url) as seen:
        yield EngineAtWork(seen, proposed)
