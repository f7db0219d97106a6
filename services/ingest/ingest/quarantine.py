"""The quarantine list: what services reject (and the word to the node), and what nodes leave out."""

import json
import re
from collections.abc import Sequence
from uuid import UUID

from escolta.events import AudioRecorded, AudioRefused, MessageRejected, SoundLeftOut
from escolta.service import Message, Platform
from ingest import store
from ingest.checks import Held, check_time, unknown_node
from ingest.store import Origin

_NODE_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")


class Quarantine:
    """The handler of `MessageRejected`."""

    def __init__(self, on: Platform) -> None:
        self._on = on

    async def keep(self, messages: Sequence[Message[MessageRejected]]) -> None:
        """Bring a batch of rejections to the list.

        1. Read from each rejected message where it came from, as far as it can be read.
        2. Insert the rows, each once.
        3. Tell the nodes whose audios were refused, again with each redelivery.
        """
        rejections = []
        for message in messages:
            if _is_uuid(message.event.message_id):
                rejections.append((message.event, origin_of(message.event.body)))
            else:
                message.reject(f"MessageRejected.message_id is not a UUID: {message.event.message_id[:80]!r}")
        await store.quarantine(self._on.catalog, rejections)
        for event, _ in rejections:
            if refused := _refused(event):
                await self._on.bus.publish(refused)


class LeftOut:
    """The handler of `SoundLeftOut`."""

    def __init__(self, on: Platform) -> None:
        self._on = on

    async def keep(self, messages: Sequence[Message[SoundLeftOut]]) -> None:
        """Bring to the list what nodes left out, a row each; told again, it is the same row.

        Nodes tell of it once. So it waits here for its node to be registered, and a clock that is wrong loses
        nothing but its time.
        """
        known = await store.known_nodes(self._on.catalog, {message.event.node for message in messages})
        now, good = self._on.clock.now(), []
        for message in messages:
            event = message.event
            if event.node not in known:
                message.retry(str(unknown_node(event.node)))
                continue
            try:
                check_time(event.node, "the time at which it left a sound out", event.at, now)
                good.append(event)
            except Held:
                good.append(event.model_copy(update={"at": now}))
        await store.keep_left_out(self._on.catalog, good)


def origin_of(body: str) -> Origin:
    """Node, audio and object of a rejected message: each that is there and is what it should be."""
    try:
        fields = json.loads(body)
    except (ValueError, RecursionError):
        return Origin()
    if not isinstance(fields, dict):
        return Origin()
    node, audio_id, key, file_name = map(fields.get, ("node", "audio_id", "object_key", "file_name"))
    return Origin(
        node=node if isinstance(node, str) and _NODE_NAME.fullmatch(node) else None,
        audio_id=UUID(audio_id) if isinstance(audio_id, str) and _is_uuid(audio_id) else None,
        object_key=store.storable(key[:512]) if isinstance(key, str) else None,
        file_name=store.storable(file_name[:1000]) if isinstance(file_name, str) else None,
    )


def _refused(event: MessageRejected) -> AudioRefused | None:
    """What to tell the node; None unless its audio can be read out of the message whole."""
    try:
        audio = AudioRecorded.model_validate_json(event.body)
    except ValueError:
        return None
    return AudioRefused(audio_id=audio.audio_id, node=audio.node, sha256=audio.sha256, reason=event.reason)


def _is_uuid(text: str) -> bool:
    try:
        UUID(text)
    except ValueError:
        return False
    return True
