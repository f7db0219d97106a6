"""The list of the objects that are in a backup: key, size in bytes, SHA-256. A file of SQLite.

Beside it are notes: how far something is done.
"""

import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

from escolta.errors import Misconfigured

PAGE = 500
_SCHEMA = (
    """
    CREATE TABLE IF NOT EXISTS objects (
        key        TEXT PRIMARY KEY,
        size_bytes INTEGER NOT NULL,
        sha256     TEXT NOT NULL
    ) WITHOUT ROWID
    """,
    "CREATE TABLE IF NOT EXISTS notes (name TEXT PRIMARY KEY, value TEXT NOT NULL)",
)


@dataclass(frozen=True)
class Entry:
    """An object as it was when it was copied."""

    key: str
    size_bytes: int
    sha256: str


class Manifest:
    """Opened for the length of a block; what was added is on the disk when `add` returns."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __enter__(self) -> "Manifest":
        try:
            self._rows = sqlite3.connect(self._path)
            self._rows.execute("PRAGMA synchronous = FULL")
            with self._rows:
                for table in _SCHEMA:
                    self._rows.execute(table)
        except sqlite3.Error as error:
            raise Misconfigured(
                f"{self._path} cannot be used ({error}): delete it, and `escolta backup` makes it again from "
                "the copies"
            ) from error
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._rows.close()

    def missing(self, keys: Sequence[str]) -> list[str]:
        """Those of at most `PAGE` keys that are not in it, in the same order."""
        marks = ",".join("?" * len(keys))
        found = self._rows.execute(f"SELECT key FROM objects WHERE key IN ({marks})", keys)
        there = {key for (key,) in found}
        return [key for key in keys if key not in there]

    def add(self, entries: Sequence[Entry]) -> None:
        """Add objects whose copies are on the disk."""
        with self._rows:
            self._rows.executemany(
                "INSERT OR REPLACE INTO objects VALUES (?, ?, ?)",
                [(entry.key, entry.size_bytes, entry.sha256) for entry in entries],
            )

    def remove(self, keys: Sequence[str]) -> int:
        """Take objects off the list; how many of them were on it."""
        with self._rows:
            return self._rows.executemany(
                "DELETE FROM objects WHERE key = ?", [(key,) for key in keys]
            ).rowcount

    def note(self, name: str, value: str) -> None:
        """Keep how far something is done."""
        with self._rows:
            self._rows.execute("INSERT OR REPLACE INTO notes VALUES (?, ?)", (name, value))

    def noted(self, name: str) -> str:
        """What was noted last; empty where nothing was."""
        found = self._rows.execute("SELECT value FROM notes WHERE name = ?", (name,)).fetchone()
        return str(found[0]) if found else ""

    def __len__(self) -> int:
        [(count,)] = self._rows.execute("SELECT count(*) FROM objects")
        return int(count)

    def pages(self) -> Iterator[list[Entry]]:
        """All of them by key, at most `PAGE` at a time."""
        last = ""
        while page := self._page(last):
            yield page
            last = page[-1].key

    def sample(self, count: int) -> list[Entry]:
        """At most `count`, drawn at random."""
        found = self._rows.execute("SELECT * FROM objects ORDER BY random() LIMIT ?", (count,))
        return [Entry(*row) for row in found]

    def _page(self, after: str) -> list[Entry]:
        found = self._rows.execute("SELECT * FROM objects WHERE key > ? ORDER BY key LIMIT ?", (after, PAGE))
        return [Entry(*row) for row in found]
