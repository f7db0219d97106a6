"""The SQL of the maps: writes `al.maps` and `al.iteration_maps`."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

import asyncpg
import numpy as np
from numpy.typing import NDArray

ONE_MAP = 0x616D  # advisory lock "am": a fit takes a whole core
VECTORS_AT_ONCE = 500
ID_BYTES = 16


@dataclass(frozen=True)
class Drawable:
    """An iteration that has run. `max_set` is N_max; no `nodes`: every node.

    `blind`: the batch is open and has a control arm. Nobody may tell its audios from the others until it is
    closed, so neither may the reasons of its proposals be shown.
    """

    iteration_id: UUID
    model_id: str
    dim: int
    class_names: list[str]
    nodes: list[str]
    window_start: datetime
    window_end: datetime
    proposed_at: datetime
    max_set: int
    audios: int
    blind: bool


class AudioKey(NamedTuple):
    """An audio's whole key: with its start PostgreSQL looks into one month alone."""

    audio_id: UUID
    start: datetime


@dataclass(frozen=True)
class Map:
    """A stored map: audio ids, float32 `[points, 2]`, int16 `[points]`.

    `audios`: how many the window had. The first `fitted` points were fitted, the others placed later.
    """

    audio_ids: list[UUID]
    coordinates: NDArray[np.float32]
    top_classes: NDArray[np.int16]
    audios: int
    fitted: int


@dataclass(frozen=True)
class Vectors:
    """Embeddings as stored, float16 `[audios, dim]`, with the tagger's top-1 classes `[audios]`."""

    audio_ids: list[UUID]
    vectors: NDArray[np.float16]
    top_classes: NDArray[np.int16]


@dataclass(frozen=True)
class Unlabeled:
    """The set U of an iteration in order of audio id, with the tagger's top-1 class and its probability."""

    audio_ids: list[UUID]
    top_classes: NDArray[np.int64]
    top_probabilities: NDArray[np.float32]


# Requests ------------------------------------------------------------------------------------------------


async def request(pool: asyncpg.Pool, iteration_id: UUID) -> None:
    """Write that somebody wants to see the iteration; one that failed is tried again."""
    await pool.execute(
        "INSERT INTO al.iteration_maps AS m (iteration_id) VALUES ($1) ON CONFLICT (iteration_id)"
        " DO UPDATE SET stage = 'waiting', share_done = 0, problem = NULL WHERE m.stage = 'failed'",
        iteration_id,
    )


async def next_requested(connection: asyncpg.Connection) -> UUID | None:
    """The iteration that has waited longest."""
    return await connection.fetchval(
        "SELECT iteration_id FROM al.iteration_maps WHERE stage NOT IN ('drawn', 'failed')"
        " ORDER BY requested_at, iteration_id LIMIT 1"
    )


async def state(pool: asyncpg.Pool, iteration_id: UUID) -> asyncpg.Record | None:
    """How far the map of an iteration is; None: nobody has asked for it."""
    return await pool.fetchrow(
        "SELECT stage, share_done, problem, points FROM al.iteration_maps WHERE iteration_id = $1",
        iteration_id,
    )


async def tell(connection: asyncpg.Connection, iteration_id: UUID, stage: str, share_done: float) -> None:
    """Write how far it is, for the person who waits."""
    await connection.execute(
        "UPDATE al.iteration_maps SET stage = $2, share_done = $3 WHERE iteration_id = $1",
        iteration_id,
        stage,
        share_done,
    )


async def fail(connection: asyncpg.Connection, iteration_id: UUID, problem: str) -> None:
    """Write why there is no map."""
    await connection.execute(
        "UPDATE al.iteration_maps SET stage = 'failed', problem = $2 WHERE iteration_id = $1",
        iteration_id,
        problem,
    )


async def finish(
    connection: asyncpg.Connection, iteration_id: UUID, map_id: UUID, sets: NDArray[np.uint16]
) -> None:
    """Write which disjoint set each point of the map is in: the iteration is drawn."""
    await connection.execute(
        "UPDATE al.iteration_maps SET stage = 'drawn', share_done = 1, map_id = $2, points = $3, sets = $4"
        " WHERE iteration_id = $1",
        iteration_id,
        map_id,
        len(sets),
        sets.astype("<u2").tobytes(),
    )


# What a map stands on ------------------------------------------------------------------------------------


