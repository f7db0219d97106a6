"""Cutting loses nothing: whatever comes out, put together, is what went in."""

import io
import struct
import tempfile
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st
from unit.node_agent.cutting import pieces, together
from unit.node_agent.sounds import noise, write_noise

from escolta.audio import probe
from escolta.errors import Rejected
from node_agent.recording.cut import AUDIO_S, SHORTEST_S, Plan, audios_of, plan

RATE_HZ = 100
KEPT = [("WAV", subtype) for subtype in ("PCM_U8", "PCM_16", "PCM_24", "PCM_32", "FLOAT", "DOUBLE")]
KEPT += [("FLAC", "PCM_16"), ("FLAC", "PCM_24")]


@given(
    samples=st.one_of(st.integers(2, 5000), st.integers(1, 4).map(lambda audios: audios * AUDIO_S * RATE_HZ)),
    encoding=st.sampled_from(KEPT),
    channels=st.integers(1, 3),
)
@settings(max_examples=80, deadline=None)
def test_cutting_any_length_loses_and_doubles_no_sample(
    samples: int, encoding: tuple[str, str], channels: int
) -> None:
    container, subtype = encoding
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"sound.{container.lower()}"
        soundfile.write(path, noise(samples, channels), RATE_HZ, subtype=subtype)
        cuts = pieces(path)
        whole = soundfile.read(path, dtype="float64")[0]

    assert [part.samples for part in cuts[:-1]] == [AUDIO_S * RATE_HZ] * (len(cuts) - 1)
    assert len(cuts) == 1 or SHORTEST_S * RATE_HZ <= cuts[-1].samples < (AUDIO_S + SHORTEST_S) * RATE_HZ
    assert np.array_equal(together(cuts), whole)
    for part in cuts:
        found, info = probe(part.data), soundfile.info(io.BytesIO(part.data))
        assert (found.samples, found.rate_hz, found.channels, found.bits) == (
            part.samples,
            part.rate_hz,
            part.channels,
            part.bits,
        )
        assert (info.format, info.subtype, part.suffix) == (container, subtype, container.lower())


@pytest.mark.parametrize("suffix", ["wav", "flac", "ogg"])
def test_a_file_of_up_to_ten_seconds_is_one_audio_byte_for_byte(tmp_path: Path, suffix: str) -> None:
    path = write_noise(tmp_path / f"short.{suffix}", 10, rate_hz=8000)
    [only] = pieces(path)
    assert only.data == path.read_bytes()
    assert (only.samples, only.rate_hz, only.channels, only.bits) == (80_000, 8000, 1, 16)


@pytest.mark.parametrize(
    ("duration_s", "durations_s"),
    [
        (10 + 1 / RATE_HZ, [10 + 1 / RATE_HZ]),
        (10.99, [10.99]),
        (11, [10, 1]),
        (60.9, [10, 10, 10, 10, 10, 10.9]),
        (0.02, [0.02]),
    ],
)
def test_a_tail_of_less_than_a_second_joins_the_audio_before(
    tmp_path: Path, duration_s: float, durations_s: list[float]
) -> None:
    path = write_noise(tmp_path / "long.wav", duration_s)
    assert [part.samples / RATE_HZ for part in pieces(path)] == durations_s


def test_a_file_that_is_too_short_to_be_labeled_is_refused_with_its_length(tmp_path: Path) -> None:
    path = write_noise(tmp_path / "click.wav", 0.019, rate_hz=1000)
    with pytest.raises(Rejected, match=r"^click\.wav lasts 19\.0 ms: less than 20 ms cannot be labeled\.$"):
        plan(path)


