"""What a header says of its sound's length, against the bytes that are there: both ways, at any duration."""

import contextlib
import io
import struct

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st

from escolta.audio import probe
from escolta.audio.audible import audible
from escolta.audio.files import open_sound
from escolta.errors import Rejected

RATE_HZ = 8_000
TUNE = (np.random.default_rng(0).integers(1, 30_000, 2 * RATE_HZ)).astype("<i2")  # no sample is zero


def chunk(name: bytes, body: bytes, size: int | None = None) -> bytes:
    return struct.pack("<4sI", name, len(body) if size is None else size) + body


def wav(
    body: bytes, size: int | None = None, riff: int | None = None, before: bytes = b"", after: bytes = b""
) -> bytes:
    form = chunk(b"fmt ", struct.pack("<HHIIHH", 1, 1, RATE_HZ, 2 * RATE_HZ, 2, 16))
    inner = b"WAVE" + form + before + chunk(b"data", body, size) + after
    return struct.pack("<4sI", b"RIFF", len(inner) if riff is None else riff) + inner


def heard(data: bytes) -> tuple[np.ndarray, str, bool]:
    """The samples that are to be had, what is doubtful, and whether all is as the header says."""
    with open_sound(data, "a.wav") as sound:
        return sound.file.read(dtype="int16"), sound.doubt, sound.whole


BODY = TUNE.tobytes()
NOTE = b"AudioMoth note."


