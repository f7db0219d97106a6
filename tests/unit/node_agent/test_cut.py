"""Cutting loses nothing: whatever comes out, put together, is what went in."""

import io
import tempfile
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st
from unit.node_agent.sounds import noise, write_noise

from escolta.audio import probe
from escolta.errors import Rejected
from node_agent.recording.cut import AUDIO_S, Piece, piece, pieces_of

RATE_HZ = 100
KEPT = [("WAV", subtype) for subtype in ("PCM_U8", "PCM_16", "PCM_24", "PCM_32", "FLOAT", "DOUBLE")]
KEPT += [("FLAC", "PCM_16"), ("FLAC", "PCM_24")]


def pieces(path: Path) -> list[Piece]:
    return [piece(path, index) for index in range(pieces_of(path))]


def together(cut: list[Piece], dtype: str = "float64") -> np.ndarray:
    return np.concatenate([soundfile.read(io.BytesIO(part.data), dtype=dtype)[0] for part in cut])


@given(
    samples=st.one_of(st.integers(1, 5000), st.integers(1, 4).map(lambda audios: audios * AUDIO_S * RATE_HZ)),
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
        cut = pieces(path)
        whole = soundfile.read(path, dtype="float64")[0]

    assert [part.samples for part in cut[:-1]] == [AUDIO_S * RATE_HZ] * (len(cut) - 1)
    assert 0 < cut[-1].samples <= AUDIO_S * RATE_HZ
    assert np.array_equal(together(cut), whole)
    for part in cut:
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


def test_one_sample_more_than_ten_seconds_makes_a_second_audio(tmp_path: Path) -> None:
    path = write_noise(tmp_path / "long.wav", 10 + 1 / RATE_HZ)
    assert [part.samples for part in pieces(path)] == [1000, 1]


def test_a_long_ogg_is_cut_into_flac_without_a_seam(tmp_path: Path) -> None:
    rate_hz, time_s = 8000, np.arange(25 * 8000) / 8000
    path = tmp_path / "long.ogg"
    soundfile.write(path, 0.5 * np.sin(2 * np.pi * 440 * time_s), rate_hz)

    cut = pieces(path)

    decoded = soundfile.read(path, dtype="float64")[0]
    assert [part.suffix for part in cut] == ["flac"] * 3
    assert len(together(cut)) == len(decoded)
    assert np.abs(together(cut) - decoded).max() <= 1 / 32768  # rounded to 16 bits, and nothing else


def test_a_format_that_cannot_be_kept_exactly_becomes_flac(tmp_path: Path) -> None:
    path = tmp_path / "long.wav"
    soundfile.write(path, noise(2500), RATE_HZ, subtype="ULAW")
    cut = pieces(path)
    assert [part.suffix for part in cut] == ["flac"] * 3
    assert np.array_equal(together(cut, "int16"), soundfile.read(path, dtype="int16")[0])


def test_a_long_wav_that_is_cut_short_gives_the_sound_that_is_there(tmp_path: Path) -> None:
    path = write_noise(tmp_path / "long.wav", 40)
    path.write_bytes(path.read_bytes()[: 44 + 2 * 2345])
    assert sum(part.samples for part in pieces(path)) == 2345


def test_a_long_flac_that_is_cut_short_is_refused_where_its_sound_ends(tmp_path: Path) -> None:
    path = write_noise(tmp_path / "long.flac", 40, rate_hz=8000)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    assert pieces_of(path) == 4
    assert piece(path, 0).samples == 10 * 8000
    with pytest.raises(Rejected, match=r"long\.flac"):
        piece(path, 3)


@pytest.mark.parametrize("content", [b"", b"this is no sound at all" * 20, b"RIFF\xff\xff\xff\xffWAVE"])
def test_what_is_no_sound_is_one_audio_that_is_refused_with_its_name(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "broken.wav"
    path.write_bytes(content)
    assert pieces_of(path) == 1
    with pytest.raises(Rejected, match=r"broken\.wav"):
        piece(path, 0)
