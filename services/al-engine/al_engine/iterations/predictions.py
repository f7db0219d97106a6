"""What the classifier said of the audios an iteration looked at, so that the next can tell what changed."""

import numpy as np

from al_engine.exact.audio_ids import by_id
from al_engine.iterations.proposing import Outcome

Encoded = tuple[bytes, bytes, list[str]]
"""As `al.predictions` holds them: ids of 16 bytes, classes as int16, and the names these are indices into."""

ID_BYTES = 16


def of(outcome: Outcome) -> Encoded | None:
    """The predictions of an iteration; None without a classifier."""
    judged = [(one.rows, one.opinion.prediction) for one in outcome.selection.judged]
    said = [(rows, prediction.classes) for rows, prediction in judged if prediction is not None]
    if not said:
        return None
    ids = outcome.candidates.ids[np.concatenate([rows for rows, _ in said])]
    names, classes = np.unique(np.concatenate([classes for _, classes in said]), return_inverse=True)
    order = by_id(ids)
    return ids[order].astype(">u8").tobytes(), classes[order].astype("<i2").tobytes(), names.tolist()


def changed(before: Encoded, now: Encoded) -> tuple[int, int]:
    """How many audios both have looked at, and of how many of them they say different classes."""
    earlier = _by_audio(before)
    same_audios = [(earlier[audio], name) for audio, name in _by_audio(now).items() if audio in earlier]
    return len(same_audios), sum(then != name for then, name in same_audios)


def _by_audio(encoded: Encoded) -> dict[bytes, str]:
    ids, classes, names = encoded
    audios = [ids[start : start + ID_BYTES] for start in range(0, len(ids), ID_BYTES)]
    return dict(zip(audios, [names[one] for one in np.frombuffer(classes, "<i2")], strict=True))