async def drawable(db: asyncpg.Connection | asyncpg.Pool, iteration_id: UUID) -> Drawable | None:
    """The iteration, once it has run."""
    row = await db.fetchrow(
        "SELECT iteration_id, model_id, dim, class_names, nodes, window_start, window_end, proposed_at,"
        " (settings->>'max_set')::int AS max_set, audios,"
        " status = 'proposed' AND coalesce((settings->>'control_share')::float, 0) > 0 AS blind"
        " FROM al.al_preprocessing JOIN audio.models USING (model_id)"
        " WHERE iteration_id = $1 AND proposed_at IS NOT NULL",
        iteration_id,
    )
    return Drawable(*row) if row else None


_WINDOW = (
    " audio.embeddings AS e JOIN audio.audios AS a USING (audio_id, start_utc)"
    " JOIN audio.nodes AS n USING (node_id) WHERE e.model_id = $1 AND e.start_utc >= $2 AND e.start_utc < $3"
    " AND (cardinality($4::text[]) = 0 OR n.name = ANY ($4))"
)


async def must_show(connection: asyncpg.Connection, of: Drawable) -> list[AudioKey]:
    """Its proposals, the medoids nearest to them, and the medoids that its window had."""
    rows = await connection.fetch(
        "WITH proposed AS (SELECT * FROM al.wavs_proposed WHERE iteration_id = $1)"
        " SELECT audio_id, start_utc FROM proposed"
        " UNION SELECT audio_id, start_utc FROM al.wavs_proposed"
        "  WHERE audio_id IN (SELECT nearest_medoid FROM proposed)"
        " UNION SELECT audio_id, start_utc FROM al.wavs_proposed WHERE label IS NOT NULL AND labeled_at < $2"
        "  AND start_utc >= $3 AND start_utc < $4 AND (cardinality($5::text[]) = 0 OR node = ANY ($5))",
        of.iteration_id,
        of.proposed_at,
        of.window_start,
        of.window_end,
        of.nodes,
    )
    return [AudioKey(*row) for row in rows]


async def sample(connection: asyncpg.Connection, of: Drawable, limit: int) -> list[AudioKey]:
    """At most `limit` audios of the window: those of the lowest ids, which follow from digests."""
    rows = await connection.fetch(
        f"SELECT e.audio_id, e.start_utc FROM {_WINDOW} ORDER BY e.audio_id LIMIT $5",
        of.model_id,
        of.window_start,
        of.window_end,
        of.nodes,
        limit,
    )
    return [AudioKey(*row) for row in rows]


async def unlabeled(connection: asyncpg.Connection, of: Drawable) -> Unlabeled:
    """The set U that the iteration had: embedded by then, and proposed by none before it."""
    rows = await connection.fetch(
        f"SELECT e.audio_id, e.top_classes[1], e.top_probabilities[1] FROM {_WINDOW}"
        " AND e.embedded_at < $5 AND NOT EXISTS (SELECT FROM al.wavs_proposed AS w"
        " JOIN al.al_preprocessing AS i USING (iteration_id)"
        " WHERE w.audio_id = e.audio_id AND i.proposed_at < $5 AND i.iteration_id <> $6)"
        " ORDER BY e.audio_id",
        of.model_id,
        of.window_start,
        of.window_end,
        of.nodes,
        of.proposed_at,
        of.iteration_id,
    )
    audio_ids, classes, probabilities = map(list, zip(*rows, strict=True)) if rows else ([], [], [])
    return Unlabeled(audio_ids, np.array(classes, np.int64), np.array(probabilities, np.float32))


async def vectors(connection: asyncpg.Connection, of: Drawable, keys: Sequence[AudioKey]) -> Vectors:
    """The embeddings of these audios, in order of audio id; without those that the model has not embedded."""
    rows: list[asyncpg.Record] = []
    ordered = sorted(keys)
    for start in range(0, len(ordered), VECTORS_AT_ONCE):
        some = ordered[start : start + VECTORS_AT_ONCE]
        rows += await connection.fetch(
            "SELECT e.audio_id, e.vector, e.top_classes[1] AS top_class"
            " FROM unnest($1::uuid[], $2::timestamptz[]) AS k (audio_id, start_utc)"
            " JOIN audio.embeddings AS e USING (audio_id, start_utc) WHERE e.model_id = $3 ORDER BY 1",
            [key.audio_id for key in some],
            [key.start for key in some],
            of.model_id,
        )
    return Vectors(
        [row["audio_id"] for row in rows],
        np.frombuffer(b"".join(row["vector"] for row in rows), "<f2").reshape(-1, of.dim),
        np.array([row["top_class"] for row in rows], np.int16),
    )


async def keys_of(connection: asyncpg.Connection, of: Drawable, audio_ids: Iterable[UUID]) -> list[AudioKey]:
    """The whole keys of audios that the model has embedded."""
    rows = await connection.fetch(
        "SELECT audio_id, start_utc FROM audio.embeddings WHERE model_id = $1 AND audio_id = ANY ($2)",
        of.model_id,
        list(audio_ids),
    )
    return [AudioKey(*row) for row in rows]


