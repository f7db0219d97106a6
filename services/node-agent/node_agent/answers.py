"""Answers that count: they carry the digest of their audio, which only ingest and its node know.

By MQTT a node does not see who has published, and the broker's permissions can be gone around by AMQP
(docs/decisions/0030): another node could tell it to forget an audio that nobody has, or where to upload it.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

from escolta.events import AudioAccepted, AudioHeld, AudioRefused, UploadGranted
from escolta.service import Message
from node_agent.spool import Spool

A = TypeVar("A", AudioAccepted, AudioHeld, AudioRefused, UploadGranted)
Handler = Callable[[Sequence[Message[A]]], Awaitable[None]]


def that_count(spool: Spool, handler: Handler[A]) -> Handler[A]:
    """`handler`, which gets only what answers an audio of the spool as it is, or one that is gone from it."""

    async def handle(messages: Sequence[Message[A]]) -> None:
        counting = []
        for message in messages:
            if await asyncio.to_thread(_counts, spool, message.event):
                counting.append(message)
            else:
                message.reject(
                    f"it answers the audio {message.event.audio_id} with the digest of another sound: ingest "
                    "has not said that; look at who may publish under this node's topics"
                )
        if counting:
            await handler(counting)

    return handle


def _counts(spool: Spool, answer: AudioAccepted | AudioHeld | AudioRefused | UploadGranted) -> bool:
    try:
        audio = spool.event(answer.audio_id)
    except OSError:  # then the disk has lost the note, and nothing is left to be protected
        return True
    return audio is None or audio.sha256 == answer.sha256
