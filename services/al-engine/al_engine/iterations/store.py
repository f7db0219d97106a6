"""The al-engine's SQL: requests, records, labels. It writes the tables `al.*`."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

import asyncpg

from escolta.errors import Misconfigured
from escolta.events import AudioLabeled, IterationRequested, Window

ONE_ITERATION = 0x616C  # advisory lock "al": two iterations at once would propose the same audios
REQUEST = (
    "iteration_id, nodes, window_start, window_end, batch, follow_ups, hours, further_windows, strategy,"
    " scheduled_for"
)


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
    control: bool


# Requests ------------------------------------------------------------------------------------------------


async def add_request(pool: asyncpg.Pool, request: IterationRequested) -> None:
    """Write the request; one that is there already, or one for the same place in the schedule, stays."""
    await pool.execute(
        f"INSERT INTO al.al_preprocessing ({REQUEST})"
        " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) ON CONFLICT DO NOTHING",
        request.iteration_id,
        list(request.nodes),
        request.window_start,
        request.window_end,
        request.batch,
        request.follow_ups,
        request.hours,
        [window.model_dump(mode="json") for window in request.further_windows],
        request.strategy,
        request.scheduled_for,
    )


async def requested(
    connection: asyncpg.Connection | asyncpg.Pool, iteration_id: UUID
) -> IterationRequested | None:
    """The iteration, if it still waits to be run."""
    row = await connection.fetchrow(
        f"SELECT {REQUEST} FROM al.al_preprocessing WHERE iteration_id = $1 AND status = 'requested'",
        iteration_id,
    )
    return _request(row) if row else None


async def request_of(connection: asyncpg.Connection, iteration_id: UUID) -> IterationRequested | None:
    """What was asked for, whatever has become of it."""
    row = await connection.fetchrow(
        f"SELECT {REQUEST} FROM al.al_preprocessing WHERE iteration_id = $1", iteration_id
    )
    return _request(row) if row else None


def _request(row: asyncpg.Record) -> IterationRequested:
    return IterationRequested(**row)


async def all_requested(pool: asyncpg.Pool) -> list[UUID]:
    """Iterations that wait to be run, in the order in which they were asked for."""
    rows = await pool.fetch(
        "SELECT iteration_id FROM al.al_preprocessing WHERE status = 'requested' ORDER BY requested_at"
    )
    return [row["iteration_id"] for row in rows]


async def begun(connection: asyncpg.Connection) -> list[UUID]:
    """Iterations that have fixed what they choose from and were stopped before their record."""
    rows = await connection.fetch(
        "SELECT iteration_id FROM al.al_preprocessing WHERE status = 'requested' AND number IS NOT NULL"
        " ORDER BY number"
    )
    return [row["iteration_id"] for row in rows]


async def count_attempt(connection: asyncpg.Connection, iteration_id: UUID) -> int:
    """How often the iteration has been begun, this time included."""
    return await connection.fetchval(
        "UPDATE al.al_preprocessing SET attempts = attempts + 1 WHERE iteration_id = $1 RETURNING attempts",
        iteration_id,
    )


async def forget_attempt(pool: asyncpg.Pool, iteration_id: UUID) -> None:
    """This attempt ended for a reason that has nothing to do with the iteration.

    Where the catalog is still away it stays counted: what ended the attempt is to be told, and not this.
    """
    with suppress(OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
        await pool.execute(
            "UPDATE al.al_preprocessing SET attempts = attempts - 1 WHERE iteration_id = $1", iteration_id
        )


def was_cut_off(error: Exception) -> bool:
    """Whether the database went away in mid-work.

    Unlike `is_transient`, not that it took too long or had no room: that may be so at every attempt.
    """
    return isinstance(
        error,
        ConnectionError
        | asyncpg.InterfaceError
        | asyncpg.PostgresConnectionError
        | asyncpg.AdminShutdownError
        | asyncpg.CrashShutdownError
        | asyncpg.CannotConnectNowError,
    )


async def fail(connection: asyncpg.Connection, iteration_id: UUID, why: str) -> None:
    """Give the iteration up, with the reason."""
    await connection.execute(
        "UPDATE al.al_preprocessing SET status = 'failed', failure = $2, stage = NULL"
        " WHERE iteration_id = $1",
        iteration_id,
        why,
    )


async def tell(
    pool: asyncpg.Pool, iteration_id: UUID, stage: str, done: int | None = None, total: int | None = None
) -> None:
    """What the iteration is at, for the person who waits."""
    await pool.execute(
        "UPDATE al.al_preprocessing SET stage = $2, stage_done = $3, stage_total = $4"
        " WHERE iteration_id = $1 AND status = 'requested'",
        iteration_id,
        stage,
        done,
        total,
    )


async def model_in_use(connection: asyncpg.Connection, name: str) -> tuple[str, int]:
    """Id and dim of the model of that name that is done with most audios; of equals the newest.

    So the old one serves while a new one (other weights, another front end) still embeds the catalog again.
    Raises `Misconfigured` where there is none.
    """
    rows = await connection.fetch(
        "SELECT model_id, dim FROM audio.models WHERE name = $1 ORDER BY added_at DESC, model_id", name
    )
    if not rows:
        raise Misconfigured(
            f"no audio is embedded by a model {name!r}: start the embedder, or set ESCOLTA_MODEL"
        )
    if len(rows) > 1:  # counting takes a second for some millions
        counted = await connection.fetch(
            "SELECT model_id, (SELECT count(*) FROM audio.embeddings AS e WHERE e.model_id = m.model_id)"
            " + (SELECT count(*) FROM audio.embedding_failures AS f WHERE f.model_id = m.model_id) AS done"
            " FROM audio.models AS m WHERE name = $1",
            name,
        )
        done = {row["model_id"]: row["done"] for row in counted}
        rows.sort(key=lambda row: -done[row["model_id"]])
    return rows[0]["model_id"], rows[0]["dim"]


# Records ---------------------------------------------------------------------------------------------------


async def described(
    pool: asyncpg.Pool, audio_ids: Sequence[UUID], starts: Sequence[datetime]
) -> dict[UUID, tuple[str, str]]:
    """Node and file name of each audio."""
    rows = await pool.fetch(
        "SELECT audio_id, name, file_name"
        " FROM unnest($1::uuid[], $2::timestamptz[]) AS w (audio_id, start_utc)"
        " JOIN audio.audios USING (audio_id, start_utc) JOIN audio.nodes USING (node_id)",
        list(audio_ids),
        list(starts),
    )
    return {row["audio_id"]: (row["name"], row["file_name"]) for row in rows}


async def proposed_before(
    connection: asyncpg.Connection, windows: Sequence[Window], model_id: str, number: int
) -> tuple[int, int]:
    """Audios of the windows, embedded by this model, that were proposed before, and how many have a label."""
    return tuple(
        await connection.fetchrow(
            "SELECT count(DISTINCT w.audio_id),"
            " count(DISTINCT w.audio_id) FILTER (WHERE w.label IS NOT NULL)"
            " FROM al.wavs_proposed AS w JOIN al.al_preprocessing AS i USING (iteration_id)"
            " WHERE i.number < $3 AND EXISTS (SELECT FROM audio.embeddings AS e"
            " WHERE e.audio_id = w.audio_id AND e.start_utc = w.start_utc AND e.model_id = $2)"
            " AND EXISTS (SELECT FROM jsonb_to_recordset($1) AS v"
            " (nodes text[], window_start timestamptz, window_end timestamptz, hours smallint[])"
            " WHERE (cardinality(v.nodes) = 0 OR w.node = ANY (v.nodes)) AND w.start_utc >= v.window_start"
            " AND w.start_utc < v.window_end AND al.within_hours(w.start_utc, v.hours))",
            [window.model_dump(mode="json") for window in windows],
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
            " predicted_probability, mismatched, control)"
            " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)",
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


async def closed_with_follow_ups(
    pool: asyncpg.Pool, iteration_id: UUID | None = None
) -> list[IterationRequested]:
    """Closed iterations that another one follows: this one, or all."""
    rows = await pool.fetch(
        f"SELECT {REQUEST} FROM al.al_preprocessing"
        " WHERE status = 'closed' AND follow_ups > 0 AND ($1::uuid IS NULL OR iteration_id = $1)",
        iteration_id,
    )
    return [_request(row) for row in rows]


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


async def last_scheduled(pool: asyncpg.Pool) -> datetime | None:
    """The last moment for which the schedule has asked for an iteration."""
    return await pool.fetchval("SELECT max(scheduled_for) FROM al.al_preprocessing")


async def never_labeled(pool: asyncpg.Pool, model_id: str) -> list[tuple[UUID, datetime, str]]:
    """Id, start and file name of every embedded audio that no group is done with."""
    rows = await pool.fetch(
        "SELECT e.audio_id, e.start_utc, a.file_name FROM audio.embeddings AS e"
        " JOIN audio.audios AS a USING (audio_id, start_utc) WHERE e.model_id = $1"
        " AND NOT EXISTS (SELECT FROM al.wavs_proposed AS w"
        "                 WHERE w.audio_id = e.audio_id AND w.labeled_at IS NOT NULL) ORDER BY e.audio_id",
        model_id,
    )
    return [tuple(row) for row in rows]
