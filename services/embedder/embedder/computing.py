"""The model at work: what is too much for the device goes in halves, and no audio fails its batch."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from embedder.failure import NoMemory, Unfit
from embedder.metrics import Metrics
from embedder.models.model import Embedded, EmbeddingModel, FloatArray, PatchScores
from embedder.models.speech import speech_classes, speech_of
from escolta.errors import EscoltaError, Transient

PARTS_BEFORE_GROWING = 50
"""Another process may have left the device meanwhile, so a size that was too much is tried again."""

NO_MEMORY = (
    "can't allocate memory",
    "not enough memory",
    "CUDA out of memory",
    "CUBLAS_STATUS_ALLOC_FAILED",
    "CUDNN_STATUS_ALLOC_FAILED",
    "Failed to allocate memory",
    "bad_alloc",
)
"""In errors of no type of their own: PyTorch's of the processor, of cuBLAS and cuDNN, then onnxruntime's."""


@dataclass(frozen=True)
class EmbeddedAudio:
    """What a model says of one audio: `vector` float32 `[dim]`, `probabilities` float32 `[classes]`.

    `speech`: how much of it the model hears, 0 to 1; None: unknown. `channels_heard`: see `Sound`.
    """

    vector: FloatArray
    probabilities: FloatArray
    patch_scores: PatchScores | None
    speech: float | None = None
    channels_heard: str = ""


class Computing:
    """Calls the model with as much as the device holds. Use it from one thread at a time.

    `unsound` says why, where the model failed even on silence and has embedded nothing since.
    """

    def __init__(self, model: EmbeddingModel, metrics: Metrics, log: logging.Logger) -> None:
        self._model, self._metrics, self._log = model, metrics, log
        self._speech = speech_classes(model.class_names)
        self._at_once: int | None = None
        self._parts_since = 0
        self.unsound: str | None = None

    def embed(self, waveforms: Sequence[FloatArray]) -> list[EmbeddedAudio | EscoltaError]:
        """An embedding of each audio, or what is wrong with it, in their order.

        Where the device has no memory left, half as many are tried, down to a single audio, which is
        `Transient`. An audio that makes the model fail, or that it gives numbers that are not finite, is
        `Rejected`. Raises Transient where the model does so whatever it is given.
        """
        outcomes: list[EmbeddedAudio | EscoltaError] = []
        while len(outcomes) < len(waveforms):
            size = min(self._at_once or len(waveforms), len(waveforms) - len(outcomes))
            part = waveforms[len(outcomes) : len(outcomes) + size]
            embedded = self._attempt(part)
            if embedded is not None:
                outcomes += embedded
                self._grow()
            elif size > 1:
                self._at_once, self._parts_since = size // 2, 0
                self._log.warning("the device has no memory for %d audios: now %d", size, size // 2)
            else:
                outcomes.append(NoMemory("the device has no memory for one audio: free some"))
        return outcomes

    def _grow(self) -> None:
        self._parts_since += 1
        if self._at_once and self._parts_since >= PARTS_BEFORE_GROWING:
            self._at_once, self._parts_since = 2 * self._at_once, 0

    def _attempt(self, part: Sequence[FloatArray]) -> Sequence[EmbeddedAudio | EscoltaError] | None:
        """The outcomes of a part, or None where it is too much for the device."""
        try:
            outcomes = self._call(part)
        except Exception as error:  # noqa: BLE001  # judged right here: memory, the model, or a file
            if _out_of_memory(error):
                return None
            reason = f"{type(error).__name__}: {error}"
        else:
            if any(isinstance(outcome, EscoltaError) for outcome in outcomes):
                self._require_a_sound_model()
            return outcomes
        self._log.warning("the model failed on a batch of %d, now one by one: %s", len(part), reason)
        self._require_a_sound_model()
        return [self._alone(waveform) for waveform in part]

    def _require_a_sound_model(self) -> None:
        """Silence harms no model: one that fails on it, or makes NaN of it, would do so on every file."""
        try:
            silence = self._model.embed([np.zeros(self._model.rate_hz, np.float32)])
            [outcome] = _of_each(silence, self._speech)
        except Exception as error:
            if _out_of_memory(error):
                raise NoMemory(f"the device has no memory even for silence ({error}): free some") from error
            raise self._found_unsound(error) from error
        if isinstance(outcome, EscoltaError):
            raise self._found_unsound(outcome)
        self.unsound = None

    def _found_unsound(self, error: Exception) -> Transient:
        self.unsound = f"the model fails even on silence ({error}): start the embedder again"
        return Transient(self.unsound)

    def _alone(self, waveform: FloatArray) -> EmbeddedAudio | EscoltaError:
        try:
            [outcome] = self._call([waveform])
            return outcome
        except Exception as error:  # noqa: BLE001  # becomes the audio's own outcome
            if _out_of_memory(error):
                return NoMemory(f"the device has no memory for it ({error}): free some")
            return Unfit("model", f"the model fails on it: {type(error).__name__}: {error}")

    def _call(self, part: Sequence[FloatArray]) -> list[EmbeddedAudio | EscoltaError]:
        with self._metrics.stage("model"):
            embedded = self._model.embed(part)
        self._metrics.batch.observe(len(part))
        self._metrics.took(embedded.seconds)
        outcomes = _of_each(embedded, self._speech)
        if any(isinstance(outcome, EmbeddedAudio) for outcome in outcomes):
            self.unsound = None
        return outcomes


def _of_each(embedded: Embedded, speech: Sequence[int]) -> list[EmbeddedAudio | EscoltaError]:
    outcomes: list[EmbeddedAudio | EscoltaError] = []
    peaks = embedded.probabilities if embedded.peaks is None else embedded.peaks
    for row, (vector, probabilities) in enumerate(zip(embedded.vectors, embedded.probabilities, strict=True)):
        with np.errstate(over="ignore"):
            numbers = vector.astype("<f2"), probabilities, peaks[row]
            finite = all(np.isfinite(some).all() for some in numbers)
        if finite:
            scores = embedded.patch_scores[row] if embedded.patch_scores else None
            outcomes.append(EmbeddedAudio(vector, probabilities, scores, speech_of(peaks[row], speech)))
        else:
            outcomes.append(
                Unfit("not_finite", "the model gives numbers for it that are not finite as float16")
            )
    return outcomes


def _out_of_memory(error: Exception) -> bool:
    """Whether it is a MemoryError or PyTorch's OutOfMemoryError, or tells of a failed allocation.

    PyTorch's error goes by its name, whatever device and version it is of, because torch may be absent.
    """
    by_name = any(
        kind.__name__ == "OutOfMemoryError" and kind.__module__.split(".")[0] == "torch"
        for kind in type(error).__mro__
    )
    return by_name or isinstance(error, MemoryError) or any(text in str(error) for text in NO_MEMORY)
