"""What a node claims of an audio, held against its object: ingest believes the store (decision 37)."""

import hashlib

from embedder.failure import Unfit
from embedder.store import Audio
from escolta.audio import Probe, promised
from escolta.errors import Rejected


def require_bytes(audio: Audio, data: bytes) -> None:
    """Raises `Unfit` where these are not the bytes that the node told of."""
    digest = hashlib.sha256(data).digest()
    if digest != audio.sha256:
        raise Unfit(
            "altered",
            f"{_named(audio)} is not what the node sent: the object's sha256 begins with "
            f"{digest.hex()[:12]}, the node's with {audio.sha256.hex()[:12]}. It was damaged in the store: "
            f"bring {audio.object_key} back from a backup.",
        )


def require_shape(audio: Audio, data: bytes) -> None:
    """Raises `Unfit` where the header promises another sound than the node told of, and nothing is decoded.

    What a node tells lasts no longer than an audio may: ingest has seen to that.
    """
    try:
        found = promised(data, name=_named(audio))
    except Rejected as error:
        raise Unfit(
            "undecodable", f"{error} Look at the node's recorder and disk, or at the file that it replays."
        ) from error
    claimed = _claimed(audio, found)
    if found != claimed:
        raise Unfit(
            "claims",
            f"{_named(audio)} holds {_shape(found)}, but the node said {_shape(claimed)}: update the node's "
            "software, which must tell what it wrote.",
        )


def _named(audio: Audio) -> str:
    return f"{audio.file_name} of node {audio.node}"


def _claimed(audio: Audio, found: Probe) -> Probe:
    """What the node claims, in the terms of what was found."""
    # Where a sample has no fixed width, as in Ogg Vorbis, the node's figure describes nothing in the file.
    bits = None if found.bits is None else audio.bits_per_sample
    return Probe(found.container, audio.samples, audio.rate_hz, audio.channels, bits)


def _shape(sound: Probe) -> str:
    channels = f"{sound.channels} channel{'s' if sound.channels > 1 else ''}"
    bits = f" of {sound.bits} bits" if sound.bits else ""
    return f"{sound.samples} samples{bits} at {sound.rate_hz} Hz in {channels}"
