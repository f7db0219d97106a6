"""A model without weights: deterministic, fast, and good enough for everything above it to be tried."""

from collections.abc import Sequence
from time import perf_counter

import numpy as np

from embedder.models import logmel
from embedder.models.model import Embedded, FloatArray
from embedder.models.segments import mean_of_each, segments_of

_SEED = 20240
_CLASSES = 16


class Placeholder:
    """Means and deviations of the log-mel bands, through a seeded random projection to 64 dimensions.

    Similar spectra get near vectors, so that clusters are there to be found. The classes mean nothing.
    """

    name = "placeholder"
    model_id = "placeholder-1"
    dim = 64
    rate_hz = logmel.RATE_HZ
    class_names = tuple(f"placeholder {number}" for number in range(_CLASSES))

    def __init__(self) -> None:
        rng = np.random.default_rng(_SEED)
        scale = 1 / np.sqrt(2 * logmel.BANDS)
        self._projection = rng.normal(0, scale, (2 * logmel.BANDS, self.dim)).astype(np.float32)
        self._classifier = rng.normal(0, 1, (self.dim, _CLASSES)).astype(np.float32)

    def embed(self, waveforms: Sequence[FloatArray]) -> Embedded:
        """See `EmbeddingModel.embed`."""
        begun = perf_counter()
        segments = [segments_of(waveform, self.rate_hz) for waveform in waveforms]
        statistics = np.stack([_band_statistics(segment) for of_audio in segments for segment in of_audio])
        heard = perf_counter()
        vectors = mean_of_each(statistics @ self._projection, [len(of_audio) for of_audio in segments])
        probabilities = 0.5 + 0.5 * np.tanh(vectors @ self._classifier)
        seconds = {"front end": heard - begun, "network": perf_counter() - heard}
        return Embedded(vectors, probabilities, seconds=seconds)


def _band_statistics(segment: FloatArray) -> FloatArray:
    """The mean and the standard deviation over time of each band, float32 `[128]`."""
    frames = logmel.log_mel(segment)
    return np.concatenate([frames.mean(axis=0), frames.std(axis=0)])
