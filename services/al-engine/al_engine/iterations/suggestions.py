"""Classes that an audio probably has, for people to choose from: of every audio of a batch, or of none."""

import random
from collections.abc import Sequence
from typing import Literal

import asyncpg

SUGGESTED = 3
"""Classes suggested for an audio, at most."""

Suggesting = Literal["shown", "kept"]
"""What becomes of a batch's suggestions: people see them, or they are only kept, to be compared."""


def drawn(share: float, *, is_kept: bool) -> Suggesting | None:
    """Whether a batch shows suggestions, as `share` of them do; None where no batch ever does.

    Drawn for the batch as a whole, whatever is in it: audios of the control arm look like the others.
    `is_kept`: somebody wants to compare them with answers, and so they are kept where none are ever shown.
    """
    if share == 0:
        return "kept" if is_kept else None
    return "shown" if random.SystemRandom().random() < share else "kept"


async def class_ids(pool: asyncpg.Pool, names: Sequence[str]) -> dict[str, int]:
    """The classes of these names in the ontology. Their ids are kept, so that a new name is shown as such."""
    rows = await pool.fetch(
        "SELECT name, class_id FROM audio.ontology WHERE name = ANY ($1::text[])", list(names)
    )
    return {row["name"]: row["class_id"] for row in rows}
