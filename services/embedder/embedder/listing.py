"""What cannot be embedded goes to the quarantine list, which ingest keeps; its object stays."""

import json
from datetime import datetime
from uuid import NAMESPACE_URL, UUID, uuid5

from embedder.store import Audio
from escolta.errors import Rejected
from escolta.events import AudioCataloged, MessageRejected


def listed(
    model_id: str, audio_id: UUID, audio: Audio | None, error: Rejected, now: datetime
) -> MessageRejected:
    """The word to ingest, with the same id whenever it is told; `audio`: none where the catalog has none."""
    body = {"audio_id": str(audio_id)}
    if audio:
        body |= {"node": audio.node, "object_key": audio.object_key, "file_name": audio.file_name}
    return MessageRejected(
        queue=f"embedder {model_id}",
        message_topic=AudioCataloged.topic,
        reason=str(error),
        body=json.dumps(body),
        message_id=str(uuid5(NAMESPACE_URL, f"escolta:embedder {model_id} {audio_id}")),
        attempts=1,
        at=now,
    )
