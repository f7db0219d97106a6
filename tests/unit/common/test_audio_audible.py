"""What a browser is given: the samples that the models have heard, in a form that every browser decodes."""

import io

import numpy as np
import pytest
import soundfile

from escolta import audio
from escolta.audio.audible import audible
from escolta.errors import Rejected

RATE_HZ = 8_000
TUNE = np.random.default_rng(0).uniform(-0.5, 0.5, 2 * RATE_HZ)


def encoded(container: str, subtype: str, waveform: np.ndarray = TUNE, rate_hz: int = RATE_HZ) -> bytes:
    out = io.BytesIO()
    soundfile.write(out, waveform, rate_hz, format=container, subtype=subtype)
    return out.getvalue()


@pytest.mark.parametrize(
    ("container", "subtype", "media_type"),
    [
        ("WAV", "PCM_U8", "audio/wav"),
        ("WAV", "PCM_16", "audio/wav"),
        ("WAV", "PCM_24", "audio/wav"),
        ("WAV", "FLOAT", "audio/wav"),
        ("FLAC", "PCM_16", "audio/flac"),
        ("FLAC", "PCM_24", "audio/flac"),
    ],
)
def test_what_every_browser_decodes_is_given_byte_for_byte(
    container: str, subtype: str, media_type: str
) -> None:
    data = encoded(container, subtype)
    assert audible(data) == (data, media_type)


EXACT = [
    *[("WAVEX", form) for form in ("PCM_16", "PCM_24", "PCM_32", "FLOAT", "DOUBLE")],
    *[("WAV", form) for form in ("PCM_32", "DOUBLE")],
    *[("AIFF", form) for form in ("PCM_S8", "PCM_16", "PCM_24", "FLOAT")],
    ("W64", "PCM_16"),
    ("RF64", "PCM_16"),
    ("CAF", "PCM_24"),
    ("AU", "PCM_16"),
    ("FLAC", "PCM_S8"),
]
LOSSY = [("WAV", form) for form in ("ULAW", "ALAW", "IMA_ADPCM", "MS_ADPCM", "GSM610")]
LOSSY += [("OGG", "VORBIS"), ("OGG", "OPUS"), ("MP3", "MPEG_LAYER_III"), ("CAF", "ALAC_16")]


@pytest.mark.parametrize(("container", "subtype"), EXACT + LOSSY)
def test_whatever_is_accepted_is_given_with_the_samples_that_the_models_hear(
    container: str, subtype: str
) -> None:
    data = encoded(container, subtype)
    given, media_type = audible(data)
    assert media_type == {b"fLaC": "audio/flac", b"RIFF": "audio/wav"}[given[:4]]
    assert audible(given) == (given, media_type)
    heard, rate_hz = audio.read(given)
    wanted, _ = audio.read(data)
    assert rate_hz == RATE_HZ
    if (container, subtype) in LOSSY:
        np.testing.assert_allclose(heard, wanted.clip(-1, 1), atol=2**-15)
    else:
        np.testing.assert_array_equal(heard, wanted)


@pytest.mark.parametrize(("rate_hz", "given_hz"), [(500, 3_000), (2_000, 3_000), (384_000, 192_000)])
def test_rates_that_browsers_cannot_play_become_the_nearest_that_they_can(
    rate_hz: int, given_hz: int
) -> None:
    given, _ = audible(encoded("WAV", "PCM_16", TUNE, rate_hz))
    found = audio.probe(given)
    assert found.rate_hz == given_hz
    assert found.duration_s == pytest.approx(len(TUNE) / rate_hz, abs=1 / given_hz)


def test_a_rate_that_flac_cannot_say_becomes_one_that_it_can() -> None:
    given, _ = audible(encoded("AIFF", "PCM_16", TUNE, 65_537))
    found = audio.probe(given)
    assert found.rate_hz == 65_530
    assert found.duration_s == pytest.approx(len(TUNE) / 65_537, abs=1e-4)


@pytest.mark.parametrize(
    "channels", [np.stack([TUNE, -TUNE], axis=1), np.stack([TUNE] * 12, axis=1)], ids=["inverted", "many"]
)
def test_channels_that_no_player_mixes_rightly_are_mixed_as_the_models_hear_them(channels) -> None:
    data = encoded("WAV", "PCM_16", channels)
    heard, _ = audio.read(audible(data)[0])
    np.testing.assert_array_equal(heard, audio.mono(audio.read(data)[0]))


def test_two_channels_that_differ_are_kept() -> None:
    data = encoded("WAV", "PCM_16", np.stack([TUNE, TUNE[::-1]], axis=1))
    assert audible(data)[0] == data


def test_a_wav_that_only_we_find_our_way_in_is_written_anew() -> None:
    data = encoded("WAV", "PCM_16")
    note = b"LIST\x0f\0\0\0AudioMoth note."  # of an odd length, and no byte follows it
    crooked = data[:36] + note + data[36:]
    given, media_type = audible(crooked)
    assert media_type == "audio/flac"
    np.testing.assert_array_equal(audio.read(given)[0], audio.read(data)[0])


def test_what_is_no_sound_is_rejected() -> None:
    with pytest.raises(Rejected):
        audible(b"RIFF" + bytes(range(256)) * 4)


NOT_A_NUMBER = np.full(RATE_HZ, np.nan)


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(encoded("WAV", "PCM_16")[:-1_000], id="truncated"),
        pytest.param(encoded("WAV", "PCM_16", TUNE[:0]), id="of no length"),
        pytest.param(encoded("WAV", "FLOAT", NOT_A_NUMBER), id="of samples that are no numbers"),
        pytest.param(encoded("FLAC", "PCM_16")[:-1_000], id="truncated, and only decoding shows it"),
    ],
)
def test_what_is_no_whole_sound_is_rejected_also_in_a_plain_form(data: bytes) -> None:
    with pytest.raises(Rejected):
        audible(data)
