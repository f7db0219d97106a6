"""The embedder at work on a real catalog."""

import hashlib
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import asyncpg
import numpy as np
import pytest
from at_work import SECRET, AtWork, seen_by_owner
from prometheus_client import CollectorRegistry
from pydantic import SecretStr

from embedder.embedding import Embedding
from embedder.models.model import EmbeddingModel
from embedder.service import build
from escolta import audio
from escolta.bus import Message, Subscription
from escolta.errors import Rejected
from escolta.events import AudioCataloged, AudioEmbedded, MessageRejected, audio_id_of
from escolta.runtime import running
from escolta.service import Platform, Service
from escolta.settings import Settings
from servers.postgres import account

NODE = "quay-1"
START = datetime(2024, 5, 1, 10, tzinfo=UTC)
RATE_HZ = 16_000
CATALOG = f"""
    INSERT INTO audio.projects (name) VALUES ('harbor');
    INSERT INTO audio.sources (name) VALUES ('replay');
    INSERT INTO audio.node_types (name) VALUES ('test');
    INSERT INTO audio.nodes (name, project_id, source_id, node_type_id) VALUES ('{NODE}', 1, 1, 1);
    INSERT INTO audio.paths (path) VALUES ('audio/');
    SELECT audio.ensure_month('2024-05-01T00:00:00Z')
"""


def tone(hz: float, rate_hz: int = RATE_HZ) -> bytes:
    seconds = np.arange(rate_hz) / rate_hz
    return audio.write((0.5 * np.sin(2 * np.pi * hz * seconds)).astype(np.float32), rate_hz)


@dataclass
class EmbedderAtWork(AtWork):
    """The embedder, its platform, and what was said on the bus."""

    embedded: list[AudioEmbedded] = field(default_factory=list)
    rejected: list[MessageRejected] = field(default_factory=list)

    async def catalog(
        self, number: int, content: bytes | None, stored: bytes | None = None
    ) -> AudioCataloged:
        """Leave an audio as ingest does; its node has told what is true of `content`.

        Without `content` its object is missing; `stored`: what the store has in its place.
        """
        sound = _told_of(content or b"")
        start = START + timedelta(seconds=10 * number)
        audio_id = audio_id_of(NODE, start)
        await self.on.catalog.execute(
            "INSERT INTO audio.audios (audio_id, start_utc, node_id, path_id, object_name, file_name,"
            " rate_hz, bits_per_sample, samples, duration_s, channels, sha256, clock_state)"
            " VALUES ($1, $2, 1, 1, $3, $3, $4, $5, $6, 1, $7, $8, 'unknown')",
            audio_id,
            start,
            f"{audio_id}.wav",
            sound.rate_hz,
            sound.bits or 16,
            sound.samples,
            sound.channels,
            hashlib.sha256(content or b"").digest(),
        )
        key = f"audio/{audio_id}.wav"
        if content is not None:
            await self.on.objects.put(key, content if stored is None else stored)
        return AudioCataloged(audio_id=audio_id, start=start, object_key=key)

    async def vectors(self) -> dict[UUID, np.ndarray]:
        rows = await self.on.catalog.fetch("SELECT audio_id, vector FROM audio.embeddings")
        return {row["audio_id"]: np.frombuffer(row["vector"], "<f2") for row in rows}

    async def until_done(self, embedded: int = 0, rejected: int = 0) -> None:
        """Wait until so many audios are said to be embedded, and so many rejected."""

        async def done() -> bool:
            return len(self.embedded) >= embedded and len(self.rejected) >= rejected

        await self.until(done)


def _told_of(content: bytes) -> audio.Probe:
    try:
        return audio.promised(content)
    except Rejected:
        return audio.Probe("WAV", 0, RATE_HZ, 1, 16)


@asynccontextmanager
async def embedder_at_work(catalog_url: str, tmp_path: Path) -> AsyncIterator[EmbedderAtWork]:
    connection = await asyncpg.connect(catalog_url)
    await connection.execute(CATALOG)
    await connection.close()
    (tmp_path / "objects").mkdir()  # a store whose folder is not there is away
    settings = Settings(
        catalog_url=account(catalog_url, "embedder"),
        objects_url=f"file://{tmp_path}/objects",
        state_dir=tmp_path,
        secret=SecretStr(SECRET),
        model="placeholder",
        embed_batch=4,
    )
    embedded: list[AudioEmbedded] = []
    rejected: list[MessageRejected] = []

    async def listen(messages: Sequence[Message]) -> None:
        embedded.extend(message.event for message in messages)

    async def listen_to_rejections(messages: Sequence[Message]) -> None:
        rejected.extend(message.event for message in messages)

    def listener(on: Platform) -> Service:
        hears = [Subscription(AudioEmbedded, listen), Subscription(MessageRejected, listen_to_rejections)]
        return Service("listener", hears)

    def without_catching_up(on: Platform) -> Service:
        return replace(build(on), jobs=[])  # tests do that themselves, and none comes in between

    async with (
        running(settings, [without_catching_up, listener]) as (on, _),
        seen_by_owner(on, catalog_url) as seen,
    ):
        yield EmbedderAtWork(seen, embedded, rejected)


@asynccontextmanager
async def another(embedder: EmbedderAtWork, model: EmbeddingModel | None = None) -> AsyncIterator[Embedding]:
    """One more embedder on the same catalog and store, with `model` instead of its own."""
    embedding = Embedding(replace(embedder.on, metrics=CollectorRegistry()))
    with pytest.MonkeyPatch.context() as patch:
        if model:
            patch.setattr("embedder.embedding.open_model", lambda *_: model)
        async with embedding.loaded():
            yield embedding
