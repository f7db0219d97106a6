"""Embeddings of the recordings that a truth names."""

import hashlib
import os
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from al_engine.campaigns.embedding_cache import Embedding, EmbeddingCache
from al_engine.campaigns.sound_models import SoundModel
from escolta import audio
from escolta.errors import EscoltaError, Misconfigured, Rejected

AT_ONCE = 16

Waveform = NDArray[np.float32]


@dataclass(frozen=True)
class Embeddings:
    """`vectors`: float32 `[audios, dim]`; `top_classes`, `top_probabilities` `[audios]`: the top-1 class.

    `names`: of the audios, in the same order.
    """

    names: Sequence[str]
    vectors: NDArray[np.float32]
    top_classes: NDArray[np.str_]
    top_probabilities: NDArray[np.float32]


def embed_files(
    files: Mapping[str, Path],
    model: SoundModel,
    cache: EmbeddingCache,
    progress: Callable[[int], None] = lambda _: None,
) -> tuple[Embeddings, dict[str, str]]:
    """Embed files, those alone that the cache does not hold; those that cannot be, by name with the reason.

    What is done when it is interrupted is kept. `progress` is called with the files done so far. Raises
    `Misconfigured` where none of them can be embedded.
    """
    digests, left_out = _digests(files)
    wanted = [name for name, digest in digests.items() if digest not in cache.of_digest]
    done = len(files) - len(wanted)
    progress(done)
    try:
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            for at in range(0, len(wanted), AT_ONCE):
                names = wanted[at : at + AT_ONCE]
                heard = pool.map(lambda name: _waveform(files[name], model.rate_hz), names)
                for name, outcome in zip(names, _embed_each(model, list(heard)), strict=True):
                    if isinstance(outcome, str):
                        left_out[name] = outcome
                    else:
                        cache.of_digest[digests[name]] = outcome
                progress(done + at + len(names))
    finally:
        if wanted:
            cache.save()
    names = [name for name in digests if name not in left_out]
    if not names:
        raise Misconfigured(
            f"none of the {len(files)} recordings can be embedded; {min(left_out)}: {left_out[min(left_out)]}"
        )
    vectors, classes, p = zip(*(cache.of_digest[digests[name]] for name in names), strict=True)
    found = Embeddings(names, np.stack(vectors), np.array(classes, np.str_), np.array(p, np.float32))
    return found, left_out


def _digests(files: Mapping[str, Path]) -> tuple[dict[str, str], dict[str, str]]:
    """The digest of each file's bytes, and why there is none of some."""
    digests, left_out = {}, {}
    for name, path in files.items():
        try:
            with path.open("rb") as file:
                digests[name] = hashlib.file_digest(file, "sha256").hexdigest()
        except OSError as error:
            left_out[name] = f"it cannot be read: {error.strerror}"
    return digests, left_out


def _waveform(path: Path, rate_hz: int) -> Waveform | str:
    """The sound of a file at that rate; or why there is none."""
    try:
        waveform, own_rate_hz = audio.read(path, str(path))
        return audio.resample(audio.mono(waveform), own_rate_hz, rate_hz)
    except (Rejected, OSError) as error:
        return str(error)


def _embed_each(model: SoundModel, heard: Sequence[Waveform | str]) -> list[Embedding | str]:
    """What the model says of each waveform; a reason stays one, and no audio fails the others."""
    waveforms = [waveform for waveform in heard if not isinstance(waveform, str)]
    embedded = iter(_embed(model, waveforms) if waveforms else ())
    return [waveform if isinstance(waveform, str) else next(embedded) for waveform in heard]


def _embed(model: SoundModel, waveforms: Sequence[Waveform]) -> list[Embedding | str]:
    try:
        embedded = model.embed(waveforms)
    except EscoltaError:
        raise
    except Exception as error:  # noqa: BLE001  # whatever a model raises is a reason to leave its audio out
        if len(waveforms) == 1:
            return [f"the model fails on it: {type(error).__name__}: {error}"]
        return [outcome for waveform in waveforms for outcome in _embed(model, [waveform])]
    return [
        (vector, model.class_names[probabilities.argmax()], float(probabilities.max()))
        if np.isfinite(vector).all() and np.isfinite(probabilities).all()
        else "the model gives numbers for it that are not finite"
        for vector, probabilities in zip(embedded.vectors, embedded.probabilities, strict=True)
    ]
