"""Draws at random that depend on a seed and on audio ids alone (ours).

NumPy may change what its generators give between versions, and they draw rows, whose order means nothing.
So every audio gets a number, mixed from seed, purpose and id, and the lowest numbers are drawn. The same
audios are drawn on any machine, in any order of rows, and an audio's number does not depend on which others
there are. The mixing is that of SplitMix64 (Steele, Lea & Flood 2014).
"""

from collections.abc import Sequence
from hashlib import blake2b
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from al_engine.exact.audio_ids import Ids, ids_of


def draw(audio_ids: Sequence[UUID] | Ids, count: int, seed: int, purpose: str) -> NDArray[np.intp]:
    """Rows of `count` of the audios, uniformly at random without repetition, in the order drawn.

    Draws of different purposes, or seeds, are independent of each other.
    """
    ids = audio_ids if isinstance(audio_ids, np.ndarray) else ids_of(audio_ids)
    return np.argsort(_numbers(ids, seed, purpose), kind="stable")[:count]


def draw_places(places: int, count: int, seed: int, purpose: str) -> NDArray[np.intp]:
    """`count` of the numbers 0 … `places` - 1, uniformly at random without repetition, ascending."""
    names = np.zeros((places, 2), np.uint64)
    names[:, 1] = np.arange(places)
    return np.sort(draw(names, count, seed, purpose))


def _numbers(ids: Ids, seed: int, purpose: str) -> NDArray[np.uint64]:
    key = blake2b(f"{seed} {purpose}".encode(), digest_size=16).digest()
    upper, lower = np.frombuffer(key, ">u8").astype(np.uint64)
    return _mixed(_mixed(ids[:, 0] ^ upper) ^ ids[:, 1] ^ lower)


def _mixed(numbers: NDArray[np.uint64]) -> NDArray[np.uint64]:
    numbers = (numbers ^ (numbers >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    numbers = (numbers ^ (numbers >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return numbers ^ (numbers >> np.uint64(31))
