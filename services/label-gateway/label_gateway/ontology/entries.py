"""Classes as a file names them, each with those above it: a table (CSV), JSON as AudioSet's ontology is
published, or the AudioSet that comes with Escolta.
"""

import json
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from escolta.audioset import audioset_classes
from escolta.errors import Misconfigured
from escolta.names import tidy_name
from escolta.truth.table import Row, read_table

AUDIOSET = "audioset"
SEVERAL = "|"
"""Between several parents or synonyms in one cell: names have commas of their own."""

MOST_BYTES = 16 * 2**20
_COLUMNS = ("name", "parent", "synonyms")


@dataclass(frozen=True)
class Entry:
    """A class of a file. `where`: file and row, for whoever has to mend it; `parents`: names of those right
    above it."""

    where: str
    name: str
    parents: tuple[str, ...] = ()
    synonyms: tuple[str, ...] = ()


def read_entries(source: str, problems: list[str]) -> list[Entry]:
    """The classes of `source`: "audioset", a JSON file as AudioSet's ontology is published, or a table.

    What is wrong with single rows goes to `problems`, a sentence each, and the row is left out. Raises
    `Misconfigured` for a file that cannot be read, or that is neither of both.
    """
    if source == AUDIOSET:
        return _audioset()
    path = Path(source)
    entries = list(_json(path, problems) if path.suffix.lower() == ".json" else _table(path, problems))
    if not entries and not problems:
        raise Misconfigured(f"{path} has no class in it: a table has one in each row below its first")
    return entries


def _audioset() -> list[Entry]:
    known = audioset_classes()
    name_of = {it.mid: it.name for it in known}
    return [Entry(AUDIOSET, it.name, tuple(name_of[mid] for mid in it.parents)) for it in known]


# Tables --------------------------------------------------------------------------------------------


def _table(path: Path, problems: list[str]) -> Iterator[Entry]:
    told = False
    for row in read_table(path, ("name",), problems):
        if not told and (unknown := [column for column in row.cells if column not in _COLUMNS]):
            problems.append(
                f"{path.name}, row 1: no column {', '.join(unknown)} is known, only {', '.join(_COLUMNS)}"
            )
        told = True
        name = _tidy(row.where, row.cells["name"] or "", "", problems)
        parents, synonyms = (list(_several(row, column, problems)) for column in _COLUMNS[1:])
        if name and None not in (*parents, *synonyms):
            yield Entry(row.where, name, tuple(filter(None, parents)), tuple(filter(None, synonyms)))


def _several(row: Row, column: str, problems: list[str]) -> Iterator[str | None]:
    """The names in a cell; None for one that is none."""
    for text in (row.cells.get(column) or "").split(SEVERAL):
        if text.strip():
            yield _tidy(f"{row.where}, {row.cells['name']}", text, f"{column} ", problems)


def _tidy(where: str, text: str, what: str, problems: list[str]) -> str | None:
    try:
        return tidy_name(text)
    except ValueError as error:
        problems.append(f"{where}, {what}{text.strip()[:100]!r}: {error}")
        return None


# JSON ----------------------------------------------------------------------------------------------


def _json(path: Path, problems: list[str]) -> Iterator[Entry]:
    """AudioSet's form: a list of `{"id", "name", "child_ids"}`, where other keys mean nothing to us."""
    found: list[tuple[str, str, str, list[str]]] = []
    for number, item in enumerate(_list(path), start=1):
        where = f"{path.name}, class {number}"
        fault = _fault(item)
        if fault:
            problems.append(f"{where}, {_named(item)}: {fault}")
        elif name := _tidy(where, item["name"], "", problems):
            found.append((where, item["id"], name, item.get("child_ids", [])))
    yield from _with_parents(found, problems)


def _list(path: Path) -> list[Any]:
    try:
        with path.open("rb") as file:
            data = file.read(MOST_BYTES + 1)
    except OSError as error:
        raise Misconfigured(f"{path} cannot be read: {error.strerror}") from error
    if len(data) > MOST_BYTES:
        raise Misconfigured(f"{path} is larger than {MOST_BYTES >> 20} MiB: that is no ontology")
    try:
        items = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise Misconfigured(f"{path} is no JSON: {error}") from error
    if not isinstance(items, list):
        raise Misconfigured(f"{path} holds no list of classes, as AudioSet's ontology.json does")
    return items


def _fault(item: Any) -> str:
    """What keeps an item from being a class; nothing where it is one."""
    if not isinstance(item, dict):
        return "it is no object with an id and a name"
    if wrong := [key for key in ("id", "name") if not isinstance(item.get(key), str)]:
        return f"it has no text as its {' and '.join(wrong)}"
    below = item.get("child_ids", [])
    if not isinstance(below, list) or not all(isinstance(child, str) for child in below):
        return "its child_ids are no list of ids"
    return ""


def _named(item: Any) -> str:
    return json.dumps(item.get("name") if isinstance(item, dict) else item)[:100]


def _with_parents(found: list[tuple[str, str, str, list[str]]], problems: list[str]) -> Iterator[Entry]:
    first: dict[str, str] = {}
    parents: dict[str, list[str]] = defaultdict(list)
    for where, mid, name, below in found:
        if mid in first:
            problems.append(f"{where}, {name}: its id {mid[:100]} is that of {first[mid]} already")
        first.setdefault(mid, name)
        for child in below:
            parents[child].append(name)
    for where, _, name, below in found:
        problems.extend(
            f"{where}, {name}: no class here has the id of its child {child[:100]}"
            for child in below
            if child not in first
        )
    for where, mid, name, _ in found:
        yield Entry(where, name, tuple(dict.fromkeys(parents[mid])))
