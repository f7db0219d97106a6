"""The SQL of the maps: writes `al.maps` and `al.iteration_maps`."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

import asyncpg
import numpy as np
from numpy.typing import NDArray

from al_engine.catalog import windows
from al_engine.exact.audio_ids import from_bytes, ids_of, to_bytes, uuids
from al_engine.iterations import blinding, requests
from escolta.events import Window
from escolta.work import WorkTable

MAPS = WorkTable("al.iteration_maps", "iteration_id", 0x616D)
"""One map at a time: a fit takes a whole core."""


@dataclass(frozen=True)
class Drawable:
    """An iteration that has run, with what it chose from. `max_set` is N_max.

    `blind`: the reasons of its proposals may not be shown (`blinding.blind`).
    """

    iteration_id: UUID
    number: int
    windows: list[Window]
    cutoff: datetime
    model_id: str
    dim: int
    class_names: list[str]
    max_set: int
    audios: int
    blind: bool


class Point(NamedTuple):
    """An audio that can be on a map, by its whole key, and the tagger's top-1 class."""

    audio_id: UUID
    start: datetime
    top_class: int


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


# Requests ------------------------------------------------------------------------------------------------


async def request(pool: asyncpg.Pool, iteration_id: UUID) -> None:
    """Write that somebody wants to see the iteration; one that failed is tried again."""
    await pool.execute(
        "INSERT INTO al.iteration_maps AS m (iteration_id) VALUES ($1) ON CONFLICT (iteration_id)"
        " DO UPDATE SET status = 'requested', failure = NULL, attempts = 0, canceled = false"
        " WHERE m.status = 'failed'",
        iteration_id,
    )


async def state(pool: asyncpg.Pool, iteration_id: UUID) -> asyncpg.Record | None:
    """How far the map of an iteration is; None: nobody has asked for it."""
    return await pool.fetchrow(
        "SELECT status, stage, stage_done, stage_total, failure, points FROM al.iteration_maps"
        " WHERE iteration_id = $1",
        iteration_id,
    )


async def finish(
    connection: asyncpg.Connection, iteration_id: UUID, map_id: UUID, sets: NDArray[np.uint16]
) -> None:
    """Write which disjoint set each point of the map is in: the iteration is drawn."""
    await connection.execute(
        "UPDATE al.iteration_maps SET status = 'drawn', stage = NULL, map_id = $2, points = $3, sets = $4"
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
        "SELECT number, coalesce(cutoff, proposed_at) AS cutoff, model_id, dim, class_names,"
        " (settings->>'max_set')::int AS max_set, audios"
        " FROM al.al_preprocessing JOIN audio.models USING (model_id)"
        " WHERE iteration_id = $1 AND proposed_at IS NOT NULL",
        iteration_id,
    )
    request = await requests.request_of(db, iteration_id)
    if row is None or request is None:
        return None
    is_blind = await blinding.blind(db, iteration_id)
    return Drawable(iteration_id=iteration_id, windows=windows.windows_of(request), blind=is_blind, **row)


async def must_show(connection: asyncpg.Connection, shown: Drawable) -> list[UUID]:
    """Its proposals, the medoids and unresolved audios nearest to them, and the medoids of its windows."""
    rows = await connection.fetch(
        "SELECT audio_id FROM al.wavs_proposed WHERE iteration_id = $1"
        " UNION SELECT nearest_medoid FROM al.wavs_proposed"
        "  WHERE iteration_id = $1 AND nearest_medoid IS NOT NULL"
        " UNION SELECT nearest_unresolved FROM al.wavs_proposed"
        "  WHERE iteration_id = $1 AND nearest_unresolved IS NOT NULL"
        f" UNION SELECT w.audio_id FROM al.wavs_proposed AS w, {windows.windows_at(2)}"
        "  WHERE w.audio_id IN (SELECT unnest(audio_ids) FROM al.medoids WHERE iteration_id = $1)"
        f"  AND {windows.PROPOSED_IN}",
        shown.iteration_id,
        windows.encoded(shown.windows),
    )
    return [row["audio_id"] for row in rows]


async def sample(connection: asyncpg.Connection, shown: Drawable, limit: int) -> list[Point]:
    """At most `limit` audios of the windows: those of the lowest ids, which follow from digests."""
    found: set[Point] = set()
    for window in shown.windows:
        rows = await connection.fetch(
            "SELECT audio_id, start_utc, top_class FROM audio.hearable_embeddings"
            f" WHERE {windows.EMBEDDED_IN}"
            " AND top_class IS NOT NULL ORDER BY audio_id LIMIT $6",
            *await windows.in_window(connection, window, shown.model_id),
            limit,
        )
        found |= {Point(*row) for row in rows}
    return sorted(found)[:limit]


