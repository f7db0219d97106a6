"""The al-engine's SQL: writes `al.al_preprocessing` and `al.wavs_proposed`."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

import asyncpg
import numpy as np
from numpy.typing import NDArray

from escolta.events import AudioLabeled, IterationRequested

ROWS_AT_ONCE = 2000
ONE_ITERATION = 0x616C  # advisory lock "al": two iterations at once would propose the same audios


@dataclass(frozen=True)
class Requested:
    """An iteration that somebody asked for. No `nodes`: every node. `window_end` is not in the window."""

    iteration_id: UUID
    nodes: list[str]
    window_start: datetime
    window_end: datetime
    batch: int
    follow_ups: int


@dataclass(frozen=True)
class Audios:
    """Audios with an embedding, row by row; `vectors` float32 `[audios, dim]`."""

    audio_ids: list[UUID]
    starts: list[datetime]
    nodes: list[str]
    file_names: list[str]
    vectors: NDArray[np.float32]
    top_classes: NDArray[np.int64]
    top_probabilities: NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.audio_ids)


@dataclass(frozen=True)
class Medoids:
    """Labeled audios with an agreed class; `vectors` float32 `[medoids, dim]`."""

    audio_ids: list[UUID]
    classes: list[str]
    in_window: int
    vectors: NDArray[np.float32]


class ProposalRow(NamedTuple):
    """A proposal as `al.wavs_proposed` holds it, in the order of its columns."""

    audio_id: UUID
    start: datetime
    node: str
    file_name: str
    rank: int
    disjoint_set: int
    nearest_medoid: UUID | None
    distance: float | None
    propagated_class: str | None
    predicted_class: str | None
    predicted_probability: float | None
    mismatched: bool


# Requests ------------------------------------------------------------------------------------------------


async def add_request(pool: asyncpg.Pool, request: IterationRequested) -> None:
    """Write the request; one that is there already stays as it is."""
    await pool.execute(
        "INSERT INTO al.al_preprocessing (iteration_id, nodes, window_start, window_end, batch, follow_ups)"
        " VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (iteration_id) DO NOTHING",
        request.iteration_id,
        list(request.nodes),
        request.window_start,
        request.window_end,
        request.batch,
        request.follow_ups,
    )


async def requested(connection: asyncpg.Connection, iteration_id: UUID) -> Requested | None:
    """The iteration, if it still waits to be run."""
    row = await connection.fetchrow(
        "SELECT iteration_id, nodes, window_start, window_end, batch, follow_ups FROM al.al_preprocessing"
        " WHERE iteration_id = $1 AND status = 'requested'",
        iteration_id,
    )
    return Requested(*row) if row else None


async def all_requested(pool: asyncpg.Pool) -> list[UUID]:
    """Iterations that wait to be run, in the order in which they were asked for."""
    rows = await pool.fetch(
        "SELECT iteration_id FROM al.al_preprocessing WHERE status = 'requested' ORDER BY requested_at"
    )
    return [row["iteration_id"] for row in rows]


# What an iteration stands on -------------------------------------------------------------------------------


async def newest_model(connection: asyncpg.Connection, name: str) -> tuple[str, int] | None:
    """Id and dim of the newest model of that name that has its row."""
    row = await connection.fetchrow(
        "SELECT model_id, dim FROM audio.models WHERE name = $1 ORDER BY added_at DESC, model_id LIMIT 1",
        name,
    )
    return (row["model_id"], row["dim"]) if row else None


async def audios_in_window(connection: asyncpg.Connection, request: Requested, model_id: str) -> int:
    """How many audios of the window have an embedding: the size of the set S."""
    return await connection.fetchval(
        "SELECT count(*) FROM audio.embeddings AS e JOIN audio.audios AS a USING (audio_id, start_utc)"
        " JOIN audio.nodes AS n USING (node_id)"
        " WHERE e.model_id = $1 AND e.start_utc >= $2 AND e.start_utc < $3"
        " AND (cardinality($4::text[]) = 0 OR n.name = ANY ($4))",
        model_id,
        request.window_start,
        request.window_end,
        request.nodes,
    )


async def unlabeled(connection: asyncpg.Connection, request: Requested, model_id: str, dim: int) -> Audios:
    """The set U: audios of the window that were never proposed, in order of audio id."""
    return await _audios(
        connection,
        dim,
        " AND e.start_utc >= $2 AND e.start_utc < $3"
        " AND (cardinality($4::text[]) = 0 OR n.name = ANY ($4))"
        " AND NOT EXISTS (SELECT FROM al.wavs_proposed AS w WHERE w.audio_id = e.audio_id)",
        model_id,
        request.window_start,
        request.window_end,
        request.nodes,
    )


async def never_labeled(connection: asyncpg.Connection, model_id: str, dim: int) -> Audios:
    """Every embedded audio that no group is done with."""
    return await _audios(
        connection,
        dim,
        " AND NOT EXISTS (SELECT FROM al.wavs_proposed AS w"
        "                 WHERE w.audio_id = e.audio_id AND w.labeled_at IS NOT NULL)",
        model_id,
    )


async def _audios(connection: asyncpg.Connection, dim: int, condition: str, *arguments: Any) -> Audios:
    """Embedded audios that meet `condition`; $1 is the model."""
    query = (
        "SELECT e.audio_id, e.start_utc, n.name, a.file_name, e.vector, e.top_classes[1] AS top_class,"
        " e.top_probabilities[1] AS top_probability"
        " FROM audio.embeddings AS e JOIN audio.audios AS a USING (audio_id, start_utc)"
        f" JOIN audio.nodes AS n USING (node_id) WHERE e.model_id = $1{condition} ORDER BY e.audio_id"
    )
    found: list[asyncpg.Record] = []
    vectors: list[NDArray[np.float32]] = []
    async with connection.transaction(readonly=True):
        cursor = await connection.cursor(query, *arguments)
        while rows := await cursor.fetch(ROWS_AT_ONCE):
            vectors.append(_vectors([row["vector"] for row in rows], dim))
            found += [row[:4] + row[5:] for row in map(tuple, rows)]
    audio_ids, starts, nodes, file_names, classes, probabilities = (
        map(list, zip(*found, strict=True)) if found else ([], [], [], [], [], [])
    )
    return Audios(
        audio_ids,
        starts,
        nodes,
        file_names,
        np.concatenate(vectors) if vectors else np.empty((0, dim), np.float32),
        np.array(classes, np.int64),
        np.array(probabilities, np.float32),
    )


async def medoids(
    connection: asyncpg.Connection, request: Requested, model_id: str, dim: int, limit: int
) -> Medoids:
    """At most `limit` medoids for a run, in the order of algorithm step 4.

    Those of the window; then those of its nodes from other times, nearest in time first; then those of
    other nodes, nearest in time first. An audio that was labeled twice has its newest class.
    """
    rows = await connection.fetch(
        "WITH newest AS ("
        " SELECT DISTINCT ON (audio_id) audio_id, start_utc, node, label FROM al.wavs_proposed"
        " WHERE labeled_at IS NOT NULL ORDER BY audio_id, labeled_at DESC, iteration_id),"
        " placed AS ("
        " SELECT *, (cardinality($4::text[]) = 0 OR node = ANY ($4)) AS same_node,"
        " greatest($2 - start_utc, start_utc - $3, interval '0') AS away FROM newest WHERE label IS NOT NULL)"
        " SELECT audio_id, label, vector,"
        " same_node AND start_utc >= $2 AND start_utc < $3 AS in_window"
        " FROM placed JOIN audio.embeddings USING (audio_id, start_utc) WHERE model_id = $1"
        " ORDER BY in_window DESC, same_node DESC, away, audio_id LIMIT $5",
        model_id,
        request.window_start,
        request.window_end,
        request.nodes,
        limit,
    )
    return Medoids(
        [row["audio_id"] for row in rows],
        [row["label"] for row in rows],
        sum(row["in_window"] for row in rows),
        _vectors([row["vector"] for row in rows], dim),
    )


def _vectors(encoded: Sequence[bytes], dim: int) -> NDArray[np.float32]:
    """float16 as stored to float32 `[rows, dim]`."""
    return np.frombuffer(b"".join(encoded), "<f2").reshape(-1, dim).astype(np.float32)


# Records ---------------------------------------------------------------------------------------------------


async def record(
    connection: asyncpg.Connection,
    iteration_id: UUID,
    facts: dict[str, Any],
    proposals: Sequence[ProposalRow],
) -> None:
    """Write the iteration's record, columns and their values, and its proposals: all or nothing (step 5)."""
    assignments = ", ".join(f"{name} = ${place}" for place, name in enumerate(facts, start=2))
    async with connection.transaction():
        await connection.execute(
            f"UPDATE al.al_preprocessing SET {assignments}, proposed_at = now() WHERE iteration_id = $1",
            iteration_id,
            *facts.values(),
        )
        await connection.executemany(
            "INSERT INTO al.wavs_proposed (iteration_id, audio_id, start_utc, node, file_name, rank,"
            " disjoint_set, nearest_medoid, distance, propagated_class, predicted_class,"
            " predicted_probability, mismatched)"
            " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)",
            [(iteration_id, *proposal) for proposal in proposals],
        )


