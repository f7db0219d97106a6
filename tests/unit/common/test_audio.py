"""Sound files, whole and broken, and what the functions on waveforms promise."""

import contextlib
import io
import struct
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st

from escolta import audio
from escolta.errors import Rejected

RATE_HZ = 16_000


def tone(
    duration_s: float = 0.5, hz: float = 440.0, rate_hz: int = RATE_HZ, peak: float = 0.5
) -> audio.Waveform:
    t = np.arange(round(duration_s * rate_hz)) / rate_hz
    return (peak * np.sin(2 * np.pi * hz * t)).astype(np.float32)


def sound_of(samples: list) -> audio.Waveform:
    return np.array(samples, np.float32)


def encoded(container: str, subtype: str | None = None, waveform: audio.Waveform | None = None) -> bytes:
    out = io.BytesIO()
    sound = tone() if waveform is None else waveform
    soundfile.write(out, sound, RATE_HZ, format=container, subtype=subtype)
    return out.getvalue()


WHOLE = [
    ("WAV", "PCM_16", 16),
    ("WAV", "PCM_24", 24),
    ("WAV", "PCM_U8", 8),
    ("WAV", "FLOAT", 32),
    ("WAV", "IMA_ADPCM", None),
    ("RF64", "PCM_16", 16),
    ("FLAC", "PCM_16", 16),
    ("FLAC", "PCM_24", 24),
    ("OGG", "VORBIS", None),
    ("OGG", "OPUS", None),
    ("MP3", "MPEG_LAYER_III", None),
]


@pytest.mark.parametrize(("container", "subtype", "bits"), WHOLE)
def test_a_whole_file_is_probed_and_read(container: str, subtype: str, bits: int | None) -> None:
    data = encoded(container, subtype)
    found = audio.probe(data)
    waveform, rate_hz = audio.read(data)
    assert (found.container, found.channels, found.bits) == (container, 1, bits)
    assert rate_hz == found.rate_hz
    assert waveform.dtype == np.float32
    assert waveform.shape == (found.samples,)
    assert found.duration_s == pytest.approx(0.5, abs=0.15)  # ADPCM and Opus fill their last block


def test_a_file_on_disk_reads_like_its_bytes_whatever_its_name(tmp_path: Path) -> None:
    path = tmp_path / "sound.raw"
    path.write_bytes(encoded("FLAC"))
    assert audio.probe(path) == audio.probe(path.read_bytes())
    np.testing.assert_array_equal(audio.read(path)[0], audio.read(path.read_bytes())[0])


def test_channels_are_kept() -> None:
    stereo = np.stack([tone(), -tone()], axis=1)
    waveform, _ = audio.read(audio.write(stereo, RATE_HZ))
    assert waveform.shape == stereo.shape
    np.testing.assert_allclose(waveform, stereo, atol=2**-15)


def test_a_big_endian_wav_is_read() -> None:
    out = io.BytesIO()
    soundfile.write(out, tone(), RATE_HZ, format="WAV", subtype="PCM_16", endian="BIG")
    assert out.getvalue()[:4] == b"RIFX"
    assert audio.probe(out.getvalue()).samples == 8000


@pytest.mark.parametrize(("container", "subtype", "bits"), WHOLE)
@pytest.mark.parametrize("kept", [0.05, 0.6, 0.99])
def test_a_truncated_file_is_rejected(container: str, subtype: str, bits: int | None, kept: float) -> None:
    noise = np.random.default_rng(0).normal(0, 0.1, 4 * RATE_HZ).astype(np.float32)
    data = encoded(container, subtype, noise)
    cut = data[: int(len(data) * kept)]
    for look in (audio.probe, audio.read):
        with pytest.raises(Rejected, match=r"^node-1/a\.x is (truncated|not a sound file)"):
            look(cut, "node-1/a.x")


def test_the_reason_for_a_truncated_wav_counts_the_samples() -> None:
    stereo = np.stack([tone(), tone()], axis=1)
    data = audio.write(stereo, RATE_HZ)[:-4_000]
    with pytest.raises(
        Rejected, match=r"promises 32,000 bytes of sound \(8,000 samples\), and 28,000 \(7,000\) are there\.$"
    ):
        audio.probe(data)


def test_a_wav_written_to_a_pipe_promises_no_length() -> None:
    data = bytearray(audio.write(tone(), RATE_HZ))
    data[40:44] = struct.pack("<I", 0xFFFFFFFF)
    assert audio.probe(bytes(data)).samples == 8000


