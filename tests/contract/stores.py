"""What the tests of the object store share: a key, and every verb with a key."""

from collections.abc import Callable
from pathlib import Path

from escolta.objects import Objects

KEY = "audio/node-1/2026-11-23/0b9d2f.wav"


def names_in(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir()]


VERBS: list[Callable[[Objects, str], object]] = [
    lambda objects, key: objects.put(key, b"sound"),
    lambda objects, key: objects.grant(key, 5, "0" * 64, ""),
    lambda objects, key: objects.get(key),
    lambda objects, key: objects.head(key),
    lambda objects, key: objects.delete(key),
]
