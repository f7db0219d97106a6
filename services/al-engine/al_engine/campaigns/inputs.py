"""The audios that campaigns are run on: their truth, and embeddings from a file or of a folder's sound."""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from al_engine.campaigns.all_classes import agreed
from al_engine.campaigns.campaign import LabeledAudios
from al_engine.campaigns.embedding_cache import EmbeddingCache, cache_folder
from al_engine.campaigns.folder_embeddings import Embeddings, embed_files
from al_engine.campaigns.sound_models import open_model
from al_engine.campaigns.usable import usable
from escolta.errors import Misconfigured
from escolta.truth import Truth, files_in, read_truth

Tell = Callable[[str], None]
"""Says a sentence to the person at the terminal."""


def given(table: Path, file: Path, tell: Tell, events: Path | None = None) -> LabeledAudios:
    """Audios with embeddings from a .npy file, in the order in which the truth first names their files.

    All have one top-1 class, so that disjoint sets are split by audio id alone. `events`: each sound of the
    files. Raises `Misconfigured` for a truth or a file that cannot be used.
    """
    known = read_truth(table, events, with_folds=True)
    truth = _usable(known, tell)
    return LabeledAudios(truth, _read(file, list(known.categories)))


def heard(
    table: Path,
    folder: Path,
    model: tuple[str, Path | None],
    tell: Tell,
    progress: Callable[[int, int], None] = lambda *_: None,
    events: Path | None = None,
) -> LabeledAudios:
    """Audios with embeddings by a model, its name and CNN14's weights, of the recordings that a truth names.

    `events`: each sound of them. All of the truth is checked before the first is embedded. One that cannot be
    embedded is left out and told, and so is a class of which too little is left. Raises `Misconfigured` for
    what cannot be used.
    """
    if not folder.is_dir():
        raise Misconfigured(f"--audio {folder} is not a folder")
    known = read_truth(table, events, folder, with_folds=True)
    paths = files_in(folder)
    truth = _usable(known.only(paths), tell)
    files = {name: paths[name] for name in truth.categories}
    opened = open_model(*model)
    cache = EmbeddingCache(cache_folder(), folder, opened.model_id)
    found, left_out = embed_files(files, opened, cache, lambda done: progress(done, len(files)))
    for name, reason in left_out.items():
        tell(f"{name} is left out: {reason}")
    truth, notes = usable(truth.only(found.names))
    for note in notes:
        tell(note)
    return LabeledAudios(truth, found)


def _usable(known: Truth, tell: Tell) -> Truth:
    """What of a truth a campaign can use, by the class that people agree on; the rest is told."""
    truth, of_agreement = agreed(known)
    truth, of_use = usable(truth)
    for note in (*known.notes, *of_agreement, *of_use):
        tell(note)
    return truth


def _read(file: Path, names: Sequence[str]) -> Embeddings:
    try:
        vectors = np.load(file)
    except (OSError, ValueError) as error:
        raise Misconfigured(f"--embeddings {file} is no .npy file that can be read ({error})") from error
    if not isinstance(vectors, np.ndarray) or vectors.ndim != 2 or vectors.dtype.kind != "f":
        raise Misconfigured(f"--embeddings {file} must hold one array of floats, [audios, dim]")
    if not np.isfinite(vectors).all():
        row = int(np.flatnonzero(~np.isfinite(vectors).all(axis=1))[0])
        raise Misconfigured(f"--embeddings {file} has numbers that are not finite, first in row {row + 1}")
    audios = len(names)
    if len(vectors) != audios:
        raise Misconfigured(
            f"--embeddings {file} has {len(vectors)} rows, and the CSV names {audios} files: they must"
            " correspond"
        )
    return Embeddings(names, vectors, np.full(audios, ""), np.zeros(audios, np.float32))
