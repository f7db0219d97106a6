"""Which files and folders are nobody's recordings, by their names alone."""

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


def is_hidden(name: str) -> bool:
    """Whether a file or folder of this name is hidden, a trash, or what a system keeps for itself."""
    return name.startswith(".") or name.casefold() in _KEPT_BY_SYSTEMS
