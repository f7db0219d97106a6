"""Cutting loses nothing: whatever comes out, put together, is what went in."""

import errno
import io
import re
import struct
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
from node_agent.recording.cut import AUDIO_S, SHORTEST_S, Damaged, Gap, Piece, Plan, audios_of, cut, plan

RATE_HZ = 100
KEPT = [("WAV", subtype) for subtype in ("PCM_U8", "PCM_16", "PCM_24", "PCM_32", "FLOAT", "DOUBLE")]
KEPT += [("FLAC", "PCM_16"), ("FLAC", "PCM_24")]


def pieces(path: Path) -> list[Piece]:
    made = plan(path)
    return [cut(path, made, index) for index in range(made.audios)]


def parts(path: Path) -> tuple[list[Piece], list[Gap]]:
    """What can be had of a file, and what cannot."""
    made, had, gaps = plan(path), [], []
    for index in range(made.audios):
        try:
            piece = cut(path, made, index)
        except Damaged as damaged:
            gaps.append(damaged.gap)
        else:
            had.append(piece)
            gaps += [piece.gap] if piece.gap else []
    return had, gaps


def together(cuts: list[Piece], dtype: str = "float64") -> np.ndarray:
    return np.concatenate([soundfile.read(io.BytesIO(part.data), dtype=dtype)[0] for part in cuts])


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


@pytest.mark.parametrize("seconds", [6, 23.45])
@pytest.mark.parametrize("size", [0, 44, 1 << 31, 0x7FFF_FFFF, 1_000_000])
def test_a_wav_with_a_wrong_length_gives_all_of_its_sound_with_a_doubt(
    tmp_path: Path, seconds: float, size: int
) -> None:
    path = write_noise(tmp_path / "broken.wav", seconds)
    whole = soundfile.read(path, dtype="float64")[0]
    data = bytearray(path.read_bytes())
    data[40:44] = struct.pack("<I", size)
    path.write_bytes(data)
    cuts = pieces(path)
    assert np.array_equal(together(cuts), whole)
    assert sum(probe(part.data).samples for part in cuts) == len(whole)
    assert plan(path).doubt.startswith("broken.wav ")


def test_a_wav_that_is_cut_short_gives_the_sound_that_is_there(tmp_path: Path) -> None:
    path = write_noise(tmp_path / "long.wav", 40)
    path.write_bytes(path.read_bytes()[: 44 + 2 * 2345])
    assert sum(part.samples for part in pieces(path)) == 2345
    assert "promises 8,000 bytes of sound (4,000 samples), and 4,690 (2,345) are there" in plan(path).doubt


def long_flac(path: Path, seconds: float, rate_hz: int = 8000) -> bytearray:
    return bytearray(write_noise(path, seconds, rate_hz).read_bytes())


