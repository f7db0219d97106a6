"""What an audio must be to enter the catalog: pure checks, whose refusals a field engineer understands."""

import hashlib
from datetime import UTC, datetime, timedelta
from typing import Literal

from escolta.audio import LARGEST_AUDIO_BYTES, LONGEST_AUDIO_S, Probe, examine, promised
from escolta.errors import Rejected
from escolta.events import AudioRecorded, audio_id_of

EARLIEST = datetime(1990, 1, 1, tzinfo=UTC)
"""A board without a battery wakes up in 1970 or 1980, and an old recording may be replayed: a start before
this one is a clock never set (ours)."""

CLOCK_TOLERANCE = timedelta(seconds=60)
"""How far ahead of ours a node's clock may be (ours)."""

Kind = Literal[
    "unknown_node",
    "clock",
    "audio_id",
    "duration",
    "object",
    "size",
    "sha256",
    "sound",
    "claims",
    "conflict",
]


class Refused(Rejected):
    """Raised when something cannot enter the catalog; `kind` says why in one word, for the metrics."""

    def __init__(self, kind: Kind, reason: str) -> None:
        super().__init__(reason)
        self.kind = kind


def check_claims(event: AudioRecorded, now: datetime) -> None:
    """Check what the event says, without a look at its object. Raises `Refused`."""
    check_time(event.node, "an audio's start", event.start, now)
    expected = audio_id_of(event.node, event.start)
    if event.audio_id != expected:
        raise Refused(
            "audio_id",
            f"The audio id {event.audio_id} does not belong to node {event.node} at {_utc(event.start)}, "
            f"which is {expected}: update the node's software, which must make ids from name and start.",
        )


def check_time(node: str, what: str, moment: datetime, now: datetime) -> None:
    """`moment`, which node `node` read from its clock, can be true. Raises `Refused`."""
    if moment < EARLIEST:
        raise Refused(
            "clock",
            f"Node {node} gives {_utc(moment)} as {what}, before {EARLIEST.year}: its clock was not set. "
            "Set the node's clock (NTP, or a new battery for its clock).",
        )
    if moment > now + CLOCK_TOLERANCE:
        raise Refused(
            "clock",
            f"Node {node} gives {_utc(moment)} as {what}, which lies in the future (here it is {_utc(now)}): "
            "set the node's clock (NTP).",
        )


def check_size(event: AudioRecorded, size: int | None) -> None:
    """The object is there, with `size` bytes, and few enough to fetch them. Raises `Refused`."""
    if size is None:
        raise Refused(
            "object",
            f"{_named(event)} is not in the object store as {event.object_key}: check that "
            "ESCOLTA_OBJECTS_URL is the same for node and ingest, and let the node upload the audio again.",
        )
    if size > LARGEST_AUDIO_BYTES:
        raise Refused(
            "size",
            f"{_named(event)} has {size} bytes, and an audio may have {LARGEST_AUDIO_BYTES} at most: look at "
            "what the node uploads.",
        )


def check_object(event: AudioRecorded, content: bytes) -> str:
    """Check the object's bytes against the event: digest, format, completeness, duration, shape.

    Returns which channels are heard and why, empty where all are.

    What the sound's header promises is judged first, and nothing too long is decoded; the rest is decoded to
    its end: call it in a thread, not on the event loop. The sound itself is judged before what the node says
    of it, because a node that cannot read its file sends it with made-up figures.
    Raises `Refused`.
    """
    digest = hashlib.sha256(content).hexdigest()
    if digest != event.sha256:
        raise Refused(
            "sha256",
            f"{_named(event)} is not what the node sent: the object's sha256 begins with {digest[:12]}, the "
            f"node's with {event.sha256[:12]}. It was damaged or overwritten on its way: let the node upload "
            "it again.",
        )
    try:
        _check_duration(event, promised(content, name=_named(event)))
        found, channels_heard = examine(content, name=_named(event))
    except Refused:
        raise
    except Rejected as error:
        raise Refused(
            "sound", f"{error} Look at the node's recorder and disk, or at the file that it replays."
        ) from error
    if _claimed(event, found) != found:
        raise Refused(
            "claims",
            f"{_named(event)} holds {_shape(found)}, but the node said {_shape(_claimed(event, found))}: "
            "update the node's software, which must tell what it wrote.",
        )
    return channels_heard


def _check_duration(event: AudioRecorded, found: Probe) -> None:
    if found.duration_s > LONGEST_AUDIO_S:
        raise Refused(
            "duration",
            f"{_named(event)} lasts {found.duration_s:.1f} s, and an audio may last {LONGEST_AUDIO_S:.0f} s "
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


def unknown_node(node: str) -> Refused:
    """The refusal of everything that comes from a node nobody has registered."""
    return Refused(
        "unknown_node",
        f"No node is called {node}: register it (POST /api/nodes), or correct ESCOLTA_NODE_NAME on the "
        "device; then let it send again.",
    )


def _claimed(event: AudioRecorded, found: Probe) -> Probe:
    """What the event says of the sound, in the terms of what was found."""
    # Where a sample has no fixed width, as in Ogg Vorbis, the node's figure describes nothing in the file.
    bits = None if found.bits is None else event.bits_per_sample
    return Probe(found.container, event.samples, event.rate_hz, event.channels, bits)


def _shape(sound: Probe) -> str:
    channels = f"{sound.channels} channel{'s' if sound.channels > 1 else ''}"
    bits = f" of {sound.bits} bits" if sound.bits else ""
    return f"{sound.samples} samples{bits} at {sound.rate_hz} Hz in {channels}"


def _named(event: AudioRecorded) -> str:
    return f"{event.file_name} of node {event.node}"


def _utc(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%d %H:%M:%S UTC")
