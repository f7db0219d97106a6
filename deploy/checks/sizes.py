"""`kubectl apply` keeps what it was given in an annotation, which has an end."""

import json
from collections.abc import Sequence

from checks.parts import Part, named

MOST = 262_144
"""Bytes of all annotations of an object."""


def too_large(parts: Sequence[Part]) -> list[str]:
    """Objects that a cluster would refuse for their annotation."""
    return [
        f"{named(part)} is larger than what `kubectl apply` keeps of it: divide it"
        for part in parts
        if len(json.dumps(part).encode()) >= MOST
    ]
