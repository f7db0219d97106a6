"""Replays an iteration from its record: the same audios, on any machine and however the catalog has grown."""

from dataclasses import dataclass, replace
from uuid import UUID

import asyncpg

from al_engine.iterations import inputs, records, requests
from al_engine.iterations.proposing import ChangedAudios, NoWatch, propose
from escolta.errors import Rejected


@dataclass(frozen=True)
class Replayed:
    """Audio ids by rank, as the record has them and as they came out now."""

    recorded: list[UUID]
    found: list[UUID]


async def replay(pool: asyncpg.Pool, iteration_id: UUID) -> Replayed:
    """Run the iteration again from its record and change nothing.

    Raises `Rejected` where the record does not allow it: no such iteration, not run yet, another method,
    audios or embeddings that are gone.
    """
    async with pool.acquire() as connection:
        request = await requests.request_of(connection, iteration_id)
        if request is None:
            raise Rejected(f"there is no iteration {iteration_id}")
        row = await records.iteration(pool, iteration_id)
        if row is None or row["proposed_at"] is None:
            raise Rejected(f"iteration {iteration_id} has not been run yet: there is nothing to replay")
        stands_on = await inputs.frozen(connection, request)
    if stands_on is None:
        raise Rejected(
            f"iteration {iteration_id} was run by an Escolta that did not record what it stood on"
            f" (code version {row['code_version']})"
        )
    if stands_on.method != inputs.METHOD:
        raise Rejected(
            f"iteration {iteration_id} was chosen by method {stands_on.method} and this Escolta has method "
            f"{inputs.METHOD}, which may choose otherwise: replay it with code version {row['code_version']}"
        )
    try:
        audios_alone = replace(stands_on, suggesting=None)
        outcome = await propose(pool, audios_alone, NoWatch(), digest=row["unlabeled_digest"])
    except ChangedAudios as changed:
        raise Rejected(
            f"iteration {iteration_id} chose from {row['unlabeled']} audios, of which the catalog now has"
            f" {changed.now} by the model {stands_on.model_id}: it cannot be replayed"
        ) from None
    recorded = [entry["audio_id"] for entry in await records.proposals(pool, iteration_id)]
    return Replayed(recorded, [proposal.audio_id for proposal in outcome.selection.proposals])