def test_a_long_ogg_is_cut_into_flac_without_a_seam(tmp_path: Path) -> None:
    rate_hz, time_s = 8000, np.arange(25 * 8000) / 8000
    path = tmp_path / "long.ogg"
    soundfile.write(path, 0.5 * np.sin(2 * np.pi * 440 * time_s), rate_hz)

    cuts = pieces(path)

    decoded = soundfile.read(path, dtype="float64")[0]
    assert [part.suffix for part in cuts] == ["flac"] * 3
    assert len(together(cuts)) == len(decoded)
    assert np.abs(together(cuts) - decoded).max() <= 1 / 32768  # rounded to 16 bits, and nothing else


@pytest.mark.parametrize(
    ("container", "subtype", "dtype", "suffix"),
    [
        ("WAV", "ULAW", "int16", "flac"),
        ("WAV", "GSM610", "int16", "flac"),  # libsndfile cannot seek in it, nor in the next
        ("AU", "G721_32", "int16", "flac"),
        ("AIFF", "PCM_S8", "int16", "wav"),
        ("AIFF", "PCM_24", "int32", "wav"),
        ("CAF", "ALAC_24", "int32", "wav"),
        ("W64", "FLOAT", "float32", "wav"),
        ("AU", "DOUBLE", "float64", "wav"),
    ],
)
def test_a_long_file_of_any_format_is_cut_with_each_bit_kept(
    tmp_path: Path, container: str, subtype: str, dtype: str, suffix: str
) -> None:
    path = tmp_path / "long"
    soundfile.write(path, noise(25_000), 1000, format=container, subtype=subtype)
    cuts = pieces(path)
    assert [part.suffix for part in cuts] == [suffix] * 3
    assert np.array_equal(together(cuts, dtype), soundfile.read(path, dtype=dtype)[0])
    for part in cuts:
        assert probe(part.data).bits == part.bits


def test_more_channels_than_flac_can_have_are_cut_into_wav(tmp_path: Path) -> None:
    path = tmp_path / "array.wav"
    soundfile.write(path, noise(2500, 12), RATE_HZ, subtype="ULAW")
    assert [(part.suffix, part.channels) for part in pieces(path)] == [("wav", 12)] * 3


@pytest.mark.parametrize("rate_hz", [0, 1, 50, 0xFFFF_FFFF])
def test_a_file_with_an_absurd_rate_is_refused_as_one(tmp_path: Path, rate_hz: int) -> None:
    path = write_noise(tmp_path / "rate.wav", 80)
    data = bytearray(path.read_bytes())
    data[24:28] = struct.pack("<I", rate_hz)
    path.write_bytes(data)
    assert audios_of(path) == 1
    with pytest.raises(Rejected, match=rf"^rate\.wav says that its rate is {rate_hz:,} Hz"):
        plan(path)


@pytest.mark.parametrize("content", [b"", b"this is no sound at all" * 20, b"RIFF\xff\xff\xff\xffWAVE"])
def test_what_is_no_sound_is_one_audio_that_is_refused_with_its_name(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "broken.wav"
    path.write_bytes(content)
    assert audios_of(path) == 1
    with pytest.raises(Rejected, match=r"^broken\.wav "):
        plan(path)


@given(samples=st.integers(1, 10**9), rate_hz=st.integers(100, 10**6))
def test_the_places_of_a_plan_lie_one_after_the_other(samples: int, rate_hz: int) -> None:
    made = Plan(samples, rate_hz)
    indexes = [*range(min(made.audios, 50)), made.audios - 1]
    assert made.place(0).start == 0
    assert made.place(made.audios - 1).stop == samples
    for index in indexes[:-1]:
        place = made.place(index)
        assert index == made.audios - 1 or place.stop == made.place(index + 1).start


def test_lossy_sound_of_a_rate_that_flac_cannot_say_is_cut_into_wav(tmp_path: Path) -> None:
    path = tmp_path / "fine.wav"
    soundfile.write(path, noise(25 * 65_537), 65_537, subtype="MS_ADPCM")
    cuts = pieces(path)
    assert {(part.suffix, part.rate_hz) for part in cuts} == {("wav", 65_537)}
