"""ingest's SQL.

It writes audio.projects, sources, node_types, nodes, paths, audios and quarantine; audio.node_status is
nodes.py's, and audio.held is held.py's.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated
from uuid import UUID

import asyncpg
from pydantic import BaseModel, Field

from escolta.events import AudioRecorded, MessageRejected, SoundLeftOut
from escolta.fields import NodeName

Word = Annotated[str, Field(min_length=1, max_length=200, pattern=r"^[^\x00]*$")]


class NewNode(BaseModel):
    """A node to register; the paper's tables also know its project, its source of sound and its hardware."""

    name: NodeName
    project: Word = "default"
    source: Word = "unspecified"
    node_type: Word = "unspecified"


@dataclass(frozen=True)
class Origin:
    """What a message that was rejected tells of where it came from, as far as it can be read."""

    node: str | None = None
    audio_id: UUID | None = None
    object_key: str | None = None
    file_name: str | None = None


# Audios --------------------------------------------------------------------------------------------


async def known_nodes(catalog: asyncpg.Pool, names: Collection[str]) -> set[str]:
    """Those of `names` that are registered."""
    rows = await catalog.fetch("SELECT name FROM audio.nodes WHERE name = ANY($1)", list(names))
    return {row["name"] for row in rows}


async def digests(catalog: asyncpg.Pool, events: Sequence[AudioRecorded]) -> dict[UUID, bytes]:
    """The digest that the catalog has of each audio; one that it does not have is absent."""
    return await _digests(catalog, events)


async def _digests(
    connection: asyncpg.Pool | asyncpg.Connection, events: Sequence[AudioRecorded]
) -> dict[UUID, bytes]:
    ids, starts = [event.audio_id for event in events], [event.start for event in events]
    return {row["audio_id"]: row["sha256"] for row in await connection.fetch(_DIGESTS, ids, starts)}


async def ensure_month(catalog: asyncpg.Pool, moment: datetime) -> None:
    """Make the partitions that hold `moment`, in a transaction of its own: they stay if the insert fails."""
    await catalog.execute("SELECT audio.ensure_month($1)", moment)


async def insert_audios(catalog: asyncpg.Pool, events: Sequence[AudioRecorded]) -> dict[UUID, bytes]:
    """Insert the audios that are not there yet, all or none; the digest that the catalog now has of each.

    Their months and nodes must exist. An object's key is `paths.path || audios.object_name`.
    """
    # Sorted, so that two processes with the same audios lock them in the same order.
    events = sorted(events, key=lambda event: event.audio_id)
    folders, names = zip(*(_split(event.object_key) for event in events), strict=True)
    columns = (
        [event.audio_id for event in events],
        [event.start for event in events],
        [event.node for event in events],
        folders,
        names,
        [event.file_name for event in events],
        [event.rate_hz for event in events],
        [event.bits_per_sample for event in events],
        [event.samples for event in events],
        [event.channels for event in events],
        [bytes.fromhex(event.sha256) for event in events],
        [event.clock_state for event in events],
    )
    async with catalog.acquire() as connection, connection.transaction():
        await connection.execute(_INSERT_PATHS, sorted(set(folders)))
        await connection.execute(_INSERT_AUDIOS, *columns)
        return await _digests(connection, events)


def _split(object_key: str) -> tuple[str, str]:
    """The folder, with its slash, and the object's own name."""
    folder, slash, name = object_key.rpartition("/")
    return folder + slash, name


# Only the new ones: a conflict would use up a number of path_id each time.
_INSERT_PATHS = """
INSERT INTO audio.paths (path)
SELECT given.path FROM unnest($1::text[]) AS given(path)
WHERE NOT EXISTS (SELECT FROM audio.paths WHERE paths.path = given.path)
ON CONFLICT (path) DO NOTHING
"""

_INSERT_AUDIOS = """
INSERT INTO audio.audios (audio_id, start_utc, node_id, path_id, object_name, file_name, rate_hz,
                          bits_per_sample, samples, duration_s, channels, sha256, clock_state)
SELECT given.audio_id, given.start_utc, nodes.node_id, paths.path_id, given.object_name, given.file_name,
       given.rate_hz, given.bits_per_sample, given.samples,
       given.samples::double precision / given.rate_hz, given.channels, given.sha256, given.clock_state
FROM unnest($1::uuid[], $2::timestamptz[], $3::text[], $4::text[], $5::text[], $6::text[], $7::integer[],
            $8::smallint[], $9::bigint[], $10::smallint[], $11::bytea[], $12::text[])
     AS given(audio_id, start_utc, node, path, object_name, file_name, rate_hz,
              bits_per_sample, samples, channels, sha256, clock_state)
JOIN audio.nodes ON nodes.name = given.node
JOIN audio.paths ON paths.path = given.path
ORDER BY given.audio_id
ON CONFLICT (audio_id, start_utc) DO NOTHING
"""

_DIGESTS = """
SELECT audio_id, sha256 FROM audio.audios
WHERE audio_id = ANY($1) AND start_utc = ANY($2)  -- the start leads to the partition
"""


# Nodes ---------------------------------------------------------------------------------------------


