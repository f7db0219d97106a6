"""Distances to the nearest medoid, kept on disk between iterations: a later one pays only for new medoids.

A cache: without its file, or with a damaged one, an iteration takes longer and ends the same.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from al_engine.exact.audio_ids import Ids, by_id, id_keys
from al_engine.exact.distances import KnownNearest
from al_engine.iterations.inputs import METHOD
from al_engine.method.selection import Judged
from escolta.disk import whole_file
from escolta.events import Window

log = logging.getLogger("escolta.al-engine")

MOST_FILES = 8
"""Of different models and nodes; the one that was not used for longest goes first."""
KINDS = {"ids": "u8", "nearest": "i4", "distance": "f4", "medoids": "u8"}


@dataclass(frozen=True)
class Distances:
    """Of audios `ids [audios, 2]`, in order: the distance to the nearest medoid and its row in `medoids`."""

    ids: Ids
    nearest: NDArray[np.int32]
    distance: NDArray[np.float32]
    medoids: Ids

    def of(self, ids: Ids, medoids: Ids) -> KnownNearest:
        """What is known of these audios and of today's medoids, in their order."""
        row, known = _rows(self.ids, ids)
        medoid_today, still = _rows(medoids, self.medoids)
        nearest = self.nearest[row]
        known &= still[nearest]
        index = np.where(known, medoid_today[nearest], -1)
        _, known_medoid = _rows(self.medoids, medoids)
        return KnownNearest(index, self.distance[row], np.flatnonzero(~known_medoid))


def distances_of(judged: Sequence[Judged], ids: Ids, medoids: Ids) -> Distances:
    """What the committee found out on the way; `ids` are those that `judged` has rows of."""
    rows = np.concatenate([judged_set.rows for judged_set in judged])
    order = by_id(ids[rows])
    nearest = np.concatenate([judged_set.opinion.nearest_medoid for judged_set in judged])
    distance = np.concatenate([judged_set.opinion.medoid_distance for judged_set in judged])
    return Distances(
        ids[rows[order]], nearest[order].astype(np.int32), distance[order].astype(np.float32), medoids
    )


def path_of(folder: Path, model_id: str, windows: Sequence[Window]) -> Path:
    """One file for a method, a model and the nodes and hours looked at, whatever the time.

    Weeks follow each other, and each goes on from the one before.
    """
    seen = sorted((sorted(window.nodes), window.hours or ()) for window in windows)
    return folder / f"kept-{blake2b(repr((METHOD, model_id, seen)).encode(), digest_size=8).hexdigest()}.npz"


def read(path: Path) -> Distances | None:
    """What was kept; None where nothing was, or where the file is damaged."""
    try:
        with np.load(path, allow_pickle=False) as file:
            found = {name: file[name] for name in KINDS}
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, EOFError, BadZipFile) as error:
        log.warning("%s cannot be read (%s): all distances are computed again", path, error)
        return None
    distances = Distances(**found)
    if not _sound(distances):
        log.warning("%s is damaged: all distances are computed again", path)
        return None
    return distances


def write(path: Path, distances: Distances) -> None:
    """Put the file in its place at once and whole; a full disk is told, and no more."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with whole_file(path) as file:
            np.savez(file, **{name: getattr(distances, name) for name in KINDS})
        files = sorted(path.parent.glob("kept-*.npz"), key=lambda file: file.stat().st_mtime)
        for old in files[:-MOST_FILES]:
            old.unlink(missing_ok=True)
    except OSError as error:
        log.warning("%s cannot be written (%s): the next iteration computes all distances", path, error)


def _sound(distances: Distances) -> bool:
    """np.load checks each array's checksum; this, that they belong together."""
    n = len(distances.ids)
    return (
        all(getattr(distances, name).dtype == kind for name, kind in KINDS.items())
        and distances.ids.shape == (n, 2)
        and distances.medoids.shape == (len(distances.medoids), 2)
        and distances.nearest.shape == distances.distance.shape == (n,)
        and bool(n)
        and bool(((distances.nearest >= 0) & (distances.nearest < len(distances.medoids))).all())
    )


def _rows(ordered: Ids, wanted: Ids) -> tuple[NDArray[np.intp], NDArray[np.bool_]]:
    """For each wanted id its row in `ordered`, which is in order of id, and whether it is there at all."""
    place = {key: row for row, key in enumerate(id_keys(ordered))}
    rows = np.fromiter((place.get(key, -1) for key in id_keys(wanted)), np.intp, len(wanted))
    return np.maximum(rows, 0), rows >= 0
