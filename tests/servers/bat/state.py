"""What BAT knows: a database that outlives its process, and is read by the tests as it is."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

SCHEMA = """
CREATE TABLE users (id INTEGER PRIMARY KEY, name TEXT UNIQUE, password TEXT,
    superuser INTEGER, staff INTEGER);
CREATE TABLE sessions (id TEXT PRIMARY KEY, user_id INTEGER REFERENCES users ON DELETE CASCADE, ends_at REAL);
CREATE TABLE classes (id INTEGER PRIMARY KEY, name TEXT UNIQUE);
CREATE TABLE tags (id INTEGER PRIMARY KEY, name TEXT UNIQUE);
CREATE TABLE projects (id INTEGER PRIMARY KEY, name TEXT UNIQUE, overlap INTEGER, made_at TEXT);
CREATE TABLE class_instances (project_id INTEGER REFERENCES projects ON DELETE CASCADE,
    class_id INTEGER REFERENCES classes ON DELETE CASCADE, color TEXT);
CREATE TABLE wavs (id INTEGER PRIMARY KEY, project_id INTEGER REFERENCES projects ON DELETE CASCADE,
    name TEXT, file TEXT);
CREATE TABLE segments (id INTEGER PRIMARY KEY, wav_id INTEGER REFERENCES wavs ON DELETE CASCADE,
    name TEXT, start_time REAL, end_time REAL);
CREATE TABLE annotations (id INTEGER PRIMARY KEY, segment_id INTEGER REFERENCES segments ON DELETE CASCADE,
    user_id INTEGER REFERENCES users ON DELETE CASCADE, name TEXT, status TEXT, made_at TEXT,
    UNIQUE (segment_id, user_id));
CREATE TABLE events (id INTEGER PRIMARY KEY, annotation_id INTEGER REFERENCES annotations ON DELETE CASCADE,
    class_id INTEGER REFERENCES classes ON DELETE CASCADE, start_time REAL, end_time REAL, color TEXT,
    UNIQUE (annotation_id, class_id, start_time, end_time));
CREATE TABLE event_tags (event_id INTEGER REFERENCES events ON DELETE CASCADE,
    tag_id INTEGER REFERENCES tags);
CREATE TABLE regions (id INTEGER PRIMARY KEY, annotation_id INTEGER REFERENCES annotations ON DELETE CASCADE,
    start_time REAL, end_time REAL, color TEXT, UNIQUE (annotation_id, start_time, end_time));
CREATE TABLE region_tags (region_id INTEGER REFERENCES regions ON DELETE CASCADE,
    tag_id INTEGER REFERENCES tags);
CREATE TABLE prominences (id INTEGER PRIMARY KEY, region_id INTEGER REFERENCES regions ON DELETE CASCADE,
    class_id INTEGER REFERENCES classes ON DELETE CASCADE, prominence INTEGER, UNIQUE (region_id, class_id));
CREATE INDEX segments_of_wav ON segments (wav_id);
CREATE INDEX wavs_of_project ON wavs (project_id);
CREATE INDEX annotations_of_user ON annotations (user_id);
CREATE INDEX tags_of_event ON event_tags (event_id);
CREATE INDEX tags_of_region ON region_tags (region_id);
"""


class State:
    """One writer: requests take their turns."""

    def __init__(self, file: Path) -> None:
        is_new = not file.exists()
        self.db = sqlite3.connect(file, isolation_level=None)
        self.db.row_factory = sqlite3.Row
        for pragma in ("journal_mode = WAL", "synchronous = OFF", "foreign_keys = ON"):
            self.db.execute(f"PRAGMA {pragma}")
        if is_new:
            self.db.executescript(SCHEMA)
        self._last_ids: dict[str, int] = {}

    def forget(self) -> None:
        """Be as new."""
        tables = [name for (name,) in self.db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        with self.transaction():
            self.db.execute("PRAGMA defer_foreign_keys = ON")
            for table in tables:
                self.db.execute(f"DELETE FROM {table}")
        self._last_ids.clear()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All of a request, or nothing of it."""
        self.db.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self.db.execute("ROLLBACK")
            raise
        self.db.execute("COMMIT")

    def add(self, table: str, **values: object) -> int:
        """The id of a new row. What is rolled back has used its id up, as a sequence does."""
        last = self._last_ids.get(table) or self.value(f"SELECT coalesce(max(id), 0) FROM {table}")
        new = self._last_ids[table] = last + 1
        columns, places = ", ".join(("id", *values)), ", ".join("?" * (1 + len(values)))
        self.db.execute(f"INSERT INTO {table} ({columns}) VALUES ({places})", (new, *values.values()))
        return new

    def rows(self, query: str, *values: object) -> list[sqlite3.Row]:
        return self.db.execute(query, values).fetchall()

    def row(self, query: str, *values: object) -> sqlite3.Row | None:
        return self.db.execute(query, values).fetchone()

    def value(self, query: str, *values: object):
        found = self.row(query, *values)
        return None if found is None else found[0]
