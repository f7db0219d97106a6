"""The SQL of records: what an iteration stood on, proposed and predicted. Writes `al.*`."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

import asyncpg

from al_engine.catalog.windows import PROPOSED_IN, encoded, windows_at
from escolta.events import Window


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
    nearest_unresolved: UUID | None
    unresolved_distance: float | None
    unresolved_probability: float | None
    mismatched: bool
    control: bool
    suggested: list[int] | None


async def described(
    pool: asyncpg.Pool, audio_ids: Sequence[UUID], starts: Sequence[datetime]
) -> dict[UUID, tuple[str, str]]:
    """Node and file name of each audio that may be heard."""
    rows = await pool.fetch(
        "SELECT audio_id, name, file_name"
        " FROM unnest($1::uuid[], $2::timestamptz[]) AS w (audio_id, start_utc)"
        " JOIN audio.hearable USING (audio_id, start_utc) JOIN audio.nodes USING (node_id)",
        list(audio_ids),
        list(starts),
    )
    return {row["audio_id"]: (row["name"], row["file_name"]) for row in rows}


async def proposed_before(
    connection: asyncpg.Connection, windows: Sequence[Window], model_id: str, number: int
) -> tuple[int, int]:
    """Audios of the windows, embedded by this model, that may be heard and were proposed before, and how many
    have a label."""
    return tuple(
        await connection.fetchrow(
            "SELECT count(DISTINCT w.audio_id),"
            " count(DISTINCT w.audio_id) FILTER (WHERE w.label IS NOT NULL)"
            " FROM al.wavs_proposed AS w JOIN al.al_preprocessing AS i USING (iteration_id)"
            " WHERE i.number < $3 AND EXISTS (SELECT FROM audio.hearable_embeddings AS e"
            " WHERE e.audio_id = w.audio_id AND e.start_utc = w.start_utc AND e.model_id = $2)"
            f" AND EXISTS (SELECT FROM {windows_at(1)} WHERE {PROPOSED_IN})",
            encoded(windows),
            model_id,
            number,
        )
    )


async def record(
    connection: asyncpg.Connection,
    iteration_id: UUID,
    facts: Mapping[str, Any],
    proposals: Sequence[ProposalRow],
    predictions: tuple[bytes, bytes, list[str]] | None,
) -> None:
    """Write the iteration's record, columns and their values, and its proposals: all or nothing (step 5).

    `predictions`: audio ids, classes and class names as `al.predictions` holds them.
    """
    assignments = ", ".join(f"{name} = ${place}" for place, name in enumerate(facts, start=2))
    async with connection.transaction():
        await connection.execute(
            f"UPDATE al.al_preprocessing SET {assignments}, proposed_at = now(), stage = NULL,"
            " stage_done = NULL, stage_total = NULL WHERE iteration_id = $1",
            iteration_id,
            *facts.values(),
        )
        await connection.executemany(
            "INSERT INTO al.wavs_proposed (iteration_id, audio_id, start_utc, node, file_name, rank,"
            " disjoint_set, nearest_medoid, distance, propagated_class, predicted_class,"
            " predicted_probability, nearest_unresolved, unresolved_distance, unresolved_probability,"
            " mismatched, control, suggested)"
            " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18)",
            [(iteration_id, *proposal) for proposal in proposals],
        )
        if predictions:
            await connection.execute(
                "INSERT INTO al.predictions (iteration_id, audio_ids, classes, class_names)"
                " VALUES ($1, $2, $3, $4)",
                iteration_id,
                *predictions,
            )


async def last_predictions(
    connection: asyncpg.Connection, number: int, model_id: str
) -> tuple[bytes, bytes, list[str]] | None:
    """What the last iteration before this one wrote of its predictions by the same model."""
    row = await connection.fetchrow(
        "SELECT audio_ids, classes, class_names FROM al.predictions JOIN al.al_preprocessing AS i"
        " USING (iteration_id) WHERE i.number < $1 AND i.model_id = $2 ORDER BY i.number DESC LIMIT 1",
        number,
        model_id,
    )
    return tuple(row) if row else None


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
