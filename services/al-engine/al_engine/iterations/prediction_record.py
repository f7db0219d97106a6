"""What the classifier said of the audios an iteration looked at, so that the next can tell what changed."""

import numpy as np

from al_engine.exact.audio_ids import by_id, from_bytes, id_keys, to_bytes
from al_engine.iterations.proposing import Outcome

Encoded = tuple[bytes, bytes, list[str]]
"""As `al.predictions` holds them: ids of 16 bytes, classes as int16, and the names these are indices into."""


def encoded(outcome: Outcome) -> Encoded | None:
    """The predictions of an iteration; None without a classifier."""
    judged = [(judged.rows, judged.opinion.prediction) for judged in outcome.selection.judged]
    predicted = [(rows, prediction.classes) for rows, prediction in judged if prediction is not None]
    if not predicted:
        return None
    ids = outcome.candidates.ids[np.concatenate([rows for rows, _ in predicted])]
    names, classes = np.unique(np.concatenate([classes for _, classes in predicted]), return_inverse=True)
    order = by_id(ids)
    return to_bytes(ids[order]), classes[order].astype("<i2").tobytes(), names.tolist()


def changed(before: Encoded, now: Encoded) -> tuple[int, int]:
    """How many audios both have looked at, and of how many of them they say different classes."""
    earlier = _by_audio(before)
    same_audios = [(earlier[audio], name) for audio, name in _by_audio(now).items() if audio in earlier]
    return len(same_audios), sum(then != name for then, name in same_audios)


def _by_audio(encoded: Encoded) -> dict[bytes, str]:
    ids, classes, names = encoded
    names_of = [names[number] for number in np.frombuffer(classes, "<i2")]
    return dict(zip(id_keys(from_bytes(ids)), names_of, strict=True))
