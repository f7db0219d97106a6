"""Which files are sound, told by their first bytes and never by their names."""

import io

import numpy as np
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st

from escolta.audio import CONTAINERS, HEAD_BYTES, container_of, foreign

WRITTEN = [
    ("WAV", "PCM_16", "WAV"),
    ("WAVEX", "PCM_24", "WAV"),
    ("WAV", "GSM610", "WAV"),
    ("RF64", "PCM_16", "WAV"),
    ("W64", "PCM_16", "W64"),
    ("AIFF", "PCM_16", "AIFF"),
    ("AIFF", "FLOAT", "AIFF"),
    ("CAF", "PCM_16", "CAF"),
    ("AU", "PCM_16", "AU"),
    ("FLAC", "PCM_16", "FLAC"),
    ("OGG", "VORBIS", "OGG"),
    ("OGG", "OPUS", "OGG"),
    ("MP3", "MPEG_LAYER_III", "MP3"),
]


def written(container: str, subtype: str, rate_hz: int = 8_000) -> bytes:
    out = io.BytesIO()
    noise = np.random.default_rng(0).normal(0, 0.1, 2 * rate_hz)
    soundfile.write(out, noise, rate_hz, format=container, subtype=subtype)
    return out.getvalue()


@pytest.mark.parametrize(("container", "subtype", "found"), WRITTEN)
def test_every_container_is_told_by_its_first_bytes(container: str, subtype: str, found: str) -> None:
    assert container_of(written(container, subtype)[:HEAD_BYTES]) == found


def test_every_accepted_container_is_among_those_that_were_tried() -> None:
    assert {found for _, _, found in WRITTEN} == set(CONTAINERS)


@pytest.mark.parametrize("rate_hz", [8_000, 16_000, 22_050, 44_100, 48_000])
def test_mp3_is_told_at_every_rate_with_and_without_a_tag(rate_hz: int) -> None:
    data = written("MP3", "MPEG_LAYER_III", rate_hz)
    at = data.find(b"\xff", 0 if data[:3] != b"ID3" else 10)
    assert container_of(data[at:][:HEAD_BYTES]) == "MP3"
    assert container_of(b"ID3\x04\0\0\0\0\0\x0a" + bytes(10) + data[at:]) == "MP3"


@pytest.mark.parametrize(
    "head",
    [
        b"",
        b"RIFF\x24\0\0\0AVI LIST",
        b"FORM\0\0\0\x24ILBMBMHD",
        b"\0\0\0\x20ftypM4A ",
        b"\xff\xf1\x50\x80\x00\x1f\xfc\xde\x02\0",
        "filename,category\n".encode("utf-16"),
        b"\xff\xfb" + bytes(600),
        b"%PDF-1.7",
        bytes(488) + written("WAV", "PCM_16")[:400],
    ],
    ids=["empty", "AVI", "ILBM", "M4A", "AAC", "UTF-16", "a sync word alone", "PDF", "zeros before"],
)
def test_what_is_no_sound_is_told_from_it(head: bytes) -> None:
    assert container_of(head) is None


@given(st.binary(max_size=64))
def test_any_bytes_have_an_answer(head: bytes) -> None:
    assert container_of(head) in {None, *CONTAINERS}


@pytest.mark.parametrize(
    ("head", "told"),
    [
        (b"\0\0\0\x20ftypM4A ", "is MP4 or M4A, which is not read: convert it to FLAC."),
        (b"\xff\xf1\x50\x80\x00\x1f", "is AAC, which is not read"),
        (bytes(488) + b"sound", "begins with 488 zeros: its header was never written"),
        (b"hello", "begins as none of those that are read (WAV, "),
    ],
)
def test_of_what_is_no_sound_it_is_told_what_it_is(head: bytes, told: str) -> None:
    assert foreign(head).startswith(told)
