"""Draws at random that depend on a seed and on audio ids alone (ours).

NumPy may change what its generators give between versions, and they draw rows, whose order means nothing.
So every audio gets a number, from a hash of seed, purpose and id, and the lowest numbers are drawn. The
same audios are drawn on any machine, in any order of rows, and an audio's number does not depend on which
others there are.
"""

from collections.abc import Sequence
from hashlib import blake2b
from uuid import UUID

import numpy as np
from numpy.typing import NDArray


def draw(audio_ids: Sequence[UUID], count: int, seed: int, purpose: str) -> NDArray[np.intp]:
    """Rows of `count` of the audios, uniformly at random without repetition, in the order drawn.

    Draws of different purposes, or seeds, are independent of each other.
    """
    return _lowest([audio_id.bytes for audio_id in audio_ids], count, seed, purpose)


def draw_places(places: int, count: int, seed: int, purpose: str) -> NDArray[np.intp]:
    """`count` of the numbers 0 … `places` - 1, uniformly at random without repetition, ascending."""
    names = [place.to_bytes(8, "big") for place in range(places)]
    return np.sort(_lowest(names, count, seed, purpose))


def _lowest(names: list[bytes], count: int, seed: int, purpose: str) -> NDArray[np.intp]:
    key = blake2b(f"{seed} {purpose}".encode()).digest()
    numbers = [blake2b(name, key=key, digest_size=8).digest() for name in names]
    of_rows = np.frombuffer(b"".join(numbers), ">u8")
    return np.argsort(of_rows, kind="stable")[:count]