def test_one_wrong_bit_in_a_flac_loses_only_what_follows_it_in_its_audio(tmp_path: Path) -> None:
    path = tmp_path / "long.flac"
    data = long_flac(path, 60)
    whole = soundfile.read(path, dtype="float64")[0]
    data[len(data) * 25 // 60] ^= 1
    path.write_bytes(data)

    had, [gap] = parts(path)

    assert [round(part.samples / 8000) for part in had] == [10, 10, 5, 10, 10, 10]
    assert 24 < gap.from_s < 25.1
    assert gap.to_s == 30
    assert re.match(
        r"long\.flac is damaged from 2[45]\.\d to 30\.0 s: it cannot be decoded there", gap.reason
    )
    assert np.array_equal(together(had[:3]), whole[: round(gap.from_s * 8000)])
    assert np.array_equal(together(had[3:]), whole[30 * 8000 :])


def test_a_short_flac_with_a_wrong_bit_gives_what_is_before_it(tmp_path: Path) -> None:
    path = tmp_path / "short.flac"
    data = long_flac(path, 6)
    whole = soundfile.read(path, dtype="float64")[0]
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    [piece], [gap] = parts(path)
    assert probe(piece.data).samples == piece.samples
    assert np.array_equal(together([piece]), whole[: piece.samples])
    assert (gap.from_s, gap.to_s) == (piece.samples / 8000, 6)


@pytest.mark.parametrize("promised_s", [0, 10, 24, 50, 100_000])
def test_a_flac_gives_all_its_frames_whatever_its_header_promises(tmp_path: Path, promised_s: int) -> None:
    path = tmp_path / "long.flac"
    data = long_flac(path, 25)
    whole = soundfile.read(path, dtype="float64")[0]
    data[21] = data[21] & 0xF0 | promised_s * 8000 >> 32
    data[22:26] = struct.pack(">I", promised_s * 8000 & 0xFFFF_FFFF)
    path.write_bytes(data)
    assert np.array_equal(together(pieces(path)), whole)
    assert "200,000 samples" in plan(path).doubt


def test_a_flac_that_is_cut_short_gives_its_whole_frames(tmp_path: Path) -> None:
    path = tmp_path / "long.flac"
    data = long_flac(path, 40)
    whole = soundfile.read(path, dtype="float64")[0]
    path.write_bytes(data[: len(data) // 2])
    had, gaps = parts(path)
    assert gaps == []
    assert 19 < sum(part.samples for part in had) / 8000 < 21
    assert np.array_equal(together(had), whole[: sum(part.samples for part in had)])


@pytest.mark.parametrize(("container", "subtype"), [("OGG", "VORBIS"), ("OGG", "OPUS"), ("MP3", None)])
@pytest.mark.parametrize("seconds", [6, 45])
def test_a_lossy_file_that_is_cut_gives_what_can_be_decoded_with_a_doubt(
    tmp_path: Path, container: str, subtype: str | None, seconds: int
) -> None:
    path = tmp_path / "cut"
    soundfile.write(path, noise(seconds * 8000), 8000, format=container, subtype=subtype)
    data = path.read_bytes()
    path.write_bytes(data[: len(data) * 2 // 3])
    had, gaps = parts(path)
    assert gaps == []
    assert 0.4 * seconds < sum(part.samples for part in had) / 8000 < 0.7 * seconds
    assert all(probe(part.data).samples == part.samples for part in had)
    assert "is truncated" in plan(path).doubt


def test_a_hole_in_an_ogg_loses_what_is_in_its_audio_and_moves_nothing(tmp_path: Path) -> None:
    path = tmp_path / "long.ogg"
    soundfile.write(path, noise(45 * 8000), 8000)
    whole = soundfile.read(path, dtype="float64")[0]
    data = path.read_bytes()
    at = len(data) * 24 // 45
    path.write_bytes(data[:at] + bytes(3000) + data[at + 3000 :])
    had, [gap] = parts(path)
    assert 20 <= gap.from_s < 25
    assert gap.to_s == 30
    last = together(had[-2:])
    assert np.abs(last - whole.clip(-1, 1)[30 * 8000 :]).max() <= 1 / 32768


def test_samples_that_are_no_numbers_lose_their_audio_alone(tmp_path: Path) -> None:
    samples = noise(3000).astype(np.float32)
    samples[1500] = np.nan
    soundfile.write(tmp_path / "long.wav", samples, RATE_HZ, subtype="FLOAT")
    had, [gap] = parts(tmp_path / "long.wav")
    assert [part.samples for part in had] == [1000, 500 - 500 % 11, 1000]
    assert "not numbers" in gap.reason


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


@pytest.mark.parametrize("suffix", ["wav", "flac", "ogg"])
def test_a_disk_that_fails_while_it_is_read_is_no_fault_of_the_sound(
    tmp_path: Path, suffix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_noise(tmp_path / f"long.{suffix}", 45, rate_hz=8000)
    made, data = plan(path), path.read_bytes()
    bad = len(data) * 24 // 45

    class BadSector(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            begin = self.tell()
            read = super().read(size)
            if begin <= bad < begin + len(read):
                raise OSError(errno.EIO, "Input/output error")
            return read

    monkeypatch.setattr(Path, "open", lambda *_, **__: BadSector(data))
    assert len(together([cut(path, made, 0)])) == 80_000
    with pytest.raises(OSError, match="Input/output error"):
        cut(path, made, 2)
