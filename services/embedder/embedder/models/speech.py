"""How much speech a model hears in an audio: the greatest score of a class of speech in any part of it."""

from collections.abc import Sequence

import numpy as np

from embedder.models.audioset import speech_names
from embedder.models.model import FloatArray


def speech_classes(class_names: Sequence[str]) -> list[int]:
    """The places of a model's classes of speech; none for a model that does not know what speech is."""
    names = speech_names()
    return [place for place, name in enumerate(class_names) if name in names]


def speech_of(scores: FloatArray, classes: Sequence[int]) -> float | None:
    """The greatest of `scores` `[…, all classes]` in `classes`; None, unknown, where there are none."""
    return float(np.max(scores[..., list(classes)])) if classes else None