async def register_node(catalog: asyncpg.Pool, new: NewNode) -> tuple[asyncpg.Record, bool]:
    """The node of this name, and whether it is new; a node that exists stays as it is."""
    async with catalog.acquire() as connection, connection.transaction():
        for statement, value in zip(_INSERT_NAMES, (new.project, new.source, new.node_type), strict=True):
            await connection.execute(statement, value)
        added = await connection.fetchval(_INSERT_NODE, new.name, new.project, new.source, new.node_type)
        node = await connection.fetchrow(f"{_SELECT_NODES} WHERE nodes.name = $1", new.name)
    return node, added is not None


async def nodes(catalog: asyncpg.Pool) -> list[asyncpg.Record]:
    """Every node by name: name, project, source, node_type, registered_at."""
    return await catalog.fetch(f"{_SELECT_NODES} ORDER BY nodes.name")


async def node_states(catalog: asyncpg.Pool) -> list[asyncpg.Record]:
    """Every node by name: name, audios cataloged, and what it said last (NULL if it never did)."""
    return await catalog.fetch(
        """
        SELECT nodes.name, coalesce(counted.audios, 0) AS audios,
               node_status.spooled, node_status.source_done, coalesce(heard_at, node_status.at) AS last_seen,
               node_status.source, nodes.keep_audio_days
        FROM audio.nodes
        LEFT JOIN audio.node_status USING (node_id)
        LEFT JOIN (SELECT node_id, sum(audios)::bigint AS audios FROM audio.audio_counts
                   GROUP BY node_id) AS counted USING (node_id)
        ORDER BY nodes.name
        """
    )


_INSERT_NAMES = (
    "INSERT INTO audio.projects (name) VALUES ($1) ON CONFLICT DO NOTHING",
    "INSERT INTO audio.sources (name) VALUES ($1) ON CONFLICT DO NOTHING",
    "INSERT INTO audio.node_types (name) VALUES ($1) ON CONFLICT DO NOTHING",
)

_INSERT_NODE = """
INSERT INTO audio.nodes (name, project_id, source_id, node_type_id)
SELECT $1, project_id, source_id, node_type_id
FROM audio.projects, audio.sources, audio.node_types
WHERE projects.name = $2 AND sources.name = $3 AND node_types.name = $4
ON CONFLICT (name) DO NOTHING
RETURNING node_id
"""

_SELECT_NODES = """
SELECT nodes.name, projects.name AS project, sources.name AS source, node_types.name AS node_type,
       nodes.registered_at, nodes.speech_policy, nodes.speech_threshold, nodes.keep_audio_days
FROM audio.nodes JOIN audio.projects USING (project_id) JOIN audio.sources USING (source_id)
     JOIN audio.node_types USING (node_type_id)
"""


# Quarantine ----------------------------------------------------------------------------------------


async def quarantine(catalog: asyncpg.Pool, rejections: Sequence[tuple[MessageRejected, Origin]]) -> None:
    """Keep each rejection with where it came from, once, however often it is told."""
    await catalog.executemany(
        """
        INSERT INTO audio.quarantine
               (message_id, at, queue, topic, reason, node, audio_id, object_key, file_name, attempts, body)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
        ON CONFLICT (message_id) DO NOTHING
        """,
        [
            (
                UUID(event.message_id),
                event.at,
                storable(event.queue),
                storable(event.message_topic),
                storable(event.reason),
                origin.node,
                origin.audio_id,
                origin.object_key,
                origin.file_name,
                event.attempts,
                storable(event.body),
            )
            for event, origin in rejections
        ],
    )


async def keep_left_out(catalog: asyncpg.Pool, events: Sequence[SoundLeftOut]) -> None:
    """Keep what nodes left out or doubt: a row each, which says what was told last."""
    await catalog.executemany(
        """
        INSERT INTO audio.quarantine AS kept (message_id, at, queue, topic, reason, node, file_name, from_s,
                                              to_s, size_bytes, kind, attempts, body)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, 1, $12)
        ON CONFLICT (message_id) DO UPDATE
        SET at = excluded.at, reason = excluded.reason, from_s = excluded.from_s, to_s = excluded.to_s,
            size_bytes = excluded.size_bytes, kind = excluded.kind, body = excluded.body
        WHERE kept.at <= excluded.at AND kept.queue = excluded.queue
        """,
        [
            (
                event.left_out_id,
                event.at,
                "ingest.sound.left-out",
                event.routing_key(),
                storable(event.reason),
                event.node,
                storable(event.file_name),
                event.from_s,
                event.to_s,
                event.size_bytes,
                "doubtful" if event.doubtful else "left_out",
                storable(event.model_dump_json()),
            )
            for event in sorted(events, key=lambda event: event.left_out_id)  # see insert_audios
        ],
    )


async def quarantined(catalog: asyncpg.Pool, limit: int) -> list[asyncpg.Record]:
    """The newest `limit` rows of the quarantine list, newest first."""
    return await catalog.fetch("SELECT * FROM audio.quarantine ORDER BY at DESC, message_id LIMIT $1", limit)


async def count_quarantined(catalog: asyncpg.Pool) -> dict[str, int]:
    """How many rows of the quarantine list are of which kind; a kind without rows is absent."""
    rows = await catalog.fetch(
        "SELECT kind, sum(messages)::bigint AS messages FROM audio.quarantine_counts"
        " GROUP BY kind HAVING sum(messages) > 0"
    )
    return {row["kind"]: row["messages"] for row in rows}


def storable(text: str) -> str:
    """`text` without what PostgreSQL cannot store: NUL, and surrogates that JSON may smuggle in."""
    return text.replace("\0", "\N{REPLACEMENT CHARACTER}").encode("utf-8", "replace").decode()
