"""Audio as BAT can open it: 16-bit PCM of one channel in a plain WAV, and not too short for its padding."""

import math

import numpy as np

from escolta.audio import mono, read, resample, write
from escolta.audio.audible import HIGHEST_RATE_HZ, LOWEST_RATE_HZ

SHORTEST_S = 0.2
"""BAT adds a twentieth on both sides, rounded to hundredths, and fails where that is nothing."""


def for_bat(data: bytes) -> bytes:
    """The bytes of a WAV that BAT opens and browsers play, of an audio in any form.

    It lasts as long, up to one sample; what is shorter than `SHORTEST_S` is followed by silence. Sound beyond
    full scale is made quieter. Raises Rejected where the data is no whole sound.
    """
    waveform, rate_hz = read(data)
    sound = mono(waveform)
    loudest = float(np.abs(sound).max(initial=0.0))
    if loudest > 1.0:
        sound = sound / np.float32(loudest)
    nearest_hz = min(max(rate_hz, LOWEST_RATE_HZ), HIGHEST_RATE_HZ)
    sound = resample(sound, rate_hz, nearest_hz)
    lacking = math.ceil(SHORTEST_S * nearest_hz) - len(sound)
    return write(np.pad(sound, (0, max(0, lacking))), nearest_hz)