# Maps ----------------------------------------------------------------------------------------------------


async def find(db: asyncpg.Connection | asyncpg.Pool, map_id: UUID) -> Map | None:
    """The map, if it was fitted."""
    row = await db.fetchrow(
        "SELECT audio_ids, coordinates, top_classes, audios, fitted FROM al.maps WHERE map_id = $1", map_id
    )
    if row is None:
        return None
    encoded = row["audio_ids"]
    return Map(
        [UUID(bytes=encoded[at : at + ID_BYTES]) for at in range(0, len(encoded), ID_BYTES)],
        np.frombuffer(row["coordinates"], "<f4").reshape(-1, 2),
        np.frombuffer(row["top_classes"], "<i2"),
        row["audios"],
        row["fitted"],
    )


async def save(
    connection: asyncpg.Connection, map_id: UUID, model_id: str, made: Map, seconds: float, code_version: str
) -> None:
    """Write a map that was fitted, or one that has grown by placed points."""
    await connection.execute(
        "INSERT INTO al.maps (map_id, model_id, audios, fitted, audio_ids, coordinates, top_classes, seconds,"
        " code_version) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT (map_id) DO UPDATE SET"
        " audio_ids = excluded.audio_ids, coordinates = excluded.coordinates,"
        " top_classes = excluded.top_classes",
        map_id,
        model_id,
        made.audios,
        made.fitted,
        b"".join(audio_id.bytes for audio_id in made.audio_ids),
        made.coordinates.astype("<f4").tobytes(),
        made.top_classes.astype("<i2").tobytes(),
        seconds,
        code_version,
    )


# For people ------------------------------------------------------------------------------------------------


async def drawn(pool: asyncpg.Pool, iteration_id: UUID) -> asyncpg.Record | None:
    """map_id, points and sets of an iteration that is drawn."""
    return await pool.fetchrow(
        "SELECT map_id, points, sets FROM al.iteration_maps WHERE iteration_id = $1 AND stage = 'drawn'",
        iteration_id,
    )


def numbers(encoded: bytes) -> NDArray[np.uint16]:
    """The disjoint sets as stored: uint16 `[points]`."""
    return np.frombuffer(encoded, "<u2")


async def said_of(pool: asyncpg.Pool, of: Drawable, audio_ids: Sequence[UUID]) -> list[asyncpg.Record]:
    """Those of the audios that were ever proposed: by `of` or not, a medoid then or not, the label now."""
    return await pool.fetch(
        "SELECT audio_id, bool_or(iteration_id = $1) AS proposed,"
        " coalesce(bool_or(label IS NOT NULL AND labeled_at < $2), false) AS medoid,"
        " max(disjoint_set) FILTER (WHERE iteration_id = $1) AS disjoint_set,"
        " (array_agg(label ORDER BY labeled_at DESC) FILTER (WHERE labeled_at IS NOT NULL))[1] AS label"
        " FROM al.wavs_proposed WHERE audio_id = ANY ($3) GROUP BY audio_id",
        of.iteration_id,
        of.proposed_at,
        list(audio_ids),
    )


async def described(pool: asyncpg.Pool, of: Drawable, audio_ids: Sequence[UUID]) -> list[asyncpg.Record]:
    """What a person wants to know of audios: file, node, start, the tagger's classes, the label."""
    return await pool.fetch(
        "SELECT audio_id, a.start_utc, n.name AS node, a.file_name, a.duration_s, e.top_classes,"
        " e.top_probabilities, w.label, w.labelers, w.agreement_percent"
        " FROM audio.audios AS a JOIN audio.nodes AS n USING (node_id)"
        " LEFT JOIN audio.embeddings AS e USING (audio_id, start_utc)"
        " LEFT JOIN LATERAL (SELECT label, labelers, agreement_percent FROM al.wavs_proposed AS p"
        "  WHERE p.audio_id = a.audio_id AND labeled_at IS NOT NULL ORDER BY labeled_at DESC LIMIT 1) AS w"
        "  ON true"
        " WHERE audio_id = ANY ($1) AND (e.model_id = $2 OR e.model_id IS NULL)",
        list(audio_ids),
        of.model_id,
    )


async def stored_audio(pool: asyncpg.Pool, audio_id: UUID) -> asyncpg.Record | None:
    """Object key and digest of a recording."""
    return await pool.fetchrow(
        "SELECT p.path || f.object_name AS object_key, f.sha256"
        " FROM audio.audios f JOIN audio.paths p USING (path_id) WHERE f.audio_id = $1",
        audio_id,
    )
