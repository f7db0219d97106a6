"""Recordings for the pages, in every form in which they come."""

import io
from dataclasses import dataclass

import numpy as np
import soundfile

RATE_HZ = 16_000
DURATION_S = 4.0


@dataclass(frozen=True)
class Recording:
    """A sound file, and what the catalog says of it."""

    data: bytes
    suffix: str
    rate_hz: int
    samples: int
    channels: int

    @property
    def duration_s(self) -> float:
        return self.samples / self.rate_hz


def recording(
    samples: np.ndarray, rate_hz: int, container: str = "WAV", subtype: str = "PCM_16"
) -> Recording:
    """`samples`, float `[samples]` or `[samples, channels]`, as a file."""
    file = io.BytesIO()
    soundfile.write(file, samples, rate_hz, format=container, subtype=subtype)
    file.seek(0)
    written = soundfile.info(file)
    return Recording(file.getvalue(), container.lower(), rate_hz, written.frames, written.channels)


def tone(seed: int) -> Recording:
    """A WAV of noise with a tone from 1 s to 2 s; every seed sounds different."""
    rng = np.random.default_rng(seed)
    time_s = np.arange(int(DURATION_S * RATE_HZ)) / RATE_HZ
    samples = 0.01 * rng.standard_normal(len(time_s))
    heard = (time_s >= 1) & (time_s < 2)
    samples[heard] += 0.3 * np.sin(2 * np.pi * (440 + 110 * seed) * time_s[heard])
    return recording(samples, RATE_HZ)


def click(at_s: float, duration_s: float, rate_hz: int) -> np.ndarray:
    """Quiet noise with one pulse of 2 ms around `at_s`: float64 `[samples]`."""
    time_s = np.arange(int(duration_s * rate_hz)) / rate_hz
    noise = 0.001 * np.random.default_rng(1).standard_normal(len(time_s))
    away = np.clip((time_s - at_s) / 0.001, -1, 1)
    return noise + 0.8 * (0.5 + 0.5 * np.cos(np.pi * away)) * np.cos(2 * np.pi * 3000 * (time_s - at_s))
