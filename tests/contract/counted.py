"""Rows of all kinds that the catalog keeps count of, and a look at every one of them."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid5

import asyncpg
import numpy as np

from embedder import store as embedder_store
from embedder.computing import EmbeddedAudio
from embedder.store import AudioKey
from escolta.errors import Rejected
from escolta.events import AudioRecorded, MessageRejected
from ingest.store import Origin

NODES = ("quay-1", "quay-2")
BEGIN = datetime(2024, 1, 15, 12, tzinfo=UTC)
APART = timedelta(days=3)
"""So that some dozens of audios lie in several months."""
HOUSE = """
    INSERT INTO audio.projects (name) VALUES ('harbor');
    INSERT INTO audio.sources (name) VALUES ('test');
    INSERT INTO audio.node_types (name) VALUES ('test');
    INSERT INTO audio.nodes (name, project_id, source_id, node_type_id)
        VALUES ('quay-1', 1, 1, 1), ('quay-2', 1, 1, 1);
    INSERT INTO audio.paths (path) VALUES ('audio/');
    INSERT INTO audio.models (model_id, name, dim, class_names) VALUES ('model-1', 'model', 2, '{a,b}');
    SELECT audio.ensure_month(month) FROM generate_series(
        '2024-01-01Z'::timestamptz, '2024-12-01Z'::timestamptz, interval '1 month') AS month;
"""


def recorded(number: int) -> AudioRecorded:
    node = NODES[number % 2]
    return AudioRecorded(
        audio_id=uuid5(UUID(int=0), f"{node} {number}"),
        node=node,
        start=BEGIN + number * APART,
        samples=160_000,
        rate_hz=16_000,
        channels=1,
        bits_per_sample=16,
        object_key=f"audio/{number}.wav",
        sha256="00" * 32,
        file_name=f"{number}.wav",
    )


def audio_of(number: int) -> AudioKey:
    event = recorded(number)
    return AudioKey(event.audio_id, event.start)


def rejected(message_id: UUID, at: datetime) -> tuple[MessageRejected, Origin]:
    event = MessageRejected(
        queue="q", message_topic="t", reason="r", body="{}", message_id=str(message_id), attempts=1, at=at
    )
    return event, Origin()


def embedding() -> EmbeddedAudio:
    return EmbeddedAudio(np.zeros(2, np.float32), np.array([0.7, 0.2], np.float32), None)


async def embed(catalog: asyncpg.Pool, numbers: Sequence[int], failing: Sequence[int] = ()) -> None:
    async with catalog.acquire() as connection, connection.transaction():
        await embedder_store.save(connection, "model-1", [(audio_of(one), embedding()) for one in numbers])
        failures = [(audio_of(one), Rejected("no")) for one in failing]
        await embedder_store.save_failures(connection, "model-1", failures)


async def assert_kept_as_counted(catalog: asyncpg.Pool) -> None:
    """Each kept count beside the rows themselves; counts of nothing are not looked at."""
    for kept, counted in (
        (
            "SELECT node_id, month, audios FROM audio.audio_counts WHERE audios <> 0",
            "SELECT node_id, date_trunc('month', start_utc, 'UTC'), count(*) FROM audio.audios GROUP BY 1, 2",
        ),
        (
            "SELECT kind, sum(messages) FROM audio.quarantine_counts GROUP BY 1 HAVING sum(messages) <> 0",
            "SELECT kind, count(*) FROM audio.quarantine GROUP BY 1",
        ),
        (
            "SELECT model_id, outcome, month, audios FROM audio.embedding_counts WHERE audios <> 0",
            "SELECT model_id, 'embedded', date_trunc('month', start_utc, 'UTC'), count(*)"
            " FROM audio.embeddings GROUP BY 1, 3 UNION ALL"
            " SELECT model_id, 'failed', date_trunc('month', start_utc, 'UTC'), count(*)"
            " FROM audio.embedding_failures GROUP BY 1, 3",
        ),
    ):
        assert {tuple(row) for row in await catalog.fetch(kept)} == {
            tuple(row) for row in await catalog.fetch(counted)
        }
