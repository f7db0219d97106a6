"""Waveforms: what they are, and what is done with them.

A waveform is float32 `[samples]`, or `[samples, channels]` where there are several channels, with full
scale at ±1.0, and it always travels together with its `rate_hz`.
"""

import io

import numpy as np
import numpy.typing as npt
import soundfile
import soxr

Waveform = npt.NDArray[np.float32]

SILENCE_DBFS = -120.0
"""The lowest level reported: digital silence has a finite one, which JSON and SQL can carry."""


def write(waveform: Waveform, rate_hz: int, container: str = "WAV", bits: int = 16) -> bytes:
    """The bytes of a WAV or FLAC file of 16- or 24-bit samples; what is beyond full scale is clipped.

    What `read` got from a file of the same width comes back bit by bit.
    """
    full_scale = 1 << (bits - 1)
    steps = np.clip(np.rint(waveform.astype(np.float64) * full_scale), -full_scale, full_scale - 1)
    # libsndfile keeps the upper bits of an int32. Given floats it would scale by 32767, and not by 32768
    # as when it reads, and so change samples that nobody touched.
    samples = steps.astype(np.int32) << (32 - bits)
    out = io.BytesIO()
    soundfile.write(out, samples, rate_hz, format=container, subtype=f"PCM_{bits}")
    return out.getvalue()


def resample(waveform: Waveform, from_hz: int, to_hz: int) -> Waveform:
    """The same sound at another rate, with soxr's high quality; the duration stays, up to one sample."""
    if from_hz == to_hz:
        return waveform
    return soxr.resample(waveform, from_hz, to_hz, quality="HQ")


def level_dbfs(waveform: Waveform) -> float:
    """RMS level relative to full scale: a full-scale square wave is at 0, a full-scale sine at -3.01."""
    if waveform.size == 0:
        return SILENCE_DBFS
    rms = float(np.sqrt(np.mean(np.square(waveform, dtype=np.float64))))
    return max(SILENCE_DBFS, 20 * float(np.log10(max(rms, 1e-12))))
