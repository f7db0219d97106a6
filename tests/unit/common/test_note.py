"""The note of an object: the event of its audio, whatever its file is called."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from escolta.errors import Rejected
from escolta.events import AudioRecorded, audio_id_of
from escolta.fields import NOTE_CHARS
from escolta.note import note_of, noted_event
from escolta.objects.port import check_note

START = datetime(2024, 2, 29, 23, 59, 55, 123456, tzinfo=UTC)


def recorded(file_name: str) -> AudioRecorded:
    audio_id = audio_id_of("n" * 63, START)
    event = AudioRecorded(
        audio_id=audio_id,
        node="n" * 63,
        start=START,
        samples=2**63 - 1,
        rate_hz=2**31 - 1,
        channels=2**15 - 1,
        bits_per_sample=2**15 - 1,
        object_key="audio/" + "n" * 506,
        sha256="f" * 64,
        file_name="dawn.wav",
        clock_state="unsynchronized",
    )
    return event.model_copy(update={"file_name": file_name})


def test_an_event_is_read_again_from_the_note_of_its_object() -> None:
    event = recorded("Möwen \N{WHALE}  am Kai.wav")
    assert noted_event(event.object_key, note_of(event)) == event


@given(st.text(min_size=1, max_size=4096), st.sampled_from([1, 4096]))
def test_whatever_a_file_is_called_its_note_is_one_that_a_store_keeps(name: str, times: int) -> None:
    event = recorded((name * times)[:4096])
    check_note(note_of(event))


def test_a_name_too_long_for_a_note_is_cut_and_says_so() -> None:
    event = recorded("\N{WHALE}" * 4096)
    note = note_of(event)
    assert len(note) <= NOTE_CHARS
    read = noted_event(event.object_key, note)
    assert read.file_name.endswith("\N{WHALE}…")
    assert len(read.file_name) > 50
    assert read == event.model_copy(update={"file_name": read.file_name})


@pytest.mark.parametrize("note", ["", "abc", "bm8=", "W10=", "e30=", "bnVsbA==", "_w=="])
def test_a_note_that_is_no_event_is_rejected(note: str) -> None:
    with pytest.raises(Rejected, match="tells of no audio"):
        noted_event("audio/one.wav", note)
