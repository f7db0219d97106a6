"""What the replay remembers: when each file begins, and how far the playing has come.

Two files keep it, beside the spool:
    replay.jsonl   a line a file, in the order of playing; it is written before the first of them is played
    replay.json    the place of the next audio
"""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from pathlib import Path

from escolta.disk import write_whole
from node_agent.recording.cut import AUDIO_S


@dataclass(frozen=True)
class SoundFile:
    """A file to be played: path, name within its folder, size. Another size is another file."""

    path: str
    name: str
    size_bytes: int


@dataclass(frozen=True)
class Entry:
    """A file with its place in time: its audio `k` begins at `start` + `k` times 10 s."""

    file: SoundFile
    audios: int
    start: datetime

    def start_of(self, index: int) -> datetime:
        """The UTC time of the first sample of audio `index`."""
        return self.start + timedelta(seconds=AUDIO_S * index)

    @property
    def end(self) -> datetime:
        return self.start_of(self.audios)

    def line(self) -> str:
        """The entry as a line of JSON; file names that are not UTF-8 survive in it."""
        return json.dumps(asdict(self) | {"start": self.start.isoformat()}) + "\n"

    @classmethod
    def of(cls, line: str) -> "Entry":
        fields = json.loads(line)
        start = datetime.fromisoformat(fields["start"])
        return cls(SoundFile(**fields["file"]), fields["audios"], start)


class Journal:
    """The plan of a replay and its progress, both safe on disk. The verbs block on the disk."""

    def __init__(self, folder: Path) -> None:
        """Read what an earlier run left in `folder`, which exists."""
        self._plan_path, self._place_path = folder / "replay.jsonl", folder / "replay.json"
        self.entries: list[Entry] = []
        self._entry, self._audio = 0, 0
        if self._plan_path.exists():
            self.entries = [Entry.of(line) for line in self._plan_path.read_text("utf-8").splitlines()]
        if self.entries and self._place_path.exists():
            place = json.loads(self._place_path.read_bytes())
            self._entry, self._audio = place["entry"], place["audio"]

    def unplanned(self, files: Sequence[SoundFile]) -> list[SoundFile]:
        """Those of `files` that have no place in time yet."""
        known = {(entry.file.path, entry.file.size_bytes) for entry in self.entries}
        return [file for file in files if (file.path, file.size_bytes) not in known]

    def plan(self, files: Sequence[tuple[SoundFile, int]], now: datetime, speed: float) -> None:
        """Give files, each with its number of audios, their places in time, and keep them.

        They lie one after the other, in slots of 10 s.
        """
        start = _beginning(self.entries, sum(audios for _, audios in files), now, speed)
        for file, audios in files:
            self.entries.append(Entry(file, audios, start))
            start = self.entries[-1].end
        write_whole(self._plan_path, "".join(entry.line() for entry in self.entries).encode())

    def next(self) -> tuple[Entry, int] | None:
        """The file and the number in it of the audio that is played next; None at the end."""
        if self._entry == len(self.entries):
            return None
        return self.entries[self._entry], self._audio

    def advance(self, past_the_file: bool = False) -> None:
        """Go on to the next audio, or to the next file, and keep that."""
        self._audio += 1
        if past_the_file or self._audio == self.entries[self._entry].audios:
            self._entry, self._audio = self._entry + 1, 0
        place = {"entry": self._entry, "audio": self._audio}
        write_whole(self._place_path, json.dumps(place).encode())


def _beginning(entries: Sequence[Entry], audios: int, now: datetime, speed: float) -> datetime:
    """Where a row of `audios` slots begins, so that none ends after the moment of its playing (ours).

    Played s times faster than real time, a row of length L is through after L/s: it begins L - L/s ago; as
    fast as it goes: L ago; in real time or slower: now. Where earlier rows are in the way, it ends where the
    first of them begins: a node records one sound at a time, and none in the future.
    """
    length = timedelta(seconds=AUDIO_S * audios)
    ago = length if speed == 0 else max(timedelta(), length - length / speed)
    start = (now - ago).replace(microsecond=0)
    if entries:
        first, last = min(entry.start for entry in entries), max(entry.end for entry in entries)
        if start < last and start + length > first:
            start = first - length
    return start
