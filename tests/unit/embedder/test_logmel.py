"""YAMNet's front end against a slow computation of the same definition."""

import math

import numpy as np
import pytest
from unit.embedder.parts import noise, tone

from embedder.models import logmel
from embedder.models.model import FloatArray


def slow_log_mel(waveform: FloatArray) -> np.ndarray:
    """The definition, sum by sum, in double precision: `[frames, 64]`."""
    frames = []
    n = np.arange(400)
    hann = np.array([math.sin(math.pi * i / 400) ** 2 for i in range(400)])
    for start in range(0, len(waveform) - 399, 160):
        windowed = waveform[start : start + 400].astype(np.float64) * hann
        magnitudes = [
            math.hypot(
                float(np.sum(windowed * np.cos(2 * math.pi * k * n / 512))),
                float(np.sum(windowed * np.sin(2 * math.pi * k * n / 512))),
            )
            for k in range(257)
        ]
        frames.append([math.log(energy + 0.001) for energy in slow_mel_bands(magnitudes)])
    return np.array(frames)


def slow_mel_bands(magnitudes: list[float]) -> list[float]:
    def mel(hz: float) -> float:
        return 2595 * math.log10(1 + hz / 700)

    step = (mel(7500) - mel(125)) / 65
    bands = []
    for band in range(64):
        center = mel(125) + (band + 1) * step
        weights = [max(0.0, 1 - abs(mel(k * 31.25) - center) / step) for k in range(257)]
        bands.append(sum(w * m for w, m in zip(weights, magnitudes, strict=True)))
    return bands


@pytest.mark.parametrize("waveform", [noise(16_000, 0.08), tone(16_000, 0.08), np.zeros(1280, np.float32)])
def test_frames_are_those_of_the_definition(waveform: FloatArray) -> None:
    got = logmel.log_mel(waveform)
    assert got.dtype == np.float32
    assert got.shape == (6, 64)
    # float32 leaves a few millionths beside a spectral line of 50, and the offset below is a thousandth.
    np.testing.assert_allclose(got, slow_log_mel(waveform), atol=5e-3)


def test_silence_is_the_logarithm_of_the_offset() -> None:
    np.testing.assert_allclose(logmel.log_mel(np.zeros(400, np.float32)), math.log(0.001), rtol=1e-6)


@pytest.mark.parametrize(
    ("samples", "expected"), [(15_600, 1), (15_760, 2), (23_280, 2), (80_000, 10), (160_000, 20)]
)
def test_patches_step_by_half_a_second_and_end_with_the_last_frame(samples: int, expected: int) -> None:
    waveform = noise(16_000, samples / 16_000)
    frames = logmel.log_mel(waveform)
    patches = logmel.patches(waveform)
    assert patches.shape == (expected, 96, 64)
    np.testing.assert_array_equal(patches[0], frames[:96])
    np.testing.assert_array_equal(patches[-1], frames[-96:])
    if expected > 2:
        np.testing.assert_array_equal(patches[1], frames[48:144])
