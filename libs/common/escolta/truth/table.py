"""A table that people made with a spreadsheet, as CSV: whatever separates its cells, and ends its lines."""

import codecs
import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from escolta.errors import Misconfigured

SEPARATORS = (",", ";", "\t")
MOST_BYTES = 256 * 2**20


@dataclass(frozen=True)
class Row:
    """`where`: file and row, as a spreadsheet counts. `cells` by column; None: the row ends before it."""

    where: str
    cells: dict[str, str | None]


def read_table(path: Path, columns: Sequence[str], problems: list[str]) -> Iterator[Row]:
    """The rows of a table that has these columns, and perhaps others, by its first row; empty ones left out.

    Cells are stripped, names of columns in small letters. What is wrong with single rows goes to `problems`,
    a sentence each. Raises `Misconfigured` for a file that is no such table.
    """
    text = _text(path)
    separator = max(SEPARATORS, key=lambda separator: len(set(columns) & set(_header(text, separator))))
    header = _header(text, separator)
    if missing := [column for column in columns if column not in header]:
        raise Misconfigured(
            f"{path} has no column {' or '.join(missing)}: its first row, which must name them, is"
            f" {', '.join(header)[:200] or 'empty'}"
        )
    if twice := [column for column in columns if header.count(column) > 1]:
        raise Misconfigured(f"{path} has two columns {twice[0]}: keep one")
    for number, cells in _records(path.name, text, separator, problems):
        where = f"{path.name}, row {number}"
        if any(cells[len(header) :]):
            problems.append(
                f"{where}: it has {len(cells)} cells, and the first row {len(header)}: a cell that holds"
                f" {_named(separator)} needs quotes around it"
            )
        elif number > 1 and any(cells):
            filled: list[str | None] = [*cells, *[None] * (len(header) - len(cells))]
            yield Row(where, dict(zip(header, filled, strict=False)))


def _text(path: Path) -> str:
    """What is written in a file in UTF-8, or in UTF-16 that says so."""
    try:
        with path.open("rb") as file:
            data = file.read(MOST_BYTES + 1)  # a device or a pipe says no size
    except OSError as error:
        raise Misconfigured(f"{path} cannot be read: {error.strerror}") from error
    if len(data) > MOST_BYTES:
        raise Misconfigured(f"{path} is larger than {MOST_BYTES >> 20} MiB: that is no table of this kind")
    try:
        if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
            text = data.decode("utf-16")
        else:
            text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        row = data[: error.start].count(b"\n")
        line = data.split(b"\n")[row].decode("cp1252", errors="replace")
        raise Misconfigured(
            f"{path} is not in UTF-8: see row {row + 1}, in Windows-1252 it would read {line.strip()[:100]}."
            " Save the table anew, as CSV in UTF-8"
        ) from error
    if "\0" in text:
        raise Misconfigured(f"{path} holds zero bytes, so it is no CSV in UTF-8: save it as one")
    return text


def _header(text: str, separator: str) -> list[str]:
    for _, cells in islice(_records("", text, separator, []), 1):
        return [cell.lower() for cell in cells]
    return []


def _records(name: str, text: str, separator: str, problems: list[str]) -> Iterator[tuple[int, list[str]]]:
    """Number and stripped cells of each row, as far as the quotes in them are closed."""
    lines = io.StringIO(text, newline="")
    reader = csv.reader(lines, delimiter=separator, strict=True, skipinitialspace=True)
    number = 0
    while True:
        number, begins = number + 1, reader.line_num
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error:
            [line] = islice(io.StringIO(text, newline=""), begins, begins + 1)
            problems.append(
                f"{name}, row {number}: a quote is opened and not closed before the end of its cell, in"
                f" {line.strip()[:100]}; what comes after it was not looked at"
            )
            return
        yield number, [cell.strip() for cell in cells]


def _named(separator: str) -> str:
    return {",": "a comma", ";": "a semicolon", "\t": "a tab"}[separator]
