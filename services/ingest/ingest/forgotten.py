"""What the operator has had forgotten does not come back: `escolta forget` has left a tombstone of it."""

from collections.abc import Collection
from uuid import UUID

import asyncpg

from escolta.events import AudioRecorded
from ingest.checks import Refused


async def forgotten(catalog: asyncpg.Pool, audio_ids: Collection[UUID]) -> set[UUID]:
    """Those of the audios that were forgotten."""
    rows = await catalog.fetch(
        "SELECT audio_id FROM audio.forgotten WHERE audio_id = ANY ($1)", list(audio_ids)
    )
    return {row["audio_id"] for row in rows}


def was_forgotten(event: AudioRecorded) -> Refused:
    """The refusal of an audio that was deleted for good."""
    return Refused(
        "forgotten",
        f"The audio {event.audio_id} of node {event.node} was deleted for good by the operator and is not "
        "taken again: delete it at the node too, where it lies in the folder refused.",
    )
