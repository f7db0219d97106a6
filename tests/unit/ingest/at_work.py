"""ingest at work on a real catalog, with everything it answers, and the sounds that nodes send it."""

import hashlib
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
from at_work import SECRET, AtWork, seen_by_owner
from pydantic import SecretStr

from escolta import audio
from escolta.bus import Message, Subscription
from escolta.bus.memory import MemoryBus
from escolta.events import (
    AudioAccepted,
    AudioCataloged,
    AudioHeld,
    AudioRecorded,
    AudioRefused,
    Event,
    UploadGranted,
    audio_id_of,
)
from escolta.runtime import running
from escolta.service import Platform, Service
from escolta.settings import Settings
from ingest.service import build
from servers.postgres import account

RATE_HZ = 16_000
NODE = "quay-1"


def wav(duration_s: float = 0.1, seed: int = 0) -> bytes:
    noise = np.random.default_rng(seed).uniform(-0.5, 0.5, round(duration_s * RATE_HZ))
    return audio.write(noise.astype(np.float32), RATE_HZ)


@dataclass
class IngestAtWork(AtWork):
    """ingest, its platform, and everything it said."""

    heard: list[Event] = field(default_factory=list)

    def event(self, content: bytes, minutes_ago: float = 60, **changes: Any) -> AudioRecorded:
        """What a node would say of `content`, which is 0.1 s of `wav`, but for `changes`."""
        start = changes.pop("start", datetime.now(UTC) - timedelta(minutes=minutes_ago))
        node = changes.get("node", NODE)
        audio_id = audio_id_of(node, start)
        said: dict[str, Any] = {
            "audio_id": audio_id,
            "node": node,
            "start": start,
            "samples": 1600,
            "rate_hz": RATE_HZ,
            "channels": 1,
            "bits_per_sample": 16,
            "object_key": f"audio/{node}/{audio_id}.wav",
            "sha256": hashlib.sha256(content).hexdigest(),
            "size_bytes": len(content),
            "file_name": "dawn.wav",
            "clock_state": "synchronized",
        }
        return AudioRecorded(**said | changes)

    async def upload(self, content: bytes, **changes: Any) -> AudioRecorded:
        """Put `content` into the object store; what its node would say of it."""
        event = self.event(content, **changes)
        await self.on.objects.put(event.object_key, content)
        return event

    async def publish(self, *messages: Event | bytes) -> None:
        """Publish events, and as `audio.recorded.quay-1` whatever bytes."""
        assert isinstance(self.on.bus, MemoryBus)
        for message in messages:
            if isinstance(message, bytes):
                await self.on.bus.publish_raw(f"audio.recorded.{NODE}", message)
            else:
                await self.on.bus.publish(message)

    def said(self, kind: type[Event], event: AudioRecorded) -> int:
        """How often ingest said `kind` of the audio of `event`."""
        said = (said.model_dump() for said in self.heard if isinstance(said, kind))
        told = (audio for fields in said for audio in (fields, *fields.get("further", ())))
        return sum(audio["audio_id"] == event.audio_id for audio in told)

    async def until_said(self, kind: type[Event], event: AudioRecorded, times: int = 1) -> None:
        async def enough() -> bool:
            return self.said(kind, event) >= times

        await self.until(enough)

    async def quarantined(self, count: int) -> list:
        """The quarantine list once it has `count` rows."""

        async def enough() -> bool:
            return await self.on.catalog.fetchval("SELECT count(*) FROM audio.quarantine") >= count

        await self.until(enough)
        rows = await self.on.catalog.fetch("SELECT * FROM audio.quarantine ORDER BY at")
        assert len(rows) == count
        return rows

    async def held(self) -> list[dict[str, Any]]:
        """What leads are told of what waits at nodes."""
        async with self.client() as client:
            return (await client.get("/api/ingest")).json()["held"]

    async def cataloged(self) -> set:
        return {row["audio_id"] for row in await self.on.catalog.fetch("SELECT audio_id FROM audio.audios")}


@asynccontextmanager
async def ingest_at_work(catalog_url: str, folder: Path) -> AsyncIterator[IngestAtWork]:
    """ingest with one node, and somebody who listens to it."""
    chosen: dict[str, Any] = {
        "catalog_url": account(catalog_url, "ingest"),
        "objects_url": f"file://{folder}/objects",
        "state_dir": folder,
        "secret": SecretStr(SECRET),
        "nodes": NODE,
    }
    heard: list[Event] = []

    async def listen(messages: Sequence[Message]) -> None:
        heard.extend(message.event for message in messages)

    def listener(on: Platform) -> Service:
        answers = (AudioAccepted, UploadGranted, AudioHeld, AudioRefused, AudioCataloged)
        return Service("listener", [Subscription(answer, listen) for answer in answers])

    async with (
        running(Settings(**chosen), [build, listener]) as (on, _),
        seen_by_owner(on, catalog_url) as seen,
    ):
        yield IngestAtWork(seen, heard)
