"""YAMNet's front end: log-mel frames and the patches that the network looks at.

Gemmeke et al. 2017 and the YAMNet description in TensorFlow's model garden: 16 kHz, windows of 25 ms (Hann)
every 10 ms, a 512-point spectrum's magnitude, 64 mel bands from 125 to 7500 Hz, log(x + 0.001).
"""

from functools import cache

import numpy as np
import scipy.fft
from scipy.sparse import csc_array

from embedder.models.model import FloatArray

RATE_HZ = 16_000
WINDOW = 400
HOP = 160
SPECTRUM = 512
BANDS = 64
LOWEST_HZ, HIGHEST_HZ = 125.0, 7_500.0
OFFSET = 0.001
PATCH_FRAMES = 96
PATCH_HOP_FRAMES = 48


def log_mel(waveform: FloatArray) -> FloatArray:
    """Log-mel frames, float32 `[frames, 64]`, of a waveform of at least 25 ms at 16 kHz."""
    frames = np.lib.stride_tricks.sliding_window_view(waveform, WINDOW)[::HOP]
    # SciPy's transform takes many frames at once by vector instructions: a tenth of NumPy's time.
    magnitudes = np.abs(scipy.fft.rfft(frames * _hann(), SPECTRUM))
    return np.log(magnitudes @ _sparse_mel_weights() + np.float32(OFFSET))


def patches(waveform: FloatArray) -> FloatArray:
    """Overlapping patches, float32 `[patches, 96, 64]`, of a waveform of at least 0.975 s at 16 kHz.

    One begins every 0.48 s. Where the last one would leave sound over, one more ends with the last frame,
    so that all of the audio is seen and no silence is made up. (ours; YAMNet adds zeros)
    """
    frames = log_mel(waveform)
    last = len(frames) - PATCH_FRAMES
    starts = sorted({*range(0, last + 1, PATCH_HOP_FRAMES), last})
    return np.stack([frames[start : start + PATCH_FRAMES] for start in starts])


@cache
def _hann() -> FloatArray:
    """A periodic Hann window, float32 `[400]`."""
    return (0.5 - 0.5 * np.cos(2 * np.pi * np.arange(WINDOW) / WINDOW)).astype(np.float32)


@cache
def _mel_weights() -> FloatArray:
    """Triangles that overlap by half and are straight on the mel axis, float32 `[257, 64]`."""
    bins = _mel(np.arange(SPECTRUM // 2 + 1) * RATE_HZ / SPECTRUM)
    edges = np.linspace(_mel(LOWEST_HZ), _mel(HIGHEST_HZ), BANDS + 2)
    lower, center, upper = edges[:-2], edges[1:-1], edges[2:]
    rising = (bins[:, None] - lower) / (center - lower)
    falling = (upper - bins[:, None]) / (upper - center)
    return np.maximum(0, np.minimum(rising, falling)).astype(np.float32)


@cache
def _sparse_mel_weights() -> csc_array:
    """The 461 of them that are not zero.

    A dense product would wake the BLAS, whose threads then spin for some 30 ms in wait of more, on the
    processors that the network needs: for an audio at a time that halved the rate.
    """
    return csc_array(_mel_weights())


def _mel(hz: float | np.ndarray) -> np.ndarray:
    """The mel scale of HTK."""
    return 1127.0 * np.log1p(np.asarray(hz) / 700.0)
