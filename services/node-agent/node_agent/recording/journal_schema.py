"""The tables of the journal, and how what earlier versions wrote comes into them."""

import json
import os
import sqlite3
from datetime import UTC, datetime, timedelta
from pathlib import Path

from escolta.errors import Misconfigured
from node_agent.recording.times import OF_THE_REPLAY

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_FORMAT = 3
_TABLES = (
    """
    CREATE TABLE sounds (
        number      INTEGER PRIMARY KEY,         -- the order of playing
        path        BLOB NOT NULL,               -- where it is read
        name        TEXT NOT NULL,
        size_bytes  INTEGER NOT NULL,
        modified_ns INTEGER,
        ends        TEXT,                        -- NULL as an earlier version left it, until it is seen again
        identity    TEXT,                        -- NULL until the whole file was read
        audios      INTEGER NOT NULL,            -- by its header, until it has begun
        start_us    INTEGER NOT NULL,            -- microseconds since 1970 in UTC
        time_source TEXT NOT NULL,
        moved_us    INTEGER NOT NULL DEFAULT 0,  -- how far its start was moved out of another's way
        begun       INTEGER NOT NULL DEFAULT 0,  -- start and audios are fixed
        played      INTEGER NOT NULL DEFAULT 0,  -- audios that are safe
        waits       INTEGER NOT NULL DEFAULT 0   -- it could not be read when its time came
    )""",
    "CREATE INDEX sounds_to_play ON sounds (number) WHERE played < audios AND NOT waits",
    "CREATE INDEX sounds_alike ON sounds (size_bytes, ends, identity)",
    "CREATE INDEX sounds_by_identity ON sounds (identity)",
    "CREATE INDEX sounds_in_time ON sounds (start_us % 10000000, start_us) WHERE begun AND audios > 0",
    """
    CREATE TABLE paths (
        path        BLOB PRIMARY KEY,
        size_bytes  INTEGER NOT NULL,
        modified_ns INTEGER,
        ends        TEXT,
        number      INTEGER NOT NULL REFERENCES sounds
    )""",
    """
    CREATE TABLE left_out (
        file_name   TEXT NOT NULL,
        content     TEXT NOT NULL,
        place       REAL NOT NULL,               -- from_s; -1: the whole file
        to_s        REAL,
        size_bytes  INTEGER,
        reason      TEXT NOT NULL,
        doubtful    INTEGER NOT NULL,
        since_us    INTEGER NOT NULL,
        PRIMARY KEY (file_name, content, place)
    )""",
)
_CLOCK = """
    CREATE TABLE IF NOT EXISTS clock (           -- one row: how the node's clock stood when it dated sounds
        boot        TEXT NOT NULL,
        ahead_s     REAL NOT NULL
    )"""
_GIVEN = """
    CREATE TABLE given (                         -- starts of audios whose sound was moved in time since
        start_us    INTEGER NOT NULL,
        audios      INTEGER NOT NULL
    )"""


def opened(folder: Path) -> sqlite3.Connection:
    """The journal in `folder`, made on its first use. May be used by one thread at a time.

    Raises Misconfigured where it is damaged.
    """
    path = folder / "replay.sqlite"
    db = sqlite3.connect(path, check_same_thread=False)
    try:
        _prepare(db, folder)
    except sqlite3.OperationalError:  # such as a full disk: the journal is whole
        raise
    except sqlite3.DatabaseError as error:
        raise Misconfigured(
            f"{path} is damaged ({error}): move it away, and the folder is played from its beginning"
        ) from error
    return db


def _prepare(db: sqlite3.Connection, folder: Path) -> None:
    db.execute("PRAGMA journal_mode = WAL")
    db.execute("PRAGMA synchronous = FULL")
    with db:
        db.execute("BEGIN IMMEDIATE")
        (version,) = db.execute("PRAGMA user_version").fetchone()
        if version == 0:
            for table in _TABLES:
                db.execute(table)
            _read_earlier_version(db, folder / "replay.jsonl", folder / "replay.json")
        if version < _FORMAT:
            db.execute(_CLOCK)
            db.execute(_GIVEN)
            db.execute(f"PRAGMA user_version = {_FORMAT}")


def _read_earlier_version(db: sqlite3.Connection, plan: Path, place: Path) -> None:
    """A line a file, in the order of playing, and the place of the next audio: entry and audio."""
    if not plan.exists():
        return
    entry, audio = 0, 0
    if place.exists():
        read = json.loads(place.read_bytes())
        entry, audio = read["entry"], read["audio"]
    for number, line in enumerate(plan.read_text("utf-8").splitlines()):
        fields = json.loads(line)
        file, audios = fields["file"], fields["audios"]
        played = audios if number < entry else audio if number == entry else 0
        path, start = os.fsencode(file["path"]), to_us(datetime.fromisoformat(fields["start"]))
        db.execute(
            "INSERT INTO sounds (number, path, name, size_bytes, audios, start_us, time_source, played,"
            " begun) VALUES (?, ?, ?, ?, ?, ?, ?, ?, 1)",
            (number + 1, path, file["name"], file["size_bytes"], audios, start, OF_THE_REPLAY, played),
        )
        db.execute(
            "INSERT OR REPLACE INTO paths (path, size_bytes, number) VALUES (?, ?, ?)",
            (path, file["size_bytes"], number + 1),
        )


def to_us(moment: datetime) -> int:
    """Microseconds since 1970 in UTC."""
    return (moment - EPOCH) // _MICROSECOND


def from_us(us: int) -> datetime:
    return EPOCH + us * _MICROSECOND
