"""Small sounds in every format that Escolta takes, and what becomes of them on a bad disk."""

import io
import random
from collections.abc import Iterator

import numpy as np
import soundfile

from fuzzed.mutations import mutated_bytes, mutated_header

RATE_HZ = 8_000
FORMATS = (
    *(("WAV", "PCM_16"), ("WAV", "PCM_24"), ("WAV", "PCM_U8"), ("WAV", "FLOAT"), ("WAVEX", "PCM_16")),
    *(("FLAC", "PCM_16"), ("FLAC", "PCM_24"), ("OGG", "VORBIS"), ("OGG", "OPUS"), ("MP3", "MPEG_LAYER_III")),
    *(("AIFF", "PCM_16"), ("AU", "PCM_16"), ("W64", "PCM_16"), ("RF64", "PCM_16"), ("CAF", "PCM_16")),
)
SUFFIXES = {"WAVEX": "wav", "RF64": "wav"}


def sounds() -> list[tuple[str, bytes]]:
    """A fifth of a second of noise in each format, with the suffix of its files."""
    noise = np.random.default_rng(0).uniform(-0.5, 0.5, RATE_HZ // 5)
    made = []
    for container, subtype in FORMATS:
        out = io.BytesIO()
        soundfile.write(out, noise, RATE_HZ, format=container, subtype=subtype)
        made.append((SUFFIXES.get(container, container.lower()), out.getvalue()))
    return made


def mutated_sounds(chance: random.Random, count: int) -> Iterator[tuple[str, bytes]]:
    """So many of them, with faults anywhere, or where the format is told."""
    whole = sounds()
    for _ in range(count):
        suffix, data = chance.choice(whole)
        yield suffix, chance.choice((mutated_bytes, mutated_header))(chance, data)
