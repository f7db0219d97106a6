"""What label-gateway has written of a batch: read from its rows, whatever a message says of them."""

from collections.abc import Sequence
from uuid import UUID

import asyncpg

ProposalKey = tuple[UUID, UUID]
"""Iteration and audio that a message tells of."""

# An agreement that was corrected has a later version; an earlier one never takes the place of a later.
_TAKE_UP = """
    UPDATE al.wavs_proposed AS w
    SET label = g.label, labelers = g.labelers, agreement_percent = g.agreement_percent,
        labeled_at = g.agreed_at, agreement_version = g.version
    FROM (SELECT g.*, o.name AS label
          FROM label.agreements AS g LEFT JOIN audio.ontology AS o USING (class_id)) AS g
    WHERE (w.iteration_id, w.audio_id) = (g.iteration_id, g.audio_id)
    AND coalesce(w.agreement_version, 0) < g.version
"""


async def take_up(pool: asyncpg.Pool, proposals: Sequence[ProposalKey]) -> set[ProposalKey]:
    """Write the agreed classes of these proposals; returns those on which no agreement is written."""
    iterations = [iteration_id for iteration_id, _ in proposals]
    audios = [audio_id for _, audio_id in proposals]
    asked = "(SELECT * FROM unnest($1::uuid[], $2::uuid[]))"
    await pool.execute(f"{_TAKE_UP} AND (g.iteration_id, g.audio_id) IN {asked}", iterations, audios)
    rows = await pool.fetch(
        f"SELECT iteration_id, audio_id FROM label.agreements WHERE (iteration_id, audio_id) IN {asked}",
        iterations,
        audios,
    )
    return set(proposals) - {(row["iteration_id"], row["audio_id"]) for row in rows}


async def take_up_all(pool: asyncpg.Pool, iteration_id: UUID | None = None) -> None:
    """Write every agreed class that is new or corrected: of one iteration, or of all."""
    await pool.execute(f"{_TAKE_UP} AND ($1::uuid IS NULL OR g.iteration_id = $1)", iteration_id)


async def close(pool: asyncpg.Pool, iteration_id: UUID) -> bool:
    """Mark the iteration closed, once; False where label-gateway has not closed it."""
    await pool.execute(
        "UPDATE al.al_preprocessing AS i SET status = 'closed', closed_at = now()"
        " FROM label.closed_iterations AS c"
        " WHERE c.iteration_id = i.iteration_id AND i.iteration_id = $1 AND status = 'proposed'",
        iteration_id,
    )
    return await pool.fetchval(
        "SELECT EXISTS (SELECT FROM label.closed_iterations WHERE iteration_id = $1)", iteration_id
    )


async def missed_closings(pool: asyncpg.Pool) -> list[UUID]:
    """Iterations that label-gateway has closed and we have not."""
    rows = await pool.fetch(
        "SELECT iteration_id FROM label.closed_iterations JOIN al.al_preprocessing USING (iteration_id)"
        " WHERE status = 'proposed'"
    )
    return [row["iteration_id"] for row in rows]
