"""Which file a name means: tables are made on other machines than recordings are kept on."""

import unicodedata
from collections import defaultdict
from collections.abc import Iterable
from pathlib import PurePosixPath

from escolta.errors import Rejected
from escolta.names import folded


class Ambiguous(Rejected):
    """Raised when a name may mean several files; the message names them."""


Parts = tuple[str, ...]


class FileNames:
    """Names of files with the folders above them, `quay/day.wav`, to be found by other names of the same."""

    def __init__(self, names: Iterable[str]) -> None:
        self._by_parts: defaultdict[Parts, list[str]] = defaultdict(list)
        self._by_stem: defaultdict[str, set[Parts]] = defaultdict(set)
        for name in dict.fromkeys(names):
            if parts := parts_of(name):
                self._by_parts[parts].append(name)
                for stem in (folded(parts[-1]), _without_suffix(parts[-1])):
                    self._by_stem[stem].add(parts)

    def meant_by(self, name: str) -> str | None:
        """The file that `name` means; None where it means none of them. The first of these that there is:

        1. The same path, but for the Unicode form, and `\\` in place of `/`.
        2. The same but for capitals.
        3. The same without the suffix (`.wav`), which one of the two lacks.
        4. One whose path ends in `name`, or that `name` ends in, folder by folder; else that without suffix.

        Raises `Ambiguous` where several fit alike.
        """
        asked = parts_of(name)
        files = self._by_parts.get(asked) or [
            file for parts in self._nearest(asked) for file in self._by_parts[parts]
        ]
        if len(files) > 1:
            raise Ambiguous(f"{name} may mean {' or '.join(sorted(files)[:5])}: write the whole path")
        return files[0] if files else None

    def _nearest(self, asked: Parts) -> list[Parts]:
        stems = {folded(asked[-1]), _without_suffix(asked[-1])} if asked else set()
        alike = set[Parts]().union(*(self._by_stem.get(stem, ()) for stem in stems))
        distances = {parts: distance for parts in alike if (distance := _distance(asked, parts))}
        nearest = min(distances.values(), default=None)
        return [parts for parts, distance in distances.items() if distance == nearest]


def parts_of(name: str) -> Parts:
    """The folders and the file of a path, composed (NFC), however they are divided."""
    parts = unicodedata.normalize("NFC", name).replace("\\", "/").split("/")
    return tuple(part for part in parts if part not in ("", "."))


def _distance(asked: Parts, parts: Parts) -> tuple[bool, bool, int, bool] | None:
    """How far two paths are from being the same, the least the nearest; None where they are other files."""
    common = min(len(asked), len(parts))
    ours, theirs = ([folded(part) for part in each[-common:]] for each in (asked, parts))
    same = ours[-1] == theirs[-1]
    bare = PurePosixPath(theirs[-1]).suffix == "" and _without_suffix(ours[-1]) == theirs[-1]
    but_for_the_suffix = ours[-1] == _without_suffix(theirs[-1]) or bare
    if ours[:-1] != theirs[:-1] or not (same or but_for_the_suffix):
        return None
    other_capitals = PurePosixPath(asked[-1]).stem != PurePosixPath(parts[-1]).stem
    return len(asked) != len(parts), not same, -common, other_capitals


def _without_suffix(part: str) -> str:
    return folded(PurePosixPath(part).stem)
