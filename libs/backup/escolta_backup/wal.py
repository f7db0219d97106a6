"""The log (WAL) as files: segments with numbers, and the histories of what branched off."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

_SEGMENT = re.compile(r"([0-9A-F]{8})([0-9A-F]{8})([0-9A-F]{8})(\.partial)?")
_HISTORY = re.compile(r"[0-9A-F]{8}\.history")


@dataclass(frozen=True)
class Segment:
    """A file of the log; a partial one is still being received."""

    path: Path
    number: int

    @property
    def name(self) -> str:
        """As PostgreSQL looks for it."""
        return self.path.name.removesuffix(".partial")


def number_of(name: str, segment_bytes: int) -> int:
    """Where a segment stands in the log, whatever its timeline."""
    found = _SEGMENT.fullmatch(name)
    if not found:
        raise ValueError(f"{name} names no segment")
    return int(found[2], 16) * (0x1_0000_0000 // segment_bytes) + int(found[3], 16)


def segments(folder: Path, segment_bytes: int) -> list[Segment]:
    """The segments in `folder` in the order of the log; of one that is there whole and partial, the whole."""
    names = {path.name: path for path in folder.iterdir() if _SEGMENT.fullmatch(path.name)}
    return sorted(
        (
            Segment(path, number_of(name, segment_bytes))
            for name, path in names.items()
            if name.removesuffix(".partial") == name or name.removesuffix(".partial") not in names
        ),
        key=lambda segment: (segment.number, segment.name),
    )


def histories(folder: Path) -> list[Path]:
    """The files that say where one timeline left another."""
    return [path for path in folder.iterdir() if _HISTORY.fullmatch(path.name)]


def unbroken(found: Iterable[Segment], first: int) -> tuple[list[Segment], list[Segment]]:
    """Those that follow each other from number `first` on, and those that lie behind a gap."""
    later = [segment for segment in found if segment.number >= first]
    expected = first
    for index, segment in enumerate(later):
        if segment.number > expected:
            return later[:index], later[index:]
        expected = segment.number + 1
    return later, []
