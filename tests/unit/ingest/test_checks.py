"""The pure checks: what they let through, and the sentence for what they do not."""

import base64
import hashlib
import json
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from escolta.audio import LARGEST_AUDIO_BYTES, LONGEST_AUDIO_S
from escolta.events import AudioRecorded, audio_id_of
from escolta.note import note_of
from escolta.service import Stored
from ingest.checks import (
    CLOCK_TOLERANCE,
    Held,
    Refused,
    check_claims,
    check_content,
    check_size,
    is_proven,
)

NOW = datetime(2024, 5, 1, 10, tzinfo=UTC)
RATE_HZ = 8_000
SOUND = b"a sound"


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
        ({"audio_id": uuid4()}, "audio_id", "does not belong to node quay-1"),
        ({"object_key": "audio/quay-10/a.wav"}, "object", "objects lie below audio/quay-1/"),
    ],
)
def test_a_claim_that_cannot_be_true_is_refused(changes: dict[str, Any], kind: str, words: str) -> None:
    with pytest.raises(Refused, match=words) as refused:
        check_claims(said(**changes), NOW)
    assert refused.value.kind == kind


def test_a_start_that_is_not_there_yet_is_held_until_it_is() -> None:
    start = NOW + timedelta(hours=5)
    with pytest.raises(Held, match="lies in the future") as held:
        check_claims(said(start=start), NOW)
    assert (held.value.kind, held.value.until) == ("clock", start)


def test_a_start_by_a_clock_that_was_never_set_is_held_until_it_is() -> None:
    with pytest.raises(Held, match="its clock was not set") as held:
        check_claims(said(start=datetime(1980, 1, 6, tzinfo=UTC)), NOW)
    assert (held.value.kind, held.value.until) == ("clock", None)


@given(ahead_s=st.floats(0, CLOCK_TOLERANCE.total_seconds()))
def test_a_clock_that_is_ahead_a_little_is_tolerated(ahead_s: float) -> None:
    check_claims(said(start=NOW + timedelta(seconds=ahead_s)), NOW)


@pytest.mark.parametrize("year", [1991, 1999, 2008])
def test_a_recording_of_years_ago_is_taken(year: int) -> None:
    check_claims(said(start=datetime(year, 6, 1, 6, tzinfo=UTC)), NOW)


def test_the_longest_audio_is_taken() -> None:
    check_claims(said(samples=round(LONGEST_AUDIO_S * RATE_HZ)), NOW)


def test_what_is_said_to_be_longer_is_refused() -> None:
    with pytest.raises(Refused, match=r"dawn\.wav of node quay-1 lasts 61\.0 s") as refused:
        check_claims(said(samples=61 * RATE_HZ), NOW)
    assert refused.value.kind == "duration"


def test_an_object_with_the_note_of_the_audio_is_proven_by_the_store() -> None:
    event = said(SOUND, size_bytes=len(SOUND))
    assert is_proven(event, Stored(len(SOUND), note_of(event)))


def test_so_is_one_whose_note_another_version_has_written() -> None:
    fields = said(SOUND).model_dump(mode="json") | {"of_another_version": 1}
    note = base64.urlsafe_b64encode(json.dumps(fields).encode()).decode()
    assert is_proven(said(SOUND), Stored(len(SOUND), note))


@pytest.mark.parametrize(
    "note",
    ["", "no-note", note_of(said(b"another sound")), note_of(said(SOUND, start=NOW - timedelta(hours=1)))],
    ids=["none", "no note", "another sound's", "another audio's"],
)
def test_any_other_object_is_to_be_looked_at(note: str) -> None:
    assert not is_proven(said(SOUND), Stored(len(SOUND), note))


def test_an_object_of_another_size_is_refused() -> None:
    event = said(SOUND, size_bytes=len(SOUND))
    with pytest.raises(Refused, match="has 2 bytes in the object store") as refused:
        is_proven(event, Stored(2, note_of(event)))
    assert refused.value.kind == "size"


def test_bytes_that_changed_are_refused() -> None:
    check_content(said(SOUND), SOUND)
    with pytest.raises(Refused, match="is not what the node sent") as refused:
        check_content(said(SOUND), SOUND + b"\0")
    assert refused.value.kind == "sha256"


@pytest.mark.parametrize(
    ("size", "kind", "words"),
    [(None, "claims", "is not in the object store"), (LARGEST_AUDIO_BYTES + 1, "size", "at most")],
)
def test_an_object_that_is_absent_or_huge_is_not_fetched(size: int | None, kind: str, words: str) -> None:
    with pytest.raises(Refused, match=words) as refused:
        check_size(said(), size)
    assert refused.value.kind == kind
