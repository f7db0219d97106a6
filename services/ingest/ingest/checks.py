"""What an audio must be to enter the catalog: pure checks, whose refusals a field engineer understands.

Whether its bytes are the sound that the node tells of, the embedder finds, which decodes them (decision 37).
"""

import hashlib
from datetime import UTC, datetime, timedelta
from typing import Literal

from escolta.audio import LARGEST_AUDIO_BYTES, LONGEST_AUDIO_S
from escolta.errors import EscoltaError, Rejected
from escolta.events import AudioRecorded, audio_id_of
from escolta.note import note_of, noted_event
from escolta.service import Stored

EARLIEST = datetime(1990, 1, 1, tzinfo=UTC)
"""A board without a battery wakes up in 1970 or 1980, and an old recording may be replayed: a start before
this one is a clock never set (ours)."""

CLOCK_TOLERANCE = timedelta(seconds=60)
"""How far ahead of ours a node's clock may be (ours)."""

HeldKind = Literal["unknown_node", "clock", "policy"]
Kind = Literal[
    "audio_id",
    "duration",
    "object",
    "size",
    "sha256",
    "claims",
    "conflict",
    "forgotten",
]


class Refused(Rejected):
    """Raised when something cannot enter the catalog; `kind` says why in one word, for the metrics."""

    def __init__(self, kind: Kind, reason: str) -> None:
        super().__init__(reason)
        self.kind = kind


class Held(EscoltaError):
    """Raised when time, or whoever runs Escolta, will mend what keeps something out of the catalog.

    `until`: when time alone will have mended it; none: that is not known.
    """

    def __init__(self, kind: HeldKind, reason: str, until: datetime | None = None) -> None:
        super().__init__(reason)
        self.kind = kind
        self.until = until


def check_claims(event: AudioRecorded, now: datetime) -> None:
    """Check what the event says, without a look at its object. Raises `Held` or `Refused`."""
    check_time(event.node, "an audio's start", event.start, now)
    if not event.object_key.startswith(f"audio/{event.node}/"):
        raise Refused(
            "object",
            f"{_named(event)} lies as {event.object_key}, and this node's objects lie below "
            f"audio/{event.node}/: update the node's software, which must make keys from its name.",
        )
    expected = audio_id_of(event.node, event.start)
    if event.audio_id != expected:
        raise Refused(
            "audio_id",
            f"The audio id {event.audio_id} does not belong to node {event.node} at {_utc(event.start)}, "
            f"which is {expected}: update the node's software, which must make ids from name and start.",
        )
    _check_duration(event)


def check_time(node: str, what: str, moment: datetime, now: datetime) -> None:
    """`moment`, which node `node` read from its clock, can be true.

    Raises `Held`: it will be, or the node, once its clock is set, dates what waits by that.
    """
    if moment < EARLIEST:
        raise Held(
            "clock",
            f"Node {node} gives {_utc(moment)} as {what}, before {EARLIEST.year}: its clock was not set. "
            "Set the node's clock (NTP, or a new battery): what waits there is dated by it then.",
        )
    if moment > now + CLOCK_TOLERANCE:
        raise Held(
            "clock",
            f"Node {node} gives {_utc(moment)} as {what}, which lies in the future (here it is {_utc(now)}): "
            "set the clock that is wrong, the node's or this one (NTP).",
            until=moment,
        )


def check_size(event: AudioRecorded, size: int | None) -> None:
    """The object has, or is to have, `size` bytes: few enough to take them. Raises `Refused`."""
    if size is None:
        raise Refused(
            "claims",
            f"{_named(event)} is not in the object store, and the node does not say how large it is: update "
            "the node's software, which must tell.",
        )
    if size > LARGEST_AUDIO_BYTES:
        raise Refused(
            "size",
            f"{_named(event)} has {size} bytes, and an audio may have {LARGEST_AUDIO_BYTES} at most: look at "
            "what the node uploads.",
        )


def is_proven(event: AudioRecorded, stored: Stored) -> bool:
    """Whether the store has proven that the object is what the event says. Raises `Refused` for its size.

    It has where the note is this audio's with this digest: a grant is for both at once, and the store
    compares the bytes with the digest as they come (`Objects.grant`).
    """
    check_size(event, stored.size_bytes)
    if event.size_bytes not in (None, stored.size_bytes):
        raise Refused(
            "size",
            f"{_named(event)} has {stored.size_bytes} bytes in the object store, and the node said "
            f"{event.size_bytes}: let the node send the audio again.",
        )
    return stored.note == note_of(event) or _tells_of(event, stored.note)


def _tells_of(event: AudioRecorded, note: str) -> bool:
    """Another version may write the same event in another way."""
    try:
        noted = noted_event(event.object_key, note)
    except Rejected:
        return False
    return (noted.audio_id, noted.sha256) == (event.audio_id, event.sha256)


def check_content(event: AudioRecorded, content: bytes) -> None:
    """Check the object's bytes against the event's digest. Raises `Refused`."""
    digest = hashlib.sha256(content).hexdigest()
    if digest != event.sha256:
        raise Refused(
            "sha256",
            f"{_named(event)} is not what the node sent: the object's sha256 begins with {digest[:12]}, the "
            f"node's with {event.sha256[:12]}. It was damaged in the store, or somebody else has written it: "
            f"remove the object {event.object_key}, and let the node send the audio again.",
        )


def _check_duration(event: AudioRecorded) -> None:
    duration_s = event.samples / event.rate_hz
    if duration_s > LONGEST_AUDIO_S:
        raise Refused(
            "duration",
            f"{_named(event)} lasts {duration_s:.1f} s, and an audio may last {LONGEST_AUDIO_S:.0f} s "
            "at most: let the node cut its recordings into audios of 10 s.",
        )


def conflict(event: AudioRecorded) -> Refused:
    """The refusal of an audio whose place in the catalog is taken by another sound."""
    return Refused(
        "conflict",
        f"{_named(event)} is refused, because the catalog already has another sound of this node at "
        f"{_utc(event.start)}, and keeps it: look for two devices that use the name {event.node}, or for a "
        "clock that was set back.",
    )


def unknown_node(node: str) -> Held:
    """Why everything waits that comes from a node nobody has registered."""
    return Held(
        "unknown_node",
        f"No node is called {node}: register it (escolta node add, or POST /api/nodes), or correct "
        "ESCOLTA_NODE_NAME on the device.",
    )


def stays(node: str) -> Held:
    """Why everything waits at a node whose audios never leave it."""
    return Held(
        "policy",
        f"By its policy on speech, what node {node} records stays there. On Nodes a lead may choose another; "
        "meanwhile its spool fills, and then recording waits.",
    )


def _named(event: AudioRecorded) -> str:
    return f"{event.file_name} of node {event.node}"


def _utc(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%d %H:%M:%S UTC")
