"""The pure checks: what they let through, and the sentence for what they do not."""

import hashlib
import io
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import numpy as np
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st

from escolta.audio import LARGEST_AUDIO_BYTES, LONGEST_AUDIO_S, files
from escolta.events import AudioRecorded, audio_id_of
from ingest.checks import (
    CLOCK_TOLERANCE,
    Refused,
    check_claims,
    check_object,
    check_size,
)

NOW = datetime(2024, 5, 1, 10, tzinfo=UTC)
RATE_HZ = 8_000


def sound(samples: int = 800, container: str = "WAV", subtype: str | None = None, channels: int = 1) -> bytes:
    out = io.BytesIO()
    noise = np.random.default_rng(0).uniform(-0.5, 0.5, (samples, channels))
    soundfile.write(out, noise, RATE_HZ, format=container, subtype=subtype)
    return out.getvalue()


def said(content: bytes = b"", **changes: Any) -> AudioRecorded:
    node, start = changes.get("node", "quay-1"), changes.get("start", NOW - timedelta(minutes=1))
    fields: dict[str, Any] = {
        "audio_id": audio_id_of(node, start),
        "node": node,
        "start": start,
        "samples": 800,
        "rate_hz": RATE_HZ,
        "channels": 1,
        "bits_per_sample": 16,
        "object_key": "audio/quay-1/a.wav",
        "sha256": hashlib.sha256(content).hexdigest(),
        "file_name": "dawn.wav",
    }
    return AudioRecorded(**fields | changes)


def test_a_plain_claim_is_believed() -> None:
    check_claims(said(), NOW)


@pytest.mark.parametrize(
    ("changes", "kind", "words"),
    [
        ({"start": NOW + timedelta(hours=5)}, "clock", "lies in the future"),
        ({"start": datetime(1980, 1, 6, tzinfo=UTC)}, "clock", "its clock was not set"),
        ({"audio_id": uuid4()}, "audio_id", "does not belong to node quay-1"),
    ],
)
def test_a_claim_that_cannot_be_true_is_refused(changes: dict[str, Any], kind: str, words: str) -> None:
    with pytest.raises(Refused, match=words) as refused:
        check_claims(said(**changes), NOW)
    assert refused.value.kind == kind


@given(ahead_s=st.floats(0, CLOCK_TOLERANCE.total_seconds()))
def test_a_clock_that_is_ahead_a_little_is_tolerated(ahead_s: float) -> None:
    check_claims(said(start=NOW + timedelta(seconds=ahead_s)), NOW)


@pytest.mark.parametrize("year", [1991, 1999, 2008])
def test_a_recording_of_years_ago_is_taken(year: int) -> None:
    check_claims(said(start=datetime(year, 6, 1, 6, tzinfo=UTC)), NOW)


def test_the_longest_audio_is_taken() -> None:
    content = sound(samples=round(LONGEST_AUDIO_S * RATE_HZ))
    check_object(said(content, samples=round(LONGEST_AUDIO_S * RATE_HZ)), content)


@pytest.mark.parametrize(
    ("container", "subtype", "bits"),
    [("WAV", "PCM_16", 16), ("WAV", "PCM_24", 24), ("WAV", "FLOAT", 32), ("FLAC", "PCM_16", 16)],
)
def test_a_whole_sound_that_is_what_the_node_said_is_taken(container: str, subtype: str, bits: int) -> None:
    content = sound(container=container, subtype=subtype)
    check_object(said(content, bits_per_sample=bits), content)


@pytest.mark.parametrize("bits", [16, 24])
def test_the_bits_of_a_sound_without_fixed_width_are_not_compared(bits: int) -> None:
    content = sound(container="OGG")
    check_object(said(content, bits_per_sample=bits), content)


@pytest.mark.parametrize(
    ("content", "kind", "words"),
    [
        (b"These are words and not a sound.", "sound", "is not a sound file"),
        (b"", "sound", "has zero length"),
        (sound(samples=0), "sound", "has zero length"),
        (sound()[:-100], "sound", "is truncated"),
        (sound(container="FLAC")[:-100], "sound", "is truncated"),
        (sound(samples=61 * RATE_HZ), "duration", "lasts 61.0 s"),
        (sound(samples=799), "claims", r"holds 799 samples .* said 800 samples"),
        (sound(channels=2), "claims", r"in 2 channels, but .* in 1 channel:"),
        (sound(subtype="PCM_24"), "claims", r"of 24 bits .* of 16 bits"),
    ],
)
def test_an_object_that_is_not_what_the_node_said_is_refused(content: bytes, kind: str, words: str) -> None:
    with pytest.raises(Refused, match=words) as refused:
        check_object(said(content), content)
    assert refused.value.kind == kind
    assert str(refused.value).startswith("dawn.wav of node quay-1 ")


def test_an_object_of_another_rate_is_refused() -> None:
    content = sound()
    with pytest.raises(Refused, match=r"at 8000 Hz .* at 16000 Hz"):
        check_object(said(content, rate_hz=16_000), content)


def test_an_object_that_changed_on_its_way_is_refused() -> None:
    with pytest.raises(Refused, match="is not what the node sent") as refused:
        check_object(said(sound()), sound() + b"\0")
    assert refused.value.kind == "sha256"


@pytest.mark.parametrize(
    ("size", "kind", "words"),
    [(None, "object", "is not in the object store"), (LARGEST_AUDIO_BYTES + 1, "size", "at most")],
)
def test_an_object_that_is_absent_or_huge_is_not_fetched(size: int | None, kind: str, words: str) -> None:
    with pytest.raises(Refused, match=words) as refused:
        check_size(said(), size)
    assert refused.value.kind == kind


def test_what_a_header_promises_is_judged_before_it_is_decoded(monkeypatch: pytest.MonkeyPatch) -> None:
    def decode(*_: object) -> None:
        raise AssertionError("decoded")

    monkeypatch.setattr(files, "_blocks", decode)
    out = io.BytesIO()
    silence = np.zeros((RATE_HZ * 600, 8), np.int16)  # ten minutes of eight channels: some thousand bytes
    soundfile.write(out, silence, RATE_HZ, format="FLAC", subtype="PCM_16")
    content = out.getvalue()
    assert len(content) < 100_000
    with pytest.raises(Refused, match=r"lasts 600\.0 s") as refused:
        check_object(said(content), content)
    assert refused.value.kind == "duration"