def test_a_flac_that_does_not_say_its_length_is_rejected() -> None:
    data = bytearray(audio.write(tone(), RATE_HZ, "FLAC"))
    data[21] &= 0xF0  # the 36 bits of STREAMINFO's total samples
    data[22:26] = bytes(4)
    with pytest.raises(Rejected, match="does not say how long it is"):
        audio.probe(bytes(data))


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "has zero length: the file is empty"),
        (audio.write(tone(0), RATE_HZ), "has zero length: there is no sample"),
        (encoded("OGG", "VORBIS", tone(0)), "has zero length: there is no sample"),
        (b"hello, this is no sound " * 99, "is not a sound file"),
        (bytes(5000), "is not a sound file"),
        (b"RIFF\xff\xff\xff\xffWAVE" + bytes(20_000), "ends before its sound begins"),
        (b"RIFF\x24\x00\x00\x00WAVEfmt \x10\x00\x00\x00", "ends before its sound begins"),
    ],
)
def test_what_holds_no_sound_is_rejected_with_its_reason(data: bytes, reason: str) -> None:
    for look in (audio.probe, audio.read):
        with pytest.raises(Rejected, match=reason):
            look(data)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_samples_that_are_not_numbers_are_rejected(bad: float) -> None:
    waveform = tone()
    waveform[1234] = bad
    with pytest.raises(Rejected, match="NaN or infinity"):
        audio.probe(encoded("WAV", "FLOAT", waveform))


def test_a_path_that_is_not_there_is_no_fault_of_the_sound(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        audio.read(tmp_path / "gone.wav")


@given(st.binary(max_size=200), st.sampled_from(["RIFF", "RIFX", "RF64", "OggS", "fLaC", ""]))
def test_any_bytes_are_read_or_rejected(junk: bytes, magic: str) -> None:
    middle = b"\x10\x00\x00\x00WAVE" if magic.startswith("R") else b""
    with contextlib.suppress(Rejected):
        audio.probe(magic.encode() + middle + junk)


@pytest.mark.parametrize("container", ["WAV", "FLAC"])
@pytest.mark.parametrize("bits", [16, 24])
def test_writing_gives_back_every_sample_that_was_read(container: str, bits: int) -> None:
    steps = np.random.default_rng(1).integers(-(1 << bits - 1), 1 << bits - 1, 5000)
    waveform = (steps / (1 << bits - 1)).astype(np.float32)
    again, rate_hz = audio.read(audio.write(waveform, RATE_HZ, container, bits))
    np.testing.assert_array_equal(again, waveform)
    assert rate_hz == RATE_HZ


def test_writing_clips_what_is_beyond_full_scale() -> None:
    waveform, _ = audio.read(audio.write(sound_of([2.0, -2.0]), RATE_HZ))
    np.testing.assert_array_equal(waveform, sound_of([1 - 2**-15, -1.0]))


def test_mono_is_the_mean_of_the_channels() -> None:
    np.testing.assert_array_equal(audio.mono(sound_of([[1, 0], [0.5, 0.25]])), sound_of([0.5, 0.375]))
    assert audio.mono(tone()).shape == tone().shape


@pytest.mark.parametrize(
    ("from_hz", "to_hz"), [(44_100, 16_000), (16_000, 32_000), (48_000, 32_000), (8_000, 8_000)]
)
def test_resampling_keeps_the_tone_and_the_duration(from_hz: int, to_hz: int) -> None:
    got = audio.resample(tone(1.0, rate_hz=from_hz), from_hz, to_hz)
    assert got.dtype == np.float32
    assert abs(len(got) - to_hz) <= 1
    inner = slice(to_hz // 10, -to_hz // 10)
    np.testing.assert_allclose(got[inner], tone(1.0, rate_hz=to_hz)[: len(got)][inner], atol=1e-3)


def test_resampling_takes_away_what_the_new_rate_cannot_hold() -> None:
    got = audio.resample(tone(1.0, hz=15_000, rate_hz=44_100), 44_100, 16_000)
    assert audio.level_dbfs(got[1600:-1600]) < -90


def test_resampling_treats_each_channel_by_itself() -> None:
    stereo = np.stack([tone(), -tone()], axis=1)
    got = audio.resample(stereo, RATE_HZ, 32_000)
    np.testing.assert_array_equal(got[:, 0], audio.resample(tone(), RATE_HZ, 32_000))


def test_levels_are_relative_to_full_scale() -> None:
    assert audio.level_dbfs(np.ones(100, np.float32)) == 0
    assert audio.level_dbfs(tone(1.0, peak=1.0)) == pytest.approx(-3.01, abs=0.01)
    assert audio.level_dbfs(tone(1.0, peak=0.1)) == pytest.approx(-23.01, abs=0.01)
    assert audio.level_dbfs(np.zeros(100, np.float32)) == audio.SILENCE_DBFS
    assert audio.level_dbfs(np.zeros(0, np.float32)) == audio.SILENCE_DBFS
