"""The files of a folder, by the names that they have in tables and in the catalog."""

import os
from pathlib import Path

from escolta.audio import HEAD_BYTES, container_of
from escolta.hidden import is_hidden, leads_astray


def files_in(folder: Path) -> dict[str, Path]:
    """Every file in `folder` and below: name within it -> path, in the order of the names.

    Hidden ones are left out, and what cannot be looked into; a folder to which two ways lead comes
    once, and one that holds `folder` itself never.
    """
    found, root = {}, Path(os.path.realpath(folder))
    been: set[Path] = set()
    for parent, folders, files in os.walk(folder, followlinks=True):
        place = Path(os.path.realpath(parent))
        if place in been or (been and leads_astray(place, root)):
            folders.clear()
            continue
        been.add(place)
        folders[:] = sorted(name for name in folders if not is_hidden(name))
        for name in files:
            path = Path(parent, name)
            if not is_hidden(name) and os.path.isfile(path):
                found[_shown(path.relative_to(folder))] = path
    return dict(sorted(found.items()))


def is_recording(path: Path) -> bool:
    """Whether a file begins as sound does; what cannot be read is none."""
    try:
        with path.open("rb") as file:
            return container_of(file.read(HEAD_BYTES)) is not None
    except OSError:
        return False


def _shown(name: Path) -> str:
    """Bytes that are not UTF-8 cannot travel in JSON: the node names the file in the same way."""
    return os.fsencode(name.as_posix()).decode("utf-8", errors="replace")
