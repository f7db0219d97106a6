"""What may be told of a batch: the one rule that keeps the control arm unknown while people label it."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

import asyncpg

REASON = (
    "disjoint_set",
    "nearest_medoid",
    "distance",
    "propagated_class",
    "predicted_class",
    "predicted_probability",
    "nearest_unresolved",
    "unresolved_distance",
    "unresolved_probability",
    "mismatched",
)
"""The columns of a proposal that say why it was chosen; those of a drawn one would not."""


async def blind(db: asyncpg.Connection | asyncpg.Pool, iteration_id: UUID) -> bool:
    """Whether the batch is not closed and has a control arm: then no reason may be shown, to anybody.

    Ask before the proposals are read: a batch that is closed stays closed, so nothing is told too early.
    """
    return await db.fetchval(
        "SELECT EXISTS (SELECT FROM al.wavs_proposed JOIN al.al_preprocessing USING (iteration_id)"
        " WHERE iteration_id = $1 AND control AND status <> 'closed')",
        iteration_id,
    )


def redacted_settings(iteration: Mapping[str, Any]) -> dict[str, Any]:
    """An iteration's row as people may see it: the seed, which draws the control arm, when it is closed."""
    settings = iteration["settings"]
    if settings and iteration["status"] != "closed":
        settings = {name: value for name, value in settings.items() if name != "seed"}
    return {**iteration, "settings": settings}


def redacted(proposal: Mapping[str, Any], is_blind: bool, is_closed: bool) -> dict[str, Any]:
    """A row of `al.wavs_proposed` as people may see it: what must not be known is None.

    `control` waits for the closed batch in any case, or its absence would tell which batches have an arm.
    """
    hidden = () if is_closed else ("control", *REASON) if is_blind else ("control",)
    return {**proposal, **dict.fromkeys(hidden)}
