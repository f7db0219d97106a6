"""Embeddings of a folder of recordings, kept so that a second look takes no time."""

import hashlib
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from al_engine.campaigns.sound_models import SoundModel
from escolta import audio
from escolta.errors import Misconfigured

AT_ONCE = 16


@dataclass(frozen=True)
class Embeddings:
    """`vectors`: float32 `[audios, dim]`; `top_classes`, `top_probabilities` `[audios]`: the top-1 class."""

    vectors: NDArray[np.float32]
    top_classes: NDArray[np.str_]
    top_probabilities: NDArray[np.float32]


def cache_folder() -> Path:
    """`$XDG_CACHE_HOME/escolta/simulate`, else `~/.cache/escolta/simulate`; a relative path is ignored."""
    chosen = Path(os.environ.get("XDG_CACHE_HOME", ""))
    return (chosen if chosen.is_absolute() else Path.home() / ".cache") / "escolta/simulate"


def embed_folder(
    folder: Path,
    names: Sequence[str],
    model: SoundModel,
    cache: Path,
    progress: Callable[[int], None] = lambda _: None,
) -> Embeddings:
    """Embed these files of the folder, those alone that the cache does not hold, by digest of their bytes.

    What is done when it is interrupted is kept. `progress` is called with the files done so far. Raises
    `Misconfigured` where a file is missing and `Rejected` where one is no sound.
    """
    missing = [name for name in names if not (folder / name).is_file()]
    if missing:
        raise Misconfigured(
            f"{folder} has no file {missing[0]}"
            + (f", nor {len(missing) - 1} others that the CSV names" if len(missing) > 1 else "")
            + ": give the folder that holds them, or delete their lines"
        )
    digests = [_digest(folder / name) for name in names]
    path = cache / f"{hashlib.sha256(str(folder.resolve()).encode()).hexdigest()[:16]}-{model.model_id}.npz"
    known = _load(path)
    wanted = [row for row, digest in enumerate(digests) if digest not in known]
    progress(len(names) - len(wanted))
    try:
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            for at in range(0, len(wanted), AT_ONCE):
                rows = wanted[at : at + AT_ONCE]
                waveforms = list(pool.map(lambda row: _waveform(folder / names[row], model.rate_hz), rows))
                heard = model.embed(waveforms)
                top = heard.probabilities.argmax(axis=1)
                for row, vector, best, p in zip(
                    rows, heard.vectors, top, heard.probabilities.max(axis=1), strict=True
                ):
                    known[digests[row]] = (vector, model.class_names[best], float(p))
                progress(len(names) - len(wanted) + at + len(rows))
    finally:
        if wanted:
            _save(path, known)
    vectors, classes, p = zip(*(known[digest] for digest in digests), strict=True)
    return Embeddings(np.stack(vectors), np.array(classes, np.str_), np.array(p, np.float32))


Kept = dict[str, tuple[NDArray[np.float32], str, float]]


def _load(path: Path) -> Kept:
    try:
        with np.load(path) as file:
            rows = zip(file["digests"], file["vectors"], file["classes"], file["p"], strict=True)
            return {str(digest): (vector, str(name), float(p)) for digest, vector, name, p in rows}
    except (OSError, ValueError, KeyError):  # none yet, or one that another version wrote
        return {}


def _save(path: Path, known: Kept) -> None:
    if not known:
        return
    vectors, classes, p = zip(*known.values(), strict=True)
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f"{path.name}.{os.getpid()}.part")
    with unfinished.open("wb") as file:
        np.savez(
            file,
            digests=np.array(list(known)),
            vectors=np.stack(vectors),
            classes=np.array(classes),
            p=np.array(p, np.float32),
        )
    unfinished.replace(path)


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _waveform(path: Path, rate_hz: int) -> NDArray[np.float32]:
    waveform, own_rate_hz = audio.read(path, str(path))
    return audio.resample(audio.mono(waveform), own_rate_hz, rate_hz)
