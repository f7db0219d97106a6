"""Short and long audios: every model hears segments of about 1 to 10 seconds. (ours)

- An audio shorter than 0.975 s, which is what one patch of YAMNet spans, is followed by zeros up to there.
- An audio of up to 10 s is one segment, as it is: CNN14 was trained on 10 s.
- A longer one is heard in the fewest segments of 10 s that cover it, evenly spread, so that they overlap
  and none hangs over the end. Its vector and probabilities are the means over them.
"""

import math

import numpy as np

from embedder.models.model import FloatArray

SHORTEST_S = 0.975
LONGEST_S = 10.0
SLACK = 0.01
"""Resampling may leave an audio of 10 s a few samples longer: that is no reason for a second segment."""


def segments_of(waveform: FloatArray, rate_hz: int) -> list[FloatArray]:
    """The segments of an audio, float32 `[samples]` each, all of the same length."""
    if waveform.ndim != 1:
        raise ValueError(f"expected one channel, [samples], and got an array of shape {waveform.shape}")
    shortest, longest = math.ceil(SHORTEST_S * rate_hz), round(LONGEST_S * rate_hz)
    if len(waveform) < shortest:
        return [np.pad(waveform, (0, shortest - len(waveform)))]
    if len(waveform) <= longest * (1 + SLACK):
        return [waveform]
    count = math.ceil(len(waveform) / longest)
    starts = np.linspace(0, len(waveform) - longest, count).round().astype(int)
    return [waveform[start : start + longest] for start in starts]


def mean_of_each(values: FloatArray, counts: list[int]) -> FloatArray:
    """Average consecutive rows: float32 `[sum of counts, n]` to `[len(counts), n]`."""
    parts = np.split(values, np.cumsum(counts)[:-1])
    return np.array([part.mean(axis=0) for part in parts], np.float32).reshape(len(counts), values.shape[1])


def greatest_of_each(values: FloatArray, counts: list[int]) -> FloatArray:
    """The greatest of consecutive rows: float32 `[sum of counts, n]` to `[len(counts), n]`."""
    parts = np.split(values, np.cumsum(counts)[:-1])
    return np.array([part.max(axis=0) for part in parts], np.float32).reshape(len(counts), values.shape[1])