async def points_of(
    connection: asyncpg.Connection, shown: Drawable, audio_ids: Iterable[UUID]
) -> list[Point]:
    """Those of the audios that the model has embedded and that may be heard, in order of audio id."""
    rows = await connection.fetch(
        "SELECT audio_id, start_utc, top_class FROM audio.hearable_embeddings"
        " WHERE model_id = $1 AND audio_id = ANY ($2) AND top_class IS NOT NULL ORDER BY audio_id",
        shown.model_id,
        list(audio_ids),
    )
    return [Point(*row) for row in rows]


# Maps ----------------------------------------------------------------------------------------------------


async def find(db: asyncpg.Connection | asyncpg.Pool, map_id: UUID) -> Map | None:
    """The map, if it was fitted."""
    row = await db.fetchrow(
        "SELECT audio_ids, coordinates, top_classes, audios, fitted FROM al.maps WHERE map_id = $1", map_id
    )
    if row is None:
        return None
    return Map(
        uuids(from_bytes(row["audio_ids"])),
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
        to_bytes(ids_of(made.audio_ids)),
        made.coordinates.astype("<f4").tobytes(),
        made.top_classes.astype("<i2").tobytes(),
        seconds,
        code_version,
    )


# For people ------------------------------------------------------------------------------------------------


async def drawn(pool: asyncpg.Pool, iteration_id: UUID) -> asyncpg.Record | None:
    """map_id, points and sets of an iteration that is drawn."""
    return await pool.fetchrow(
        "SELECT map_id, points, sets FROM al.iteration_maps WHERE iteration_id = $1 AND status = 'drawn'",
        iteration_id,
    )


def numbers(encoded: bytes) -> NDArray[np.uint16]:
    """The disjoint sets as stored: uint16 `[points]`."""
    return np.frombuffer(encoded, "<u2")


async def roles_of(pool: asyncpg.Pool, shown: Drawable, audio_ids: Sequence[UUID]) -> list[asyncpg.Record]:
    """Of audios that were ever proposed: by this iteration or not, a medoid then or not, the label now."""
    return await pool.fetch(
        "SELECT audio_id, bool_or(iteration_id = $1) AS proposed,"
        " audio_id IN (SELECT unnest(audio_ids) FROM al.medoids WHERE iteration_id = $1) AS medoid,"
        " max(disjoint_set) FILTER (WHERE iteration_id = $1) AS disjoint_set,"
        " (array_agg(label ORDER BY agreement_version DESC) FILTER (WHERE labeled_at IS NOT NULL))[1]"
        " AS label"
        " FROM al.wavs_proposed WHERE audio_id = ANY ($2) GROUP BY audio_id",
        shown.iteration_id,
        list(audio_ids),
    )


async def described(pool: asyncpg.Pool, shown: Drawable, audio_ids: Sequence[UUID]) -> list[asyncpg.Record]:
    """What a person wants to know of audios that may be heard: file, node, start, tagger's classes, label."""
    return await pool.fetch(
        "SELECT audio_id, a.start_utc, n.name AS node, a.file_name, a.duration_s,"
        " a.channels_heard, e.top_classes,"
        " e.top_probabilities, w.label, w.labelers, w.agreement_percent"
        " FROM audio.hearable AS a JOIN audio.nodes AS n USING (node_id)"
        " LEFT JOIN audio.hearable_embeddings AS e USING (audio_id, start_utc)"
        " LEFT JOIN LATERAL (SELECT label, labelers, agreement_percent FROM al.wavs_proposed AS p"
        "  WHERE p.audio_id = a.audio_id AND labeled_at IS NOT NULL"
        "  ORDER BY agreement_version DESC LIMIT 1) AS w ON true"
        " WHERE audio_id = ANY ($1) AND (e.model_id = $2 OR e.model_id IS NULL)",
        list(audio_ids),
        shown.model_id,
    )


async def stored_audio(pool: asyncpg.Pool, audio_id: UUID) -> asyncpg.Record | None:
    """Object key and digest of a recording that may be heard."""
    return await pool.fetchrow(
        "SELECT p.path || f.object_name AS object_key, f.sha256"
        " FROM audio.hearable f JOIN audio.paths p USING (path_id) WHERE f.audio_id = $1",
        audio_id,
    )
