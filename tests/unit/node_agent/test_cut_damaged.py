"""A recording that is damaged: what can be had of it is had, and what cannot is told."""

import errno
import io
import re
import struct
from pathlib import Path

import numpy as np
import pytest
import soundfile
from unit.node_agent.cutting import parts, pieces, together
from unit.node_agent.sounds import noise, write_noise

from escolta.audio import probe
from escolta.audio.containers import mp3_frame_bytes
from node_agent.recording.cut import cut, plan

RATE_HZ = 100


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


@pytest.mark.parametrize("rate_hz", [8000, 22_050, 44_100])
@pytest.mark.parametrize("tag", [b"", b"ID3\3\0\0\0\0\2\0" + bytes(256)])
def test_an_mp3_of_changing_bit_rate_that_does_not_say_its_length_is_heard_to_its_end(
    tmp_path: Path, rate_hz: int, tag: bytes
) -> None:
    path = tmp_path / "a.mp3"
    swelling = noise(12 * rate_hz) * np.linspace(0.001, 1, 12 * rate_hz)
    soundfile.write(path, swelling, rate_hz)
    data = path.read_bytes()
    path.write_bytes(tag + data[mp3_frame_bytes(data[:4]) :])  # without the frame that says it
    had, gaps = parts(path)
    assert gaps == []
    assert plan(path).doubt == ""
    assert 12 <= sum(part.samples for part in had) / rate_hz < 12.2
    assert np.abs(together(had)[-rate_hz:]).max() > 0.5


@pytest.mark.parametrize("subtype", ["VORBIS", "OPUS"])
@pytest.mark.parametrize("seconds", [3, 12])
def test_of_an_ogg_of_several_recordings_the_first_is_taken_and_the_others_are_told(
    tmp_path: Path, subtype: str, seconds: int
) -> None:
    path, first, second = (tmp_path / name for name in ("chain", "first", "second"))
    for one, duration_s in ((first, seconds), (second, 5)):
        soundfile.write(one, noise(duration_s * 8000), 8000, format="OGG", subtype=subtype)
    path.write_bytes(first.read_bytes() + second.read_bytes())
    assert plan(path).samples == plan(first).samples == seconds * 8000
    assert sum(part.samples for part in pieces(path)) == seconds * 8000
    assert f"the other {second.stat().st_size:,} bytes are not" in plan(path).doubt


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


@pytest.mark.parametrize("suffix", ["wav", "flac", "ogg"])
@pytest.mark.parametrize("bad_s", [20.5, 24])  # with less before it than is kept, and with more
def test_a_disk_that_fails_while_it_is_read_is_no_fault_of_the_sound(
    tmp_path: Path, suffix: str, bad_s: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_noise(tmp_path / f"long.{suffix}", 45, rate_hz=8000)
    made, data = plan(path), path.read_bytes()
    bad = round(len(data) * bad_s / 45)

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
