"""What the replay remembers, in `replay.sqlite` beside the spool: which sounds it knows, and how far each is.

A sound is told by its content: it is played once, under whatever path, and a path may come to hold another.
"""

import os
import sqlite3
import threading
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import NamedTuple

from node_agent.recording import clock_followed, left_out_list
from node_agent.recording.cut import AUDIO_S
from node_agent.recording.dating import Dating
from node_agent.recording.folder import FoundFile
from node_agent.recording.journal_schema import from_us, opened, to_us
from node_agent.recording.left_out import LeftOut
from node_agent.recording.starts import SLOT_US, way_to_free
from node_agent.recording.times import OF_THE_REPLAY, SaidTime

_COLUMNS = (
    "number, path, name, size_bytes, modified_ns, ends, identity, audios, start_us, time_source,"
    " begun, played"
)


@dataclass(frozen=True)
class Sound:
    """A file to be played: its audio `k` begins at `start` + `k` times 10 s. `played` audios are safe.

    `ends` and `modified_ns` are None as an earlier version left it, `identity` until the whole file was read.
    """

    number: int
    path: str
    name: str
    size_bytes: int
    modified_ns: int | None
    ends: str | None
    identity: str | None
    audios: int
    start: datetime
    time_source: str
    begun: bool
    played: int

    def start_of(self, index: int) -> datetime:
        """The UTC time of the first sample of audio `index`."""
        return self.start + timedelta(seconds=AUDIO_S * index)

    @property
    def rest_from_s(self) -> float | None:
        """The second of the file at which what is left of it begins; None where that is all of it."""
        return float(AUDIO_S * self.played) if self.played else None


class Sighting(NamedTuple):
    """What a path was when it was last seen, the number of its sound, and the path that that is read from."""

    size_bytes: int
    modified_ns: int | None
    ends: str | None
    number: int
    played_from: str


@dataclass(frozen=True)
class NewSound:
    """A file that is new, with the number of its audios by its header, and when it says that it was recorded.

    Its `identity` is None where it was not yet read to its end.
    """

    file: FoundFile
    identity: str | None
    audios: int
    time: SaidTime


