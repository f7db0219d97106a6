"""The list of what was left out or is doubtful, a table of the journal."""

import sqlite3
from collections.abc import Collection, Iterable
from dataclasses import replace
from datetime import datetime

from node_agent.recording.journal_schema import from_us, to_us
from node_agent.recording.left_out import LeftOut


def add(db: sqlite3.Connection, found: Iterable[LeftOut]) -> None:
    """Add to the list, in the transaction at hand; what is there with the same reason stays as it is."""
    db.executemany(
        "INSERT INTO left_out VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET"
        " to_s = excluded.to_s, size_bytes = excluded.size_bytes, reason = excluded.reason,"
        " doubtful = excluded.doubtful, since_us = excluded.since_us"
        " WHERE (reason, doubtful) <> (excluded.reason, excluded.doubtful)",
        (
            (
                *(entry.file_name, entry.content, -1 if entry.from_s is None else entry.from_s, entry.to_s),
                *(entry.size_bytes, entry.reason, entry.doubtful, to_us(entry.since)),
            )
            for entry in found
        ),
    )


def everything(db: sqlite3.Connection) -> list[LeftOut]:
    """All of it, in the order in which it was found."""
    rows = db.execute(
        "SELECT file_name, reason, since_us, content, size_bytes, place, to_s, doubtful FROM left_out"
        " ORDER BY since_us, file_name, place"
    )
    return [
        LeftOut(
            name, reason, from_us(since), content, size, None if place < 0 else place, to_s, bool(doubtful)
        )
        for name, reason, since, content, size, place, to_s, doubtful in rows
    ]


def take_after_all(db: sqlite3.Connection, read: Collection[tuple[str, str]], now: datetime) -> None:
    """What was left out under these names and contents was read now: the reason has become a doubt."""
    doubted = [
        entry for entry in everything(db) if (entry.file_name, entry.content) in read and not entry.doubtful
    ]
    later = "What bears this name was read later, and is taken."
    add(db, [replace(entry, reason=f"{entry.reason} {later}", since=now, doubtful=True) for entry in doubted])
