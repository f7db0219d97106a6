"""A map as one compact answer: 31 bytes a point, and a header that names what the numbers stand for.

The bytes are: uint32 length of the header; the header, JSON in UTF-8, padded with spaces to a multiple of
four; then, little endian and one after the other, of all points: coordinates float32 [points, 2], tagger's
class uint16, label uint16, disjoint set uint16, kind uint8, audio id 16 bytes.
"""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from al_engine.exact.audio_ids import ids_of, to_bytes

REST, PROPOSED, MEDOID = range(3)
KINDS = ("rest", "proposed", "medoid")
NO_LABEL = ""


@dataclass(frozen=True)
class Role:
    """What an audio that was ever proposed is on the map. `disjoint_set`: None where it may not be told."""

    proposed: bool
    medoid: bool
    disjoint_set: int | None
    label: str | None


@dataclass(frozen=True)
class Points:
    """An iteration on its map: float32 `[points, 2]`, tagger's classes and disjoint sets `[points]`."""

    audio_ids: Sequence[UUID]
    coordinates: NDArray[np.float32]
    tagger_classes: NDArray[np.int16]
    sets: NDArray[np.uint16]
    roles: Mapping[UUID, Role]


def encode(points: Points, class_names: Sequence[str], facts: Mapping[str, Any]) -> bytes:
    """The answer; `facts` join the header. Classes and labels are numbered from the most common on."""
    roles = [points.roles.get(audio_id) for audio_id in points.audio_ids]
    kinds = np.array([_kind(role) for role in roles], np.uint8)
    sets = points.sets.copy()
    for row, role in enumerate(roles):
        if role and role.proposed:
            sets[row] = role.disjoint_set or 0
    tagged = [class_names[number] for number in points.tagger_classes.tolist()]
    tagger_names, tagger = _numbered(tagged)
    label_names, labels = _numbered([role.label or NO_LABEL if role else NO_LABEL for role in roles])
    header = dict(facts) | {
        "points": len(points.audio_ids),
        "kinds": KINDS,
        "tagger_classes": tagger_names,
        "labels": label_names,
    }
    words = json.dumps(header, separators=(",", ":")).encode()
    words += b" " * (-len(words) % 4)
    return b"".join(
        [
            len(words).to_bytes(4, "little"),
            words,
            points.coordinates.astype("<f4").tobytes(),
            tagger.astype("<u2").tobytes(),
            labels.astype("<u2").tobytes(),
            sets.astype("<u2").tobytes(),
            kinds.tobytes(),
            to_bytes(ids_of(points.audio_ids)),
        ]
    )


def _kind(role: Role | None) -> int:
    if role is None:
        return REST
    return PROPOSED if role.proposed else MEDOID if role.medoid else REST


def _numbered(names: Sequence[str]) -> tuple[list[str], NDArray[np.uint16]]:
    """The distinct names, the most common first, and the number of each; no label comes last."""
    counts = Counter(names)
    distinct = sorted(counts, key=lambda name: (name == NO_LABEL, -counts[name], name))
    number = {name: place for place, name in enumerate(distinct)}
    return distinct, np.array([number[name] for name in names], np.uint16)
