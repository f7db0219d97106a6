"""Which channels of an audio are heard as one: all of them, but for the dead and the inverted.

The mean of a channel and its inverse is silence; that of a sound and nothing is half as loud.
"""

from dataclasses import dataclass

import numpy as np

from escolta.audio.waveform import Waveform

BLOCK_NUMBERS = 1 << 16
"""Samples times channels that are looked at together."""

DEAD_DBFS, DEAD_BELOW_LOUDEST_DB = -80.0, 40.0
"""A channel whose level is below the first, and so far below the loudest channel's, is dead (ours)."""

INVERTED = -0.9
"""A channel that correlates so with the first one that is alive is its inverse (ours)."""

FEWEST_SAMPLES = 100
"""Of a shorter sound the channels correlate by chance, and all are heard (ours)."""


@dataclass(frozen=True)
class Heard:
    """The channels that are heard, counted from 0, of `channels`; and why not all: empty where it is all."""

    indexes: tuple[int, ...]
    channels: int
    reason: str

    def __str__(self) -> str:
        """Such as `channel 1 of 2: channel 2 is inverted`; empty where all are heard."""
        if not self.reason:
            return ""
        numbers = ", ".join(str(index + 1) for index in self.indexes)
        return f"channel{'s' * (len(self.indexes) > 1)} {numbers} of {self.channels}: {self.reason}"


class ChannelSums:
    """What of a sound decides which channels are heard; add it block by block."""

    def __init__(self, channels: int) -> None:
        self._samples = 0
        self._sum = np.zeros(channels)
        self._products = np.zeros((channels, channels))

    def add(self, block: Waveform) -> None:
        """Take in float32 `[samples, channels]`."""
        numbers = block.astype(np.float64)
        self._samples += len(block)
        self._sum += numbers.sum(axis=0)
        self._products += numbers.T @ numbers

    def heard(self) -> Heard:
        """The channels that are heard of all that was added, which is at least one sample."""
        channels = range(len(self._sum))
        if self._samples < FEWEST_SAMPLES:
            return Heard(tuple(channels), len(channels), "")
        mean = self._sum / self._samples
        covariance = self._products / self._samples - np.outer(mean, mean)
        power = np.maximum(covariance.diagonal(), 0)
        limit = min(10 ** (DEAD_DBFS / 10), power.max() * 10 ** (-DEAD_BELOW_LOUDEST_DB / 10))
        dead = [index for index in channels if power[index] < limit]
        first = next(index for index in channels if index not in dead)
        floor = INVERTED * np.sqrt(power[first] * power)
        inverted = [
            index
            for index in channels
            if index not in dead and power[index] > 0 and covariance[first, index] <= floor[index]
        ]
        reasons = [f"channel {index + 1} is dead" for index in dead]
        reasons += [f"channel {index + 1} is inverted" for index in inverted]
        taken = tuple(index for index in channels if index not in dead and index not in inverted)
        return Heard(taken, len(power), ", ".join(reasons))


def heard(waveform: Waveform) -> Heard:
    """Which channels of a waveform are heard."""
    if waveform.ndim == 1:
        return Heard((0,), 1, "")
    sums = ChannelSums(waveform.shape[1])
    step = max(1, BLOCK_NUMBERS // waveform.shape[1])
    for begin in range(0, len(waveform), step):
        sums.add(waveform[begin : begin + step])
    return sums.heard()


def mixed(waveform: Waveform) -> tuple[Waveform, Heard]:
    """The mean of the channels that are heard, float32 `[samples]`, and which these are."""
    channels = heard(waveform)
    if waveform.ndim == 1:
        return waveform, channels
    return waveform[:, list(channels.indexes)].mean(axis=1, dtype=np.float32), channels


def mono(waveform: Waveform) -> Waveform:
    """The mean of the channels that are heard, float32 `[samples]`."""
    return mixed(waveform)[0]
