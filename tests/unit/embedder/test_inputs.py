"""Most of what docs/inputs.md says: which sounds become an embedding, and which are rejected, and why."""

import io
import struct

import numpy as np
import pytest
import soundfile
from prometheus_client import CollectorRegistry
from unit.embedder.parts import noise, tone

from embedder.decode import decode
from embedder.metrics import Metrics
from embedder.models.model import EmbeddingModel, FloatArray
from escolta import audio
from escolta.errors import Rejected, Transient

METRICS = Metrics(CollectorRegistry())
RATES_HZ = [8_000, 11_025, 16_000, 22_050, 32_000, 44_100, 48_000, 96_000, 192_000]
MODEL_RATES_HZ = [16_000, 32_000]
FORMS = [
    *[("WAV", form) for form in ("PCM_U8", "PCM_16", "PCM_24", "PCM_32", "FLOAT", "DOUBLE")],
    *[("WAVEX", form) for form in ("PCM_U8", "PCM_16", "PCM_24", "PCM_32", "FLOAT", "DOUBLE")],
    ("RF64", "PCM_16"),
    *[("FLAC", form) for form in ("PCM_S8", "PCM_16", "PCM_24")],
    ("OGG", "VORBIS"),
    ("OGG", "OPUS"),
    ("AIFF", "PCM_16"),
]


@pytest.fixture(params=["placeholder", "yamnet"])
def model(request: pytest.FixtureRequest) -> EmbeddingModel:
    """The models that take little time."""
    return request.getfixturevalue(request.param)


def encoded(waveform: FloatArray, rate_hz: int, container: str = "WAV", form: str = "PCM_16") -> bytes:
    out = io.BytesIO()
    soundfile.write(out, waveform, rate_hz, format=container, subtype=form)
    return out.getvalue()


def heard(data: bytes, rate_hz: int) -> FloatArray:
    return decode(data, rate_hz, "node-1/a.wav", METRICS).waveform


def in_channels(waveform: FloatArray, channels: int) -> FloatArray:
    return waveform if channels == 1 else np.stack([waveform] * channels, axis=1)


