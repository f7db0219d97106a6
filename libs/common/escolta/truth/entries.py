"""What the rows of a truth table say, each cell checked."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from escolta.names import folded, tidy_name
from escolta.truth.table import Row, read_table

DOUBT = "doubt"
_SECONDS = re.compile(r"\d+([.,]\d*)?|[.,]\d+")

Value = TypeVar("Value")


@dataclass(frozen=True)
class Entry:
    """A row about a file. `where`: table, row and name of the file, for whoever has to mend it."""

    where: str
    name: str
    category: str


@dataclass(frozen=True)
class WholeFile(Entry):
    """The file is of this category."""

    fold: int | None


@dataclass(frozen=True)
class Event(Entry):
    """The category is heard in the file from onset to offset."""

    onset_s: float
    offset_s: float


@dataclass
class Findings:
    """Sentences: `problems` keep a table from being used, `notes` are to be read."""

    problems: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def read_files(path: Path, with_folds: bool, findings: Findings) -> list[WholeFile]:
    """The category of each file, and its fold if there is a column of them that is wanted."""
    entries = []
    for row in read_table(path, ("filename", "category"), findings.problems):
        name, category = _name_and_category(row, findings)
        fold = _read(row, "fold", _whole, findings) if with_folds and "fold" in row.cells else None
        if name and category:
            entries.append(WholeFile(f"{row.where}, {name}", name, category, fold))
    if not entries and not findings.problems:
        findings.problems.append(f"{path.name} has no row below its first")
    return entries


def read_events(path: Path, findings: Findings) -> list[Event]:
    """Each sound with its category and its times."""
    entries, commas = [], 0
    for row in read_table(path, ("filename", "category", "onset_s", "offset_s"), findings.problems):
        name, category = _name_and_category(row, findings)
        onset_s, offset_s = (_read(row, column, _seconds, findings) for column in ("onset_s", "offset_s"))
        commas += any("," in (row.cells[column] or "") for column in ("onset_s", "offset_s"))
        if name is None or category is None or onset_s is None or offset_s is None:
            continue
        entry = Event(f"{row.where}, {name}", name, category, onset_s, offset_s)
        if onset_s >= offset_s:
            findings.problems.append(
                f"{entry.where}: the sound ends at {offset_s:g} s, which is not after {onset_s:g} s"
            )
        entries.append(entry)
    if commas:
        findings.notes.append(f"{path.name}: rows with a decimal comma: {commas}; 2,35 is read as 2.35")
    return entries


def _name_and_category(row: Row, findings: Findings) -> tuple[str | None, str | None]:
    return _read(row, "filename", _filled, findings), _read(row, "category", _class_name, findings)


def _read(row: Row, column: str, parse: Callable[[str], Value], findings: Findings) -> Value | None:
    text = row.cells[column]
    try:
        if text is None:
            raise ValueError("the row ends before it")
        return parse(text)
    except ValueError as error:
        name = row.cells["filename"]
        findings.problems.append(", ".join([row.where, *([name] if name else []), f"{column}: {error}"]))
        return None


def _filled(text: str) -> str:
    if not text:
        raise ValueError("it is empty")
    return text


def _class_name(text: str) -> str:
    name = tidy_name(text)
    if folded(name) == DOUBT:
        raise ValueError(f"{name} is the answer of who cannot tell, and no class of sounds: delete the row")
    return name


def _whole(text: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise ValueError(f"{text!r} is no whole number: mend it, or take out the column") from None


def _seconds(text: str) -> float:
    if not text:
        raise ValueError("it is empty")
    if not _SECONDS.fullmatch(text):
        raise ValueError(f"{text!r} is no number of seconds, such as 2.35 or 2,35")
    return float(text.replace(",", "."))
