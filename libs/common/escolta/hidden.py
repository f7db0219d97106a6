"""Which files and folders are nobody's recordings, by their names or places alone."""

from pathlib import Path

_KEPT_BY_SYSTEMS = frozenset(
    name.casefold()
    for name in (
        "$RECYCLE.BIN",
        "RECYCLED",
        "RECYCLER",
        "#recycle",
        "#snapshot",
        "@eaDir",
        "@Recycle",
        "@Recently-Snapshot",
        "Network Trash Folder",
        "System Volume Information",
        "Temporary Items",
        "__MACOSX",
    )
)

_OF_THE_SYSTEM = {Path("/proc"), Path("/sys"), Path("/dev")}
"""Folders without files of anybody; some of what is read there never ends, or never begins."""


def is_hidden(name: str) -> bool:
    """Whether a file or folder of this name is hidden, a trash, or what a system keeps for itself."""
    return name.startswith(".") or name.casefold() in _KEPT_BY_SYSTEMS


def leads_astray(place: Path, folder: Path) -> str:
    """What a link in `folder` leads to where nobody means it; empty for a folder like others.

    `z:`, a link to `/`, is the whole machine. Both are real paths of folders.
    """
    if place in folder.parents:
        return "a folder that holds this one"
    return "the system's own" if _OF_THE_SYSTEM & {place, *place.parents} else ""