# Labels ---------------------------------------------------------------------------------------------------


async def save_labels(pool: asyncpg.Pool, labeled: Sequence[AudioLabeled]) -> None:
    """Write what groups said to the proposals."""
    await pool.executemany(
        "UPDATE al.wavs_proposed SET label = $3, labelers = $4, agreement_percent = $5,"
        " labeled_at = coalesce(labeled_at, now()) WHERE iteration_id = $1 AND audio_id = $2",
        [
            (event.iteration_id, event.audio_id, event.label, event.labelers, event.agreement_percent)
            for event in labeled
        ],
    )


async def missed_labels(pool: asyncpg.Pool, iteration_id: UUID | None = None) -> list[AudioLabeled]:
    """Agreements that never came as an event, of one iteration or of all."""
    rows = await pool.fetch(
        "SELECT g.iteration_id, g.audio_id, o.name AS label, g.labelers, g.agreement_percent"
        " FROM label.agreements AS g JOIN al.wavs_proposed AS w USING (iteration_id, audio_id)"
        " LEFT JOIN audio.ontology AS o USING (class_id)"
        " WHERE w.labeled_at IS NULL AND ($1::uuid IS NULL OR g.iteration_id = $1)",
        iteration_id,
    )
    return [AudioLabeled(**row) for row in rows]


