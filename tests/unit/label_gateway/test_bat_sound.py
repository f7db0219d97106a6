"""Audio as it goes to BAT, whatever it was: it can be opened there, and what is heard is where it was."""

import io
import struct

import numpy as np
import pytest
import soundfile

from escolta.errors import Rejected
from label_gateway.bat.sound import for_bat

NOISE = np.random.default_rng(0).uniform(-0.5, 0.5, 8_000).astype(np.float32)


def stored(
    samples: np.ndarray, rate_hz: int = 16_000, container: str = "WAV", subtype: str = "PCM_16"
) -> bytes:
    out = io.BytesIO()
    soundfile.write(out, samples, rate_hz, format=container, subtype=subtype)
    return out.getvalue()


def opened(wav: bytes) -> tuple[np.ndarray, int]:
    """As BAT opens it: a plain header of 44 bytes, one channel, 16 bits."""
    riff, size, wave, fmt, length, tag, channels, rate_hz, _, block, bits, data, data_bytes = struct.unpack(
        "<4sI4s4sIHHIIHH4sI", wav[:44]
    )
    assert (riff, wave, fmt, data) == (b"RIFF", b"WAVE", b"fmt ", b"data")
    assert (size, length, tag, channels, block, bits) == (len(wav) - 8, 16, 1, 1, 2, 16)
    assert data_bytes == len(wav) - 44
    return np.frombuffer(wav[44:], "<i2") / 32_768, rate_hz


@pytest.mark.parametrize(
    ("container", "subtype"),
    [
        *[("WAV", it) for it in ("PCM_U8", "PCM_16", "PCM_24", "PCM_32", "FLOAT", "DOUBLE")],
        ("WAVEX", "PCM_16"),
        ("WAVEX", "FLOAT"),
        ("FLAC", "PCM_24"),
    ],
)
def test_any_form_becomes_the_one_that_bat_opens(container, subtype):
    heard, rate_hz = opened(for_bat(stored(NOISE, container=container, subtype=subtype)))
    assert rate_hz == 16_000
    assert len(heard) == len(NOISE)
    assert np.abs(heard - NOISE).max() < (1 / 64 if subtype == "PCM_U8" else 1e-4)


def test_several_channels_become_the_one_that_the_models_hear():
    dead = np.zeros_like(NOISE)
    heard, _ = opened(for_bat(stored(np.stack([NOISE, dead, NOISE], 1))))
    assert np.abs(heard - NOISE).max() < 1e-4


@pytest.mark.parametrize("samples", [1, 100, 1_600, 3_199])
def test_what_is_too_short_for_bat_is_followed_by_silence(samples):
    heard, rate_hz = opened(for_bat(stored(NOISE[:samples])))
    assert len(heard) == 0.2 * rate_hz
    assert np.abs(heard[:samples] - NOISE[:samples]).max() < 1e-4
    assert not heard[samples:].any()


@pytest.mark.parametrize(
    ("rate_hz", "at_hz"), [(100, 3_000), (2_000, 3_000), (96_000, 96_000), (384_000, 192_000)]
)
def test_a_rate_that_browsers_do_not_play_becomes_the_nearest_and_the_sound_lasts_as_long(rate_hz, at_hz):
    heard, found_hz = opened(for_bat(stored(NOISE, rate_hz)))
    assert found_hz == at_hz
    assert abs(len(heard) / at_hz - max(0.2, len(NOISE) / rate_hz)) <= 1 / at_hz


def test_floats_beyond_full_scale_are_made_quieter_and_not_cut():
    heard, _ = opened(for_bat(stored(8 * NOISE, subtype="FLOAT")))
    assert np.abs(heard - NOISE / np.abs(NOISE).max()).max() < 1e-4


@pytest.mark.parametrize("data", [b"", b"no sound at all", stored(NOISE)[:400]])
def test_what_is_no_whole_sound_is_refused(data):
    with pytest.raises(Rejected):
        for_bat(data)