class Journal:
    """The sounds and their progress, safe on disk when a verb returns.

    The verbs block on the disk and may be called from any thread.
    """

    def __init__(self, folder: Path) -> None:
        """Open what an earlier run left in `folder`, which exists."""
        self._db = opened(folder)
        self._mutex = threading.RLock()

    def sightings(self) -> dict[str, Sighting]:
        """What was last seen at each path."""
        with self._open() as db:
            rows = db.execute(
                "SELECT paths.path, paths.size_bytes, paths.modified_ns, paths.ends, number, sounds.path"
                " FROM paths JOIN sounds USING (number)"
            ).fetchall()
        return {
            os.fsdecode(path): Sighting(size, modified, ends, number, os.fsdecode(played_from))
            for path, size, modified, ends, number, played_from in rows
        }

    def sound(self, number: int) -> Sound:
        return self._sounds("number = ?", number)[0]

    def is_like_one(self, file: FoundFile) -> bool:
        """Whether a known sound has the size and the ends of this file."""
        return bool(self._sounds("size_bytes = ? AND ends = ? LIMIT 1", file.size_bytes, file.ends))

    def unidentified(self, file: FoundFile) -> list[Sound]:
        """The sounds of this size and with these ends that were not yet read to their end."""
        return self._sounds("size_bytes = ? AND ends = ? AND identity IS NULL", file.size_bytes, file.ends)

    def identified(self, identity: str) -> Sound | None:
        """The sound that is known by this."""
        return next(iter(self._sounds("identity = ?", identity)), None)

    def waiting(self) -> list[Sound]:
        """The sounds that could not be read when their time came."""
        return self._sounds("waits")

    def identify(self, number: int, ends: str, identity: str) -> None:
        """Keep by what a sound is known."""
        with self._open() as db:
            db.execute("UPDATE sounds SET ends = ?, identity = ? WHERE number = ?", (ends, identity, number))

    def see(self, sightings: Iterable[tuple[FoundFile, int, bool]]) -> None:
        """Keep that each file is the sound of this number, and, where it was moved, that it is read there."""
        with self._open() as db:
            for file, number, moved in sightings:
                path = os.fsencode(file.path)
                seen = (path, file.size_bytes, file.modified_ns, file.ends, number)
                db.execute("INSERT OR REPLACE INTO paths VALUES (?, ?, ?, ?, ?)", seen)
                if moved:
                    place = (path, file.modified_ns, number)
                    db.execute("UPDATE sounds SET path = ?, modified_ns = ? WHERE number = ?", place)

    def plan(self, new: Sequence[NewSound], now: datetime, speed: float) -> None:
        """Add new sounds. Those that say no time lie one after the other, in slots of 10 s."""
        slots = sum(sound.audios for sound in new if sound.time.start is None)
        free = self._beginning(slots, now, speed)
        with self._open() as db:
            for sound in new:
                start = sound.time.start or free
                if sound.time.start is None:
                    free += timedelta(seconds=AUDIO_S * sound.audios)
                file = sound.file
                path, seen = os.fsencode(file.path), (file.size_bytes, file.modified_ns, file.ends)
                added = db.execute(
                    "INSERT INTO sounds (path, name, size_bytes, modified_ns, ends, identity, audios,"
                    " start_us, time_source) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                    (path, file.name, *seen, sound.identity, sound.audios, to_us(start), sound.time.source),
                )
                db.execute(
                    "INSERT OR REPLACE INTO paths VALUES (?, ?, ?, ?, ?)", (path, *seen, added.lastrowid)
                )

    def _beginning(self, slots: int, now: datetime, speed: float) -> datetime:
        """Where a row of slots begins, so that none ends after the moment of its playing (ours).

        Played s times faster than real time, a row of length L is through after L/s: it begins L - L/s ago;
        as fast as it goes: L ago; in real time or slower: now. Where earlier rows are in the way, it ends
        where the first of them begins: as if recorded, one sound at a time, and none in the future.
        """
        length = timedelta(seconds=AUDIO_S * slots)
        ago = length if speed == 0 else max(timedelta(), length - length / speed)
        start = (now - ago).replace(microsecond=0)
        first, last = self._row(
            f"SELECT min(start_us), max(start_us + audios * {SLOT_US}) FROM sounds"
            " WHERE time_source LIKE ? || '%'",
            OF_THE_REPLAY,
        )
        if first is not None and to_us(start) < last and to_us(start + length) > first:
            start = from_us(first).replace(microsecond=0) - length
        return start

    def follow_clock(self, dating: Dating, now: datetime) -> timedelta | None:
        """Put right what the replay has dated, if the clock was; returns by how much."""
        with self._open() as db:
            return clock_followed.follow(db, dating, now)

    def next(self) -> Sound | None:
        """The sound that is played next; None when none is left."""
        return next(iter(self._sounds("played < audios AND NOT waits ORDER BY number LIMIT 1")), None)

    def begin(self, sound: Sound, identity: str, audios: int) -> None:
        """Fix start and number of audios of a sound.

        No two audios of a node may begin at the same moment, for their ids come from it: where another sound
        has these, this one is moved on by as many microseconds as it takes.
        """
        start = to_us(sound.start)
        with self._open() as db:
            moved = way_to_free(db, start, audios)
            db.execute(
                "UPDATE sounds SET identity = ?, audios = ?, start_us = ?, moved_us = ?, begun = 1"
                " WHERE number = ?",
                (identity, audios, start + moved, moved, sound.number),
            )

    def advance(self, sound: Sound) -> None:
        """One more audio of this sound is safe."""
        with self._open() as db:
            db.execute("UPDATE sounds SET played = played + 1 WHERE number = ?", (sound.number,))

    def postpone(self, sound: Sound, left_out: Iterable[LeftOut]) -> None:
        """Go on with the next sound: what is left of this one is played when a later look can read it."""
        with self._open() as db:
            db.execute("UPDATE sounds SET waits = 1 WHERE number = ?", (sound.number,))
            left_out_list.add(db, left_out)

    def skip(self, sound: Sound, left_out: Iterable[LeftOut]) -> None:
        """Be done with this sound: what is left of it cannot be had."""
        with self._open() as db:
            db.execute("UPDATE sounds SET audios = played WHERE number = ?", (sound.number,))
            left_out_list.add(db, left_out)

    def resume(self, sound: Sound) -> None:
        with self._open() as db:
            db.execute("UPDATE sounds SET waits = 0 WHERE number = ?", (sound.number,))

    def leave_out(self, found: Iterable[LeftOut]) -> None:
        """Keep what is left out; what is there with the same reason stays as it is."""
        with self._open() as db:
            left_out_list.add(db, found)

    def take_after_all(self, read: Collection[tuple[str, str]], now: datetime) -> None:
        """What was left out under these names and contents could be read now."""
        with self._open() as db:
            left_out_list.take_after_all(db, read, now)

    def left_out(self) -> list[LeftOut]:
        """All that was left out so far, or is doubtful, in the order in which it was found."""
        with self._open() as db:
            return left_out_list.everything(db)

    def counts(self) -> tuple[dict[str, int], int, int]:
        """How many sounds have their time from where, how many were moved in time, and the audios of all."""
        of_sounds = "FROM sounds WHERE audios > 0"
        with self._open() as db:
            times = dict(
                db.execute(f"SELECT time_source, count(*) {of_sounds} GROUP BY 1 ORDER BY min(number)")
            )
            moved, audios = self._row(f"SELECT sum(moved_us > 0), sum(audios) {of_sounds}")
        return times, moved or 0, audios or 0

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        """The database, for this thread alone. What the block writes is written as a whole or not at all."""
        with self._mutex, self._db:
            yield self._db

    def _sounds(self, where: str, *values: object) -> list[Sound]:
        with self._open() as db:
            rows = db.execute(f"SELECT {_COLUMNS} FROM sounds WHERE {where}", values).fetchall()
        return [
            Sound(n, os.fsdecode(path), name, size, modified, ends, digest, audios, from_us(start), *rest)
            for n, path, name, size, modified, ends, digest, audios, start, *rest in rows
        ]

    def _row(self, query: str, *values: object) -> tuple:
        with self._open() as db:
            return db.execute(query, values).fetchone()
