"""What the tests of a whole node stand on: somebody who answers as ingest does, and the node's folder."""

import hashlib
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from escolta import audio as sound
from escolta.errors import Rejected
from escolta.events import (
    AudioAccepted,
    AudioRecorded,
    AudioRefused,
    NodeStatus,
    SoundLeftOut,
    UploadGranted,
)
from escolta.service import Message, Platform, Service, Subscription
from escolta.settings import Settings

NODE = "quay-1"


class Answering:
    """Answers for ingest: grants, accepts what is a sound, refuses the rest; `silent`, it says nothing."""

    def __init__(self) -> None:
        self.silent = False
        self.heard: list[AudioRecorded] = []
        self.accepted: list[AudioRecorded] = []
        self.statuses: list[NodeStatus] = []
        self.left_out: list[SoundLeftOut] = []
        self._on: Platform

    def build(self, on: Platform) -> Service:
        self._on = on
        heard = [
            Subscription(AudioRecorded, self.recorded),
            Subscription(NodeStatus, self.status),
            Subscription(SoundLeftOut, self.leave_out),
        ]
        return Service("ingest", heard, uses_catalog=False)

    async def leave_out(self, messages: Sequence[Message[SoundLeftOut]]) -> None:
        self.left_out += [message.event for message in messages]

    async def status(self, messages: Sequence[Message[NodeStatus]]) -> None:
        self.statuses += [message.event for message in messages]

    async def recorded(self, messages: Sequence[Message[AudioRecorded]]) -> None:
        for message in messages:
            self.heard.append(message.event.model_copy(update={"stored": None}))
            if not self.silent:
                await self._answer(message.event)

    async def _answer(self, event: AudioRecorded) -> None:
        leave = await self._on.objects.grant(event.object_key, event.size_bytes or 0, event.sha256, "")
        if await self._on.objects.head(event.object_key) is None:
            assert not event.stored
            await self._on.bus.publish(UploadGranted(**answering(event), **asdict(leave)))
            return
        data = await self._on.objects.get(event.object_key)
        assert hashlib.sha256(data).hexdigest() == event.sha256
        try:
            found = sound.probe(data, event.file_name)
        except Rejected as error:
            refusal = AudioRefused(**answering(event), reason=str(error))
            await self._on.bus.publish(refusal)
            return
        assert (found.samples, found.rate_hz, found.channels) == (
            event.samples,
            event.rate_hz,
            event.channels,
        )
        self.accepted.append(event)
        await self._on.bus.publish(AudioAccepted(**answering(event)))


def answering(event: AudioRecorded, **changes: Any) -> dict[str, Any]:
    """What every answer to it says."""
    return {"audio_id": event.audio_id, "node": event.node, "sha256": event.sha256} | changes


def chosen(tmp_path: Path, **more: Any) -> Settings:
    return Settings(
        state_dir=tmp_path / "var",
        objects_url=f"file://{tmp_path}/objects",
        node_name=NODE,
        secret=SecretStr("a secret of the tests alone"),
        **more,
    )


def waiting(tmp_path: Path) -> list[Path]:
    return sorted((tmp_path / "var" / "spool" / NODE / "waiting").glob("*.json"))


def refused(tmp_path: Path) -> list[Path]:
    return sorted((tmp_path / "var" / "spool" / NODE / "refused").glob("*.json"))
