"""Each door of an installation, and what was tried at it; all services in this process, on a private catalog.

Of everything that goes in it is counted what became of it. `unlisted` is what nobody can find out about: it
must stay 0.
"""

import asyncio
import hashlib
import json
import random
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from prometheus_client import CollectorRegistry
from pydantic import SecretStr

from embedder.decode import decode
from embedder.failure import Unfit
from embedder.metrics import Metrics
from escolta.audio.audible import audible
from escolta.bus.inbox import Inbox
from escolta.bus.memory import MemoryBus
from escolta.errors import Rejected
from escolta.events import AudioRecorded, audio_id_of
from escolta.runtime import find_services, running
from escolta.service import Platform, Service
from escolta.settings import Settings
from fuzzed.mutations import mutated_json, sense
from fuzzed.requests import Answers, asked, told_bytes
from fuzzed.sounds import mutated_sounds

NODE = "quay-1"
PATIENCE_S = 1800.0
"""A slow disk takes minutes for ten thousand files."""
SECRET = "a secret of the tests alone, long enough to sign with"


@dataclass
class Doors:
    """An installation at work, and the chance by which it is tried."""

    on: Platform
    services: Sequence[Service]
    chance: random.Random
    recordings: list[str] = field(default_factory=list)
    """Names of the files in the node's folder."""

    async def messages(self, count: int) -> Counter[str]:
        """Messages at every subscription: sense and noise. Done, later, or dead with a reason."""
        bus = self.on.bus
        assert isinstance(bus, MemoryBus)
        subscriptions = [one for service in self.services for one in service.subscriptions]
        before = self._verdicts()
        for _ in range(count):
            event = self.chance.choice(subscriptions).event
            said = sense(self.chance, event)
            topic = event.topic.format_map(said)
            if self.chance.random() < 0.05:
                topic = event.topic.format_map(sense(self.chance, event))
            as_it_is = self.chance.random() < 0.1
            body = json.dumps(said).encode() if as_it_is else mutated_json(self.chance, said)
            await bus.publish_raw(topic, body)
            await asyncio.sleep(0)  # how long we make it up is not what is looked at
        await until(self._quiet)
        tally = self._verdicts() - before + Counter(sent=count, waits=self._unsettled())
        tally["listed"], nameless = await self.on.catalog.fetchrow(
            "SELECT count(*), count(*) FILTER (WHERE reason = '') FROM audio.quarantine"
        )
        tally["unlisted"] = nameless + sum(not dead.reason for dead in bus.dead_letters)
        return tally

    async def files_of_a_node(self) -> Counter[str]:
        """Files in the node's folder: an audio, or named in the quarantine list."""
        names = set(self.recordings)
        found: Counter[str] = Counter()

        async def all_told() -> bool:
            rows = await self.on.catalog.fetch(
                "SELECT DISTINCT file_name, 'audio' AS fate FROM audio.audios WHERE file_name = ANY($1)"
                " UNION SELECT DISTINCT file_name, 'listed' FROM audio.quarantine WHERE file_name = ANY($1)",
                list(names),
            )
            found.clear()
            found.update(row["fate"] for row in rows)
            found["unlisted"] = len(names - {row["file_name"] for row in rows})
            return not found["unlisted"]

        await until(all_told)
        found["sent"] = len(names)
        return found

    async def objects(self, count: int) -> Counter[str]:
        """Objects in the store that ingest is told of: cataloged, or refused in the quarantine list."""
        ids = []
        begin = datetime.now(UTC) - timedelta(days=30)
        for number, (suffix, data) in enumerate(mutated_sounds(self.chance, count)):
            start = begin + timedelta(seconds=10 * number)
            audio_id = audio_id_of(NODE, start)
            event = AudioRecorded(
                audio_id=audio_id,
                node=NODE,
                start=start,
                samples=1600,
                rate_hz=8_000,
                channels=1,
                bits_per_sample=16,
                object_key=f"audio/{NODE}/{audio_id}.{suffix}",
                sha256=hashlib.sha256(data).hexdigest(),
                size_bytes=len(data),
                file_name=f"object-{number}.{suffix}",
            )
            await self.on.objects.put(event.object_key, data)
            await self.on.bus.publish(event)
            ids.append(audio_id)
        found: Counter[str] = Counter()

        async def all_told() -> bool:
            rows = await self.on.catalog.fetch(
                "SELECT audio_id, 'audio' AS fate FROM audio.audios WHERE audio_id = ANY($1)"
                " UNION SELECT audio_id, 'listed' FROM audio.quarantine WHERE audio_id = ANY($1)",
                ids,
            )
            found.clear()
            found.update(row["fate"] for row in rows)
            found["unlisted"] = len(set(ids) - {row["audio_id"] for row in rows})
            return not found["unlisted"]

        await until(all_told)
        found["sent"] = count
        return found

    async def sounds_heard(self, count: int) -> Counter[str]:
        """Objects that went bad in the store: the embedder decodes them, and the web's recordings."""
        tally: Counter[str] = Counter(sent=count)
        metrics = Metrics(CollectorRegistry())
        for suffix, data in mutated_sounds(self.chance, count):
            for name, hear in (
                ("embedder", lambda data, suffix: decode(data, 16_000, f"a.{suffix}", metrics)),
                ("web", lambda data, _: audible(data)),
            ):
                tally[f"{name}: {await asyncio.to_thread(_heard, hear, data, suffix)}"] += 1
        return tally

    async def requests(self, count: int) -> Answers:
        """Requests at every route; one in five as bytes."""
        answers = await asked(self.on.http_url, self.on.own_token, self.chance, count - count // 5)
        answers.statuses["sent"] = count
        by_bytes = await told_bytes(self.on.http_url, self.on.own_token, self.chance, count // 5)
        for end, times in by_bytes.items():
            answers.statuses[f"by bytes: {end}"] = times
        return answers

    async def _quiet(self) -> bool:
        """All that came has a verdict; what waits for its next attempt has one, too."""
        before = self._verdicts()
        await asyncio.sleep(2)
        return self._verdicts() == before and not any(inbox._waiting for inbox in self._inboxes())

    def _unsettled(self) -> int:
        return sum(inbox._unsettled for inbox in self._inboxes())

    def _inboxes(self) -> list[Inbox]:
        assert isinstance(self.on.bus, MemoryBus)
        return list(self.on.bus._queues._inboxes.values())

    def _verdicts(self) -> Counter[str]:
        found: Counter[str] = Counter()
        for metric in self.on.metrics.collect():
            for sample in metric.samples:
                if sample.name == "escolta_messages_total":
                    found[sample.labels["verdict"]] += int(sample.value)
        return found


def _heard(hear: Callable[[bytes, str], Any], data: bytes, suffix: str) -> str:
    try:
        hear(data, suffix)
    except (Unfit, Rejected) as error:
        return "refused" if str(error) else "refused without a reason"
    return "heard"


async def until(condition: Callable[[], Any], patience_s: float = PATIENCE_S) -> None:
    """Wait until it holds, but not for ever: what is then missing is in the figures."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + patience_s
    while not await condition() and loop.time() < deadline:
        await asyncio.sleep(0.1)


@asynccontextmanager
async def doors(folder: Path, seed: int, files: int) -> AsyncIterator[Doors]:
    """All services in one process over a catalog below `folder`, and a node with so many bad files."""
    chance = random.Random(seed)
    recordings = folder / "recordings"
    recordings.mkdir(parents=True)
    names = []
    for number, (suffix, data) in enumerate(mutated_sounds(chance, files)):
        names.append(f"file-{number:05d}.{suffix}")
        (recordings / names[-1]).write_bytes(data)
    settings = Settings(
        catalog_url=f"embedded://{folder}/catalog",
        objects_url=f"file://{folder}/objects",
        state_dir=folder,
        secret=SecretStr(SECRET),
        nodes=",".join(f"quay-{number}" for number in range(1, 10)),
        node_name=NODE,
        replay_dir=recordings,
        model="placeholder",
    )
    async with running(settings, find_services()) as (on, services):
        yield Doors(on, services, chance, names)
