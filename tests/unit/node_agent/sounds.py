"""Sounds for the tests of the node: each test states its own."""

from pathlib import Path

import numpy as np
import soundfile


def noise(samples: int, channels: int = 1, seed: int = 0) -> np.ndarray:
    """Sound in which no two stretches are alike, so that a lost or doubled sample shows. Float64, below 1."""
    shape = (samples, channels) if channels > 1 else samples
    return np.random.default_rng(seed).uniform(-0.9, 0.9, shape)


def write_noise(path: Path, duration_s: float, rate_hz: int = 100, seed: int = 0) -> Path:
    """A file of noise in the format that its suffix names."""
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, noise(round(duration_s * rate_hz), seed=seed), rate_hz)
    return path