def inner(waveform: FloatArray) -> FloatArray:
    """Without the tenth at each end, where a resampler's filter hears what is before and after the sound."""
    return waveform[len(waveform) // 10 : -len(waveform) // 10]


def of_a_sine(waveform: FloatArray, rate_hz: int, hz: float) -> tuple[float, float]:
    """The peak of the sine of `hz` that fits best, and the RMS of what it leaves over, as a part of the peak.

    This tells the frequency: of a sine that is 0.01 Hz off, more than 1 % would be left over in 1.2 s.
    """
    t = np.arange(len(waveform)) / rate_hz
    waves = np.stack([np.sin(2 * np.pi * hz * t), np.cos(2 * np.pi * hz * t)], axis=1)
    weights, *_ = np.linalg.lstsq(waves, waveform, rcond=None)
    peak = float(np.hypot(*weights))
    return peak, rms(waveform - waves @ weights) / peak


def rms(waveform: FloatArray) -> float:
    return float(np.sqrt(np.mean(np.square(waveform))))


def require_embedding(model: EmbeddingModel, data: bytes) -> None:
    embedded = model.embed([heard(data, model.rate_hz)])
    with np.errstate(over="raise"):
        stored = embedded.vectors.astype(np.float16)
    assert np.isfinite(stored).all()
    assert ((embedded.probabilities >= 0) & (embedded.probabilities <= 1)).all()


@pytest.mark.parametrize("channels", [1, 2, 4])
@pytest.mark.parametrize(("container", "form"), FORMS)
def test_every_form_gives_the_same_sound_and_an_embedding(
    model: EmbeddingModel, container: str, form: str, channels: int
) -> None:
    data = encoded(in_channels(tone(48_000, hz=1_000), channels), 48_000, container, form)
    got = heard(data, model.rate_hz)
    assert got.dtype == np.float32
    assert got.shape == (1.5 * model.rate_hz,)
    peak, left = of_a_sine(inner(got), model.rate_hz, 1_000)
    assert 20 * np.log10(peak / 0.5) == pytest.approx(0, abs=0.1)
    assert left < (0.01 if form in ("PCM_U8", "PCM_S8", "VORBIS", "OPUS") else 1e-4)
    require_embedding(model, data)


@pytest.mark.parametrize("rate_hz", RATES_HZ)
@pytest.mark.parametrize("model_rate_hz", MODEL_RATES_HZ)
@pytest.mark.parametrize("hz", [50, 1_000, "high"])
def test_a_sine_keeps_its_level_and_its_frequency(rate_hz: int, model_rate_hz: int, hz: int | str) -> None:
    # Four fifths of what both rates can hold: the filter's slope begins a little above.
    frequency = int(hz) if hz != "high" else 0.4 * min(rate_hz, model_rate_hz)
    data = encoded(tone(rate_hz, hz=frequency), rate_hz, form="PCM_24")
    got = heard(data, model_rate_hz)
    assert abs(len(got) - 1.5 * model_rate_hz) <= 1
    peak, left = of_a_sine(inner(got), model_rate_hz, frequency)
    assert 20 * np.log10(peak / 0.5) == pytest.approx(0, abs=0.1)
    assert left < 1e-3


@pytest.mark.parametrize("rate_hz", RATES_HZ)
@pytest.mark.parametrize("channels", [1, 2, 4])
def test_every_rate_gives_an_embedding(model: EmbeddingModel, rate_hz: int, channels: int) -> None:
    require_embedding(model, encoded(in_channels(noise(rate_hz), channels), rate_hz))


@pytest.mark.parametrize("duration_s", [0.1, 0.5, 0.975, 1.0, 10.0, 10.2, 60.0])
def test_every_duration_gives_an_embedding(model: EmbeddingModel, duration_s: float) -> None:
    require_embedding(model, encoded(noise(44_100, duration_s), 44_100))


@pytest.mark.parametrize(
    "waveform",
    [
        np.zeros(48_000, np.float32),
        np.ones(48_000, np.float32),
        np.full(48_000, 1e-40, np.float32),
        np.tile(np.array([1, -1], np.float32), 24_000),
        tone(48_000) + np.float32(0.4),
        (tone(48_000) * 2**31).astype(np.float32),
        np.full(48_000, -audio.LOUDEST, np.float32),
        np.ones(1, np.float32),
    ],
    ids=[
        "silence",
        "only an offset",
        "denormal",
        "full scale",
        "offset",
        "integers",
        "loudest",
        "one sample",
    ],
)
def test_strange_sounds_give_an_embedding(model: EmbeddingModel, waveform: FloatArray) -> None:
    require_embedding(model, encoded(in_channels(waveform, 2), 48_000, form="FLOAT"))


@pytest.mark.parametrize(
    ("waveform", "rate_hz"),
    [
        (noise(44_100, 60.0), 44_100),
        (noise(44_100, 0.1), 44_100),
        (np.full(48_000, -audio.LOUDEST, np.float32), 48_000),
        (np.full(48_000, 1e-40, np.float32), 48_000),
        (tone(48_000) + np.float32(0.4), 48_000),
        (np.zeros(48_000, np.float32), 48_000),
    ],
    ids=["60 s", "0.1 s", "loudest", "denormal", "offset", "silence"],
)
def test_the_hardest_sounds_give_an_embedding_by_cnn14(
    cnn14: EmbeddingModel, waveform: FloatArray, rate_hz: int
) -> None:
    require_embedding(cnn14, encoded(waveform, rate_hz, form="FLOAT"))


def test_an_offset_stays_what_it_is() -> None:
    got = heard(encoded(np.full(44_100, 0.25, np.float32), 44_100), 16_000)
    np.testing.assert_allclose(inner(got), 0.25, atol=1e-4)


def test_channels_are_averaged() -> None:
    channels = np.stack([tone(16_000), tone(16_000, hz=600), tone(16_000), tone(16_000)], axis=1)
    mean = 0.75 * tone(16_000) + 0.25 * tone(16_000, hz=600)
    np.testing.assert_allclose(heard(encoded(channels, 16_000), 16_000), mean, atol=1e-4)


def test_an_inverted_channel_is_not_heard() -> None:
    channels = np.stack([tone(16_000), -tone(16_000)], axis=1)
    np.testing.assert_allclose(heard(encoded(channels, 16_000), 16_000), tone(16_000), atol=1e-4)


def extensible(samples: list[int], bits: int, valid_bits: int) -> bytes:
    """A WAVE_FORMAT_EXTENSIBLE file whose samples of `valid_bits` lie at the top of words of `bits`."""
    size, shift = bits // 8, bits - valid_bits
    words = b"".join((sample << shift).to_bytes(size, "little", signed=True) for sample in samples)
    pcm = bytes.fromhex("0100000000001000800000aa00389b71")
    form = struct.pack("<HHIIHHHHI", 0xFFFE, 1, 16_000, 16_000 * size, size, bits, 22, valid_bits, 4) + pcm
    note = b"LIST" + struct.pack("<I", 5) + b"INFOx\0"  # an odd chunk is followed by one byte more
    sound = b"data" + struct.pack("<I", len(words)) + words
    chunks = b"WAVEfmt " + struct.pack("<I", len(form)) + form + note + sound
    return b"RIFF" + struct.pack("<I", len(chunks)) + chunks


@pytest.mark.parametrize(("bits", "valid_bits"), [(16, 12), (24, 20), (32, 24)])
def test_words_that_are_not_filled_are_read_by_their_upper_bits(bits: int, valid_bits: int) -> None:
    half = 1 << (valid_bits - 2)
    got = heard(extensible([half, -half] * 800, bits, valid_bits), 16_000)
    np.testing.assert_array_equal(got, np.tile([0.5, -0.5], 800))


def changed(data: bytes, at: int, value: int) -> bytes:
    return data[:at] + struct.pack("<I", value) + data[at + 4 :]


def spoiled(sample: float) -> bytes:
    waveform = tone(16_000)
    waveform[7] = sample
    return encoded(waveform, 16_000, form="FLOAT")


WAV = encoded(tone(16_000), 16_000)
RATE_AT = 24  # in the header of a WAV


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "has zero length"),
        (encoded(tone(16_000, 0), 16_000), "has zero length"),
        (b"<html>no sound at all</html>" * 9, "is not a sound file"),
        (WAV[:-100], "is truncated"),
        (encoded(tone(16_000), 16_000, "FLAC")[:-100], "is truncated"),
        (encoded(tone(16_000), 16_000, "OGG", "VORBIS")[:-100], "is truncated"),
        (spoiled(np.nan), r"not numbers \(NaN or infinity\)"),
        (spoiled(-np.inf), r"not numbers \(NaN or infinity\)"),
        (spoiled(3e38), r"holds samples of 3e\+38 times full scale"),
        (changed(WAV, RATE_AT, 1), "its rate is 1 Hz: rates of 100 to 1,000,000 Hz"),
        (changed(WAV, RATE_AT, 0x7FFF_FFFF), "its rate is 2,147,483,647 Hz"),
        (changed(WAV, RATE_AT, 0), "its rate is 0 Hz"),
    ],
)
def test_what_is_no_sound_is_rejected_with_its_reason(data: bytes, reason: str) -> None:
    with pytest.raises(Rejected, match=rf"^node-1/a\.wav .*{reason}"):
        heard(data, 16_000)


def test_too_little_memory_to_decode_is_no_fault_of_the_file(monkeypatch: pytest.MonkeyPatch) -> None:
    def resample(*_: object) -> FloatArray:
        raise MemoryError("Unable to allocate 3.00 GiB")

    monkeypatch.setattr(audio, "resample", resample)
    with pytest.raises(Transient, match=r"no memory to decode node-1/a\.wav .*3\.00 GiB.*: free some"):
        heard(WAV, 32_000)
