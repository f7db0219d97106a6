"""The port to an embedding model."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float32]


@dataclass(frozen=True)
class PatchScores:
    """What a model says of an audio moment by moment.

    `onsets_s` is float32 `[patches]`: where each patch begins, in seconds from the audio's start. `scores` is
    float16 `[patches, classes]`, each between 0 and 1.
    """

    onsets_s: FloatArray
    scores: npt.NDArray[np.float16]


@dataclass(frozen=True)
class Embedded:
    """What a model says of a batch of audios, row by row in the order in which they were given.

    `vectors` is float32 `[audios, dim]`, `probabilities` float32 `[audios, classes]`: each between 0 and 1
    and independent of the others, because several classes sound at once. `patch_scores` has one entry an
    audio, or is None for a model that looks at an audio as a whole. `peaks`, float32 `[audios, classes]`, are
    the greatest probabilities over the parts of each audio, patches or segments; None where it has only one.
    `seconds` tells what the batch took, by `front end` and `network`, where a model can tell them apart.
    """

    vectors: FloatArray
    probabilities: FloatArray
    patch_scores: Sequence[PatchScores] | None = None
    peaks: FloatArray | None = None
    seconds: Mapping[str, float] = field(default_factory=dict)


class EmbeddingModel(Protocol):
    """Turns audios into vectors that lie near each other where the audios sound alike.

    `model_id` names the weights and everything between waveform and network, so that vectors with the same
    id can be compared and others cannot. `class_names` are in the order of the probabilities.
    """

    name: str
    model_id: str
    dim: int
    rate_hz: int
    class_names: tuple[str, ...]

    def embed(self, waveforms: Sequence[FloatArray]) -> Embedded:
        """Embed one or more audios, each float32 `[samples]`, mono at `rate_hz`, of any lengths.

        A vector does not depend on what else is in the batch. What `embedder.models.segments` says of short
        and long audios holds for every model. It computes for a while: call it off the event loop, from one
        thread at a time.
        """
        ...
