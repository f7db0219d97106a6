"""Days of a small port in a real catalog, by the statements that services write with, and what they take."""

import hashlib
import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path

import asyncpg
from prometheus_client import CollectorRegistry

from embedder import store as embedder
from embedder.computing import Computing, EmbeddedAudio
from embedder.decode import decode
from embedder.metrics import Metrics
from embedder.models.model import EmbeddingModel
from embedder.store import AudioKey
from escolta.events import AudioRecorded, audio_id_of
from escolta_demo.harbor import write_harbor
from ingest import store as ingest
from ingest.store import NewNode
from node_agent.recording.recorder import object_key_of

START = datetime(2024, 5, 1, tzinfo=UTC)
AT_ONCE = 512
RATE_HZ, DURATION_S = 44_100, 10

PEOPLE = """
    INSERT INTO label.groups (name) VALUES ('three'), ('two');
    INSERT INTO audio.labelers (name, role, group_id)
        SELECT 'labeler ' || n, 'labeler', CASE WHEN n < 4 THEN 1 ELSE 2 END FROM generate_series(1, 5) AS n;
    INSERT INTO audio.ontology (name) SELECT 'class ' || n FROM generate_series(1, 20) AS n
"""
BATCH = (
    """
    INSERT INTO al.al_preprocessing (iteration_id, status, nodes, window_start, window_end, batch, follow_ups,
                                     proposed_at, number, model_id)
    VALUES ($1, 'closed', '{}', '2024-05-01Z', '2024-06-01Z', $2, 0, now(), $3, $4)
    """,
    """
    INSERT INTO al.wavs_proposed (iteration_id, audio_id, start_utc, node, file_name, rank, disjoint_set,
                                  distance, nearest_medoid, propagated_class, predicted_class,
                                  predicted_probability, label, labelers, agreement_percent, labeled_at)
    SELECT $1, audio_id, start_utc, 'quay-1', file_name, row_number() OVER (), 1, 0.5,
           audio_id, 'class 1', 'class 2', 0.5, 'class 3', 3, 100, now()
    FROM audio.audios ORDER BY hashtext(audio_id::text || $1::uuid) LIMIT $2
    """,
    """
    INSERT INTO label.assignments SELECT iteration_id, audio_id, 1 + rank % 2, rank FROM al.wavs_proposed
    WHERE iteration_id = $1
    """,
    """
    INSERT INTO label.submissions (iteration_id, audio_id, labeler_id, group_id)
    SELECT iteration_id, audio_id, labeler_id, group_id FROM label.assignments
    JOIN audio.labelers USING (group_id) WHERE iteration_id = $1
    """,
    """
    INSERT INTO audio.chunks (iteration_id, audio_id, labeler_id, class_id, onset_s, offset_s)
    SELECT iteration_id, audio_id, labeler_id, 1 + labeler_id, 1 + n, 2 + n
    FROM label.submissions, generate_series(1, 2) AS n WHERE iteration_id = $1
    """,
    """
    INSERT INTO label.agreements (iteration_id, audio_id, class_id, labelers, agreement_percent)
    SELECT iteration_id, audio_id, 2, 3, 100 FROM al.wavs_proposed WHERE iteration_id = $1
    """,
)
"""One iteration of $2 audios, labeled by all of a group, two events each."""
LABELS = (
    *("al.al_preprocessing", "al.wavs_proposed", "label.assignments", "label.submissions", "audio.chunks"),
    *("label.agreements", "audio.audit"),
)
"""The tables that grow with what people label."""

_SIZES = """
    SELECT coalesce(inhparent, c.oid)::regclass::text AS name,
           sum(pg_total_relation_size(c.oid))::bigint AS bytes
    FROM pg_class AS c LEFT JOIN pg_inherits ON inhrelid = c.oid
    WHERE c.relkind = 'r' AND relnamespace::regnamespace::text IN ('audio', 'al', 'label') GROUP BY 1
"""


@dataclass(frozen=True)
class Port:
    """Nodes that record the first hours of each day from `START` on."""

    nodes: int
    days: int
    hours: float = 24.0

    def events(self) -> Iterator[AudioRecorded]:
        """What the nodes say, in the order of time."""
        for day in range(self.days):
            for number in range(round(self.hours * 3600 / DURATION_S)):
                start = START + timedelta(days=day, seconds=DURATION_S * number)
                for node in range(1, self.nodes + 1):
                    yield _event(f"quay-{node}", start)


def _event(node: str, start: datetime) -> AudioRecorded:
    audio_id = audio_id_of(node, start)
    return AudioRecorded(
        audio_id=audio_id,
        node=node,
        start=start,
        samples=RATE_HZ * DURATION_S,
        rate_hz=RATE_HZ,
        channels=1,
        bits_per_sample=16,
        object_key=object_key_of(node, start, audio_id, "wav"),
        sha256=hashlib.sha256(audio_id.bytes).hexdigest(),
        file_name=f"{start:%Y%m%dT%H%M%SZ}.wav",
        clock_state="synchronized",
    )


def heard_in_a_harbor(model: EmbeddingModel, folder: Path, audios: int = 28) -> list[EmbeddedAudio]:
    """What the model says of sounds that are made in the folder."""
    write_harbor(folder, audios)
    metrics = Metrics(CollectorRegistry())
    sounds = [
        decode(path.read_bytes(), model.rate_hz, path.name, metrics).waveform
        for path in sorted(folder.glob("*.wav"))
    ]
    told = Computing(model, metrics, logging.getLogger("escolta.embedder")).embed(sounds)
    return [one for one in told if isinstance(one, EmbeddedAudio)]


async def record(
    pool: asyncpg.Pool, port: Port, model: EmbeddingModel, heard: Sequence[EmbeddedAudio]
) -> int:
    """Catalog and embed what the port records; each audio sounds as one of `heard`. How many there are."""
    for node in range(1, port.nodes + 1):
        await ingest.register_node(pool, NewNode(name=f"quay-{node}"))
    await embedder.add_model(pool, model)
    for day in (0, port.days):
        await ingest.ensure_month(pool, START + timedelta(days=day))
    audios, events = 0, port.events()
    while batch := list(islice(events, AT_ONCE)):
        await ingest.insert_audios(pool, batch)
        embedded = [
            (AudioKey(event.audio_id, event.start), heard[(audios + number) % len(heard)])
            for number, event in enumerate(batch)
        ]
        async with pool.acquire() as connection, connection.transaction():
            await embedder.save(connection, model.model_id, embedded)
        audios += len(batch)
    return audios


async def label(pool: asyncpg.Pool, model: EmbeddingModel, iterations: int, batch: int) -> None:
    """So many iterations, each labeled to its end."""
    await pool.execute(PEOPLE)
    for number in range(1, iterations + 1):
        iteration_id = audio_id_of("iteration", START + timedelta(seconds=number))
        async with pool.acquire() as connection:
            await connection.execute(BATCH[0], iteration_id, batch, number, model.model_id)
            await connection.execute(BATCH[1], iteration_id, batch)
            for statement in BATCH[2:]:
                await connection.execute(statement, iteration_id)


async def sizes(pool: asyncpg.Pool) -> dict[str, int]:
    """Bytes of each table on the disk, with its months, its indexes and what lies beside it."""
    return {row["name"]: row["bytes"] for row in await pool.fetch(_SIZES)}
