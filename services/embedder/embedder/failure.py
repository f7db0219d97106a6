"""Why an audio has no embedding, in one word for the metrics."""

from typing import Literal

from escolta.errors import EscoltaError, Rejected, Transient

Kind = Literal[
    "missing",
    "unreadable",
    "altered",
    "undecodable",
    "claims",
    "not_finite",
    "model",
    "memory",
    "unreachable",
]
"""The catalog lacks the audio, or the store its object; the store's disk cannot read it; its bytes are not
its node's; it is no whole sound; it is another than its node told of; the model gives numbers for it that are
not finite; the model fails on it; there is too little memory just now; the store is away."""


class Unfit(Rejected):
    """Raised when an audio cannot be embedded, whenever it is tried."""

    def __init__(self, kind: Kind, reason: str) -> None:
        super().__init__(reason)
        self.kind = kind


class NoMemory(Transient):
    """Raised when there is too little memory for an audio just now."""


def kind_of(error: EscoltaError) -> Kind:
    """What has no kind of its own comes from the catalog and the object store."""
    if isinstance(error, Unfit):
        return error.kind
    if isinstance(error, NoMemory):
        return "memory"
    return "missing" if isinstance(error, Rejected) else "unreachable"