@pytest.mark.parametrize("samples", [600, 2 * RATE_HZ])
@pytest.mark.parametrize(
    ("size", "words"),
    [
        (lambda n: 0, "0 bytes"),
        (lambda n: 44, "44 bytes"),
        (lambda n: n // 2, "are taken"),
        (lambda n: n + 44, "is truncated"),
        (lambda n: 2 * n, "is truncated"),
        (lambda n: 0x8000_0000, "never came to write"),
        (lambda n: 0x7FFF_FFFF, "never came to write"),
    ],
)
def test_a_wrong_size_gives_all_of_the_sound_and_tells_the_bytes(samples, size, words) -> None:
    body = np.tile(TUNE, 4)[: 4 * samples].tobytes()
    found, doubt, whole = heard(wav(body, size(len(body))))
    np.testing.assert_array_equal(found.tobytes(), body)
    assert words in doubt
    assert f"{len(body):,}" in doubt
    assert not whole
    with pytest.raises(Rejected, match=r"^a\.wav (is truncated|says that)"):
        probe(wav(body, size(len(body))), "a.wav")


@pytest.mark.parametrize(
    "data",
    [
        wav(BODY, 0xFFFF_FFFF),
        wav(BODY, riff=1000),
        wav(BODY, riff=0),
        wav(BODY, before=chunk(b"LIST", NOTE) + b"\0"),
        wav(BODY, before=chunk(b"LIST", NOTE)),
        wav(BODY, before=chunk(b"LIST", NOTE, 5)),
        wav(BODY, before=chunk(b"LIST", NOTE, 1 << 30)),
        wav(BODY, before=chunk(b"FLLR", bytes(4044))),
        wav(BODY, before=chunk(b"bext", bytes(602)) + chunk(b"iXML", b"<a></a>") + b"\0"),
        wav(BODY, after=chunk(b"guan", NOTE)),
        wav(BODY, after=chunk(b"guan", NOTE, 4000)),
        wav(BODY, after=bytes(512)),
    ],
)
def test_chunks_around_the_sound_change_nothing_about_it(data: bytes) -> None:
    found, doubt, whole = heard(data)
    np.testing.assert_array_equal(found, TUNE)
    assert (doubt, whole) == ("", True)
    assert probe(data).samples == len(TUNE)


@pytest.mark.parametrize("size", [0x8000_0000, 0x7FFF_FFFF])
def test_zeros_of_a_preallocated_file_are_no_sound_where_the_recorder_never_wrote_its_length(size) -> None:
    found, doubt, whole = heard(wav(BODY + bytes(1 << 21), size))
    np.testing.assert_array_equal(found.tobytes(), BODY)
    assert "never came to write" in doubt
    assert f"{1 << 21:,} zeros at the end, which were never written, are not" in doubt
    assert not whole


@pytest.mark.parametrize("more", [wav(BODY), chunk(b"data", BODY)], ids=["a file", "a chunk"])
@pytest.mark.parametrize("between", [b"", chunk(b"LIST", NOTE + b".")])
def test_another_sound_behind_the_first_is_told_and_left_out(more: bytes, between: bytes) -> None:
    samples, doubt, whole = heard(wav(BODY, after=between + more))
    assert np.array_equal(samples, TUNE)
    assert doubt == f"has another sound behind its own, of {len(more):,} bytes: that is left out."
    assert not whole


def test_a_few_stray_bytes_after_the_sound_are_told_and_are_no_sound() -> None:
    found, doubt, whole = heard(wav(BODY, after=b"\1" * 700))
    np.testing.assert_array_equal(found, TUNE)
    assert "700 bytes after its sound" in doubt
    assert whole


def test_what_was_made_room_for_and_never_written_is_no_sound() -> None:
    found, doubt, _ = heard(wav(BODY + bytes(100_000), 44))
    np.testing.assert_array_equal(found, TUNE)
    assert "100,000 zeros at the end" in doubt
    with pytest.raises(Rejected, match="holds 44 bytes of sound, and then 132,000 zeros"):
        heard(wav(BODY[:44] + bytes(132_000), 44))


@pytest.mark.parametrize(
    ("container", "size_at", "size_format", "more"),
    [("AIFF", None, ">I", 8), ("W64", None, "<Q", 24), ("CAF", None, ">q", 4), ("AU", 8, ">I", 0)],
)
@pytest.mark.parametrize("kept", [1.0, 0.6])
def test_other_containers_are_held_to_their_bytes_too(container, size_at, size_format, more, kept) -> None:
    out = io.BytesIO()
    soundfile.write(out, TUNE, RATE_HZ, format=container, subtype="PCM_16")
    data = bytearray(out.getvalue()[: int(len(out.getvalue()) * kept)])
    name = {"AIFF": b"SSND", "W64": b"data\xf3\xac\xd3\x11\x8c\xd1\x00\xc0\x4f\x8e\xdb\x8a", "CAF": b"data"}
    at = size_at or data.find(name[container]) + len(name[container])
    length = struct.calcsize(size_format)
    (size,) = struct.unpack(size_format, data[at : at + length])
    assert size - more == len(BODY)
    if kept == 1:
        assert heard(bytes(data))[1:] == ("", True)
        data[at : at + length] = struct.pack(size_format, more)
    found, doubt, whole = heard(bytes(data))
    present = len(found)
    assert present == len(TUNE) if kept == 1 else 0.5 < present / len(TUNE) < 0.61
    np.testing.assert_array_equal(found, TUNE[:present])
    assert doubt
    assert not whole


@pytest.mark.parametrize("container", ["RF64", "WAVEX"])
def test_a_cut_rf64_or_extensible_wav_gives_what_is_there(container: str) -> None:
    out = io.BytesIO()
    soundfile.write(out, TUNE, RATE_HZ, format=container, subtype="PCM_16")
    found, doubt, whole = heard(out.getvalue()[:-2000])
    np.testing.assert_array_equal(found, TUNE[:-1000])
    assert "is truncated" in doubt
    assert not whole


@pytest.mark.parametrize("container", ["RF64", "WAV"])
def test_a_bw64_is_heard_as_the_file_that_it_is_but_for_its_name(container: str) -> None:
    out = io.BytesIO()
    soundfile.write(out, TUNE, RATE_HZ, format=container, subtype="PCM_16")
    data = b"BW64" + out.getvalue()[4:]
    found, doubt, whole = heard(data)
    np.testing.assert_array_equal(found, TUNE)
    assert (doubt, whole) == ("", True)
    found, doubt, whole = heard(data[:-2000])
    np.testing.assert_array_equal(found, TUNE[:-1000])
    assert "is truncated" in doubt
    assert not whole
    written, _ = audible(data)  # no browser knows it
    assert written[:4] in (b"RIFF", b"fLaC")


@given(
    cut=st.integers(0, len(BODY) + 44),
    size=st.one_of(st.none(), st.integers(0, 2 * len(BODY)), st.integers(0, 0xFFFF_FFFF)),
    riff=st.one_of(st.none(), st.integers(0, 0xFFFF_FFFF)),
)
@settings(max_examples=300, deadline=None)
def test_whatever_its_sizes_say_a_wav_gives_its_own_samples_or_a_reason(cut, size, riff) -> None:
    data = wav(BODY, size, riff)[:cut]
    found, doubt, _ = np.zeros(0), "", True
    with contextlib.suppress(Rejected):
        found, doubt, _ = heard(data)
    if not len(found):
        return
    np.testing.assert_array_equal(found, TUNE[: len(found)])
    promised = len(BODY) if size is None else size
    # Only where all that is promised is there, and little else, is nothing said.
    if not doubt and promised != 0xFFFF_FFFF:
        assert len(found) == promised // 2
    assert len(found) * 2 >= min(max(0, cut - 44), len(BODY)) - 4098


@given(st.binary(max_size=40), st.integers(12, 60))
@settings(max_examples=300, deadline=None)
def test_a_header_that_is_written_over_is_read_or_rejected(junk: bytes, at: int) -> None:
    data = bytearray(wav(BODY[:400]))
    data[at : at + len(junk)] = junk
    with contextlib.suppress(Rejected):
        heard(bytes(data))


def flac(samples: np.ndarray, promised: int | None = None, **how: str) -> bytes:
    out = io.BytesIO()
    soundfile.write(out, samples, RATE_HZ, format="FLAC", subtype="PCM_16", **how)
    data = bytearray(out.getvalue())
    if promised is not None:  # 36 bits of STREAMINFO
        data[21] = data[21] & 0xF0 | promised >> 32
        data[22:26] = struct.pack(">I", promised & 0xFFFF_FFFF)
    return bytes(data)


@given(samples=st.integers(16, 2 * RATE_HZ), promised=st.integers(0, 4 * RATE_HZ))
@settings(max_examples=60, deadline=None)
def test_a_flac_is_as_long_as_its_frames_whatever_it_says(samples: int, promised: int) -> None:
    found, doubt, whole = heard(flac(TUNE[:samples], promised))
    np.testing.assert_array_equal(found, TUNE[:samples])
    assert whole == (promised == samples)
    assert whole or f"{samples:,} samples" in doubt


@given(kept=st.floats(0.3, 0.999))
@settings(max_examples=40, deadline=None)
def test_a_cut_flac_gives_its_whole_frames(kept: float) -> None:
    data = flac(TUNE)
    found, doubt, _ = heard(data[: int(len(data) * kept)])
    np.testing.assert_array_equal(found, TUNE[: len(found)])
    assert len(found) > kept * len(TUNE) - 2 * 4096
    assert "is truncated" in doubt


def test_a_tag_after_the_last_frame_of_a_flac_is_no_fault() -> None:
    found, doubt, whole = heard(flac(TUNE) + b"TAG" + bytes(125))
    np.testing.assert_array_equal(found, TUNE)
    assert (doubt, whole) == ("", True)
