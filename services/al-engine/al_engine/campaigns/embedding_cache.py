"""Embeddings of recordings, kept so that a second look takes no time."""

import hashlib
import os
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from escolta.disk import whole_file

Embedding = tuple[NDArray[np.float32], str, float]
"""The vector, float32 `[dim]`, the top-1 class and its probability."""


def cache_folder() -> Path:
    """`$XDG_CACHE_HOME/escolta/simulate`, else `~/.cache/escolta/simulate`; a relative path is ignored."""
    chosen = Path(os.environ.get("XDG_CACHE_HOME", ""))
    return (chosen if chosen.is_absolute() else Path.home() / ".cache") / "escolta/simulate"


class EmbeddingCache:
    """What a model said of the files of one folder, by digest of their bytes; `save` writes it down."""

    def __init__(self, under: Path, folder: Path, model_id: str) -> None:
        name = hashlib.sha256(os.fsencode(folder.resolve())).hexdigest()[:16]
        self._path = under / f"{name}-{model_id}.npz"
        self.of_digest: dict[str, Embedding] = {}
        try:
            with np.load(self._path) as file:
                rows = zip(file["digests"], file["vectors"], file["classes"], file["p"], strict=True)
                self.of_digest = {
                    str(digest): (vector, str(top), float(p)) for digest, vector, top, p in rows
                }
        except (OSError, ValueError, KeyError):
            pass  # none yet, or one that another version wrote

    def save(self) -> None:
        """Write all of it, in place of what was there before."""
        if not self.of_digest:
            return
        vectors, classes, p = zip(*self.of_digest.values(), strict=True)
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with whole_file(self._path) as file:
            np.savez(
                file,
                digests=np.array(list(self.of_digest)),
                vectors=np.stack(vectors),
                classes=np.array(classes),
                p=np.array(p, np.float32),
            )