async def close(pool: asyncpg.Pool, iteration_id: UUID) -> None:
    """Mark the iteration closed, once."""
    await pool.execute(
        "UPDATE al.al_preprocessing SET status = 'closed', closed_at = now()"
        " WHERE iteration_id = $1 AND status = 'proposed'",
        iteration_id,
    )


async def missed_closings(pool: asyncpg.Pool) -> list[UUID]:
    """Iterations that label-gateway has closed and we have not."""
    rows = await pool.fetch(
        "SELECT iteration_id FROM label.closed_iterations JOIN al.al_preprocessing USING (iteration_id)"
        " WHERE status = 'proposed'"
    )
    return [row["iteration_id"] for row in rows]


async def closed_with_follow_ups(pool: asyncpg.Pool, iteration_id: UUID | None = None) -> list[Requested]:
    """Closed iterations that another one follows: this one, or all."""
    rows = await pool.fetch(
        "SELECT iteration_id, nodes, window_start, window_end, batch, follow_ups FROM al.al_preprocessing"
        " WHERE status = 'closed' AND follow_ups > 0 AND ($1::uuid IS NULL OR iteration_id = $1)",
        iteration_id,
    )
    return [Requested(*row) for row in rows]


async def known(pool: asyncpg.Pool, iteration_ids: Sequence[UUID]) -> set[UUID]:
    """Those of `iteration_ids` that have their row."""
    rows = await pool.fetch(
        "SELECT iteration_id FROM al.al_preprocessing WHERE iteration_id = ANY ($1)", list(iteration_ids)
    )
    return {row["iteration_id"] for row in rows}


# For people -----------------------------------------------------------------------------------------------


async def iterations(pool: asyncpg.Pool) -> list[asyncpg.Record]:
    """Every iteration, the newest last."""
    return await pool.fetch("SELECT * FROM al.al_preprocessing ORDER BY requested_at, iteration_id")


async def iteration(pool: asyncpg.Pool, iteration_id: UUID) -> asyncpg.Record | None:
    """One iteration."""
    return await pool.fetchrow("SELECT * FROM al.al_preprocessing WHERE iteration_id = $1", iteration_id)


async def proposals(pool: asyncpg.Pool, iteration_id: UUID) -> list[asyncpg.Record]:
    """The proposals of an iteration with their reasons, by rank."""
    return await pool.fetch(
        "SELECT * FROM al.wavs_proposed WHERE iteration_id = $1 ORDER BY rank", iteration_id
    )
