"""Where sound comes from: the port, and what passes through it."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from typing import Protocol
from uuid import UUID

from escolta.events import AudioRecorded, ClockState, audio_id_of
from node_agent.recording.account import Account
from node_agent.recording.dating import Dating


@dataclass(frozen=True)
class RecordedAudio:
    """About 10 s of sound without a gap, as a whole sound file.

    `start` is the UTC time of the first sample, `samples` counts each channel, `suffix` names the format
    ("wav", "flac", "ogg"), `data` are the bytes of the file. `clock_state` is what is known of the clock that
    said `start`; None: it was the node's own, which stood as `dating` says.
    """

    start: datetime
    samples: int
    rate_hz: int
    channels: int
    bits_per_sample: int
    file_name: str
    suffix: str
    data: bytes
    clock_state: ClockState | None = None
    dating: Dating | None = None

    def event(self, node: str, of_the_node: ClockState) -> AudioRecorded:
        """The event that tells of this audio; the same start gives the same id and the same object key.

        `of_the_node` is what the node says of its own clock.
        """
        audio_id = audio_id_of(node, self.start)
        return AudioRecorded(
            audio_id=audio_id,
            node=node,
            start=self.start,
            samples=self.samples,
            rate_hz=self.rate_hz,
            channels=self.channels,
            bits_per_sample=self.bits_per_sample,
            object_key=object_key_of(node, self.start, audio_id, self.suffix),
            sha256=sha256(self.data).hexdigest(),
            size_bytes=len(self.data),
            file_name=self.file_name,
            clock_state=self.clock_state or of_the_node,
        )


def object_key_of(node: str, start: datetime, audio_id: UUID, suffix: str) -> str:
    """Where the store has an audio: by node and day."""
    return f"audio/{node}/{start.astimezone(UTC):%Y/%m/%d}/{audio_id}.{suffix}"


class Recorder(Protocol):
    """A source of audios: a folder that is played, a microphone."""

    def audios(self) -> AsyncIterator[RecordedAudio]:
        """The audios in the order of their recording, no two of them with the same start.

        Whoever asks for the next one says by that that the last one is safe on disk: from then on the
        recorder need not be able to give it again. The iteration ends when the source has nothing more for
        now; it may be begun again, and then gives what has come since. Raises OSError while the source
        cannot be read; iterating again goes on at the same place.
        """
        ...

    def account(self) -> Account:
        """What the source holds and leaves out, as far as it is known. May block on the disk."""
        ...
