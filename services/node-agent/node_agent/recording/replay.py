"""A folder of sound files, played as if it were recorded now."""

import asyncio
import logging
import os
from collections.abc import AsyncIterator, Sequence
from datetime import datetime, timedelta
from pathlib import Path, PurePosixPath

from escolta.clock import Clock
from escolta.errors import Misconfigured, Rejected, Transient
from node_agent.recording.cut import AUDIO_S, Piece, evidence, piece, pieces_of
from node_agent.recording.journal import Entry, Journal, SoundFile
from node_agent.recording.recorder import RecordedAudio

log = logging.getLogger("escolta.node-agent")
SUFFIXES = {".wav", ".flac", ".ogg"}


class Replay:
    """The `Recorder` that plays the WAV, FLAC and Ogg files of `folder` and of the folders in it, by name.

    The journal in `state` gives each file a start when it is first seen, so a replay that is broken off goes
    on at the same audio with the same ids. Files that come later are played when the iteration is begun
    again. `speed` is how many times faster than real time; 0: as fast as it goes.
    """

    def __init__(self, folder: Path, state: Path, clock: Clock, speed: float) -> None:
        if not folder.is_dir():
            raise Misconfigured(f"ESCOLTA_REPLAY_DIR: {folder} is not a folder")
        self._folder = folder.absolute()
        self._state = state
        self._clock = clock
        self._speed = speed

    async def audios(self) -> AsyncIterator[RecordedAudio]:
        """Play from where the journal is.

        1. Give the files that are new their places in time.
        2. Read the next audio; of a file that is broken, the file itself, so that it gets into the
           quarantine list with its reason.
        3. Wait until its time has come, and give it away.
        4. Asked for the next one, move the journal on: the last one is safe.
        """
        journal = await asyncio.to_thread(self._planned)
        begun, played = self._clock.now(), 0
        while step := journal.next():
            entry, index = step
            read = await asyncio.to_thread(self._read, entry, index)
            if read:
                played += 1
                await self._wait(begun, played, entry.start_of(index + 1))
                yield self._audio(entry, index, read)
            broken = read is None or read.samples == 0
            await asyncio.to_thread(journal.advance, past_the_file=broken)

    def _planned(self) -> Journal:
        journal = Journal(self._state)
        if new := _measured(journal.unplanned(self._files())):
            journal.plan(new, self._clock.now(), self._speed)
            audios = sum(audios for _, audios in new)
            log.info("%s: %d files to play, which make %d audios", self._folder, len(new), audios)
        elif not journal.entries:
            log.warning("%s: there is no WAV, FLAC or Ogg file to play", self._folder)
        return journal

    def _files(self) -> list[SoundFile]:
        """The sound files that are there now, folder by folder, sorted by name."""
        paths = [path for path in self._folder.rglob("*") if path.suffix.lower() in SUFFIXES]
        return [
            SoundFile(str(path), _printable(path.relative_to(self._folder)), path.stat().st_size)
            for path in sorted(paths, key=lambda path: path.relative_to(self._folder).parts)
            if path.is_file() and not path.name.startswith(".")
        ]

    def _read(self, entry: Entry, index: int) -> Piece | None:
        """The sound of one audio; the file as it is, with no samples, if it is broken; None if it is gone."""
        path = Path(entry.file.path)
        try:
            if path.stat().st_size != entry.file.size_bytes:
                log.warning("%s has changed since it was found: it is played anew, later", path)
                return None
            read = piece(path, index)
        except FileNotFoundError:
            self._require_the_folder()
            log.error("%s is gone: what was not yet played of it is left out", path)
            return None
        except Rejected as error:
            log.error("%s; the file goes to the quarantine list as it is", error)
            return evidence(path)
        if read.samples < read.promised:
            log.warning("%s is cut short: %d of %d samples", path, read.samples, read.promised)
        return read

    def _require_the_folder(self) -> None:
        """A file that is gone is left out; but when all of them are, a disk may have been unplugged."""
        if not self._folder.is_dir() or not any(self._folder.iterdir()):
            raise Transient(f"{self._folder} is empty or gone: the replay goes on when its files are back")

    async def _wait(self, begun: datetime, played: int, end: datetime) -> None:
        """Until the end of the slot, in the time of the replay; and never report what is still to come."""
        due = end
        if self._speed:
            due = max(end, begun + timedelta(seconds=AUDIO_S * played / self._speed))
        await self._clock.sleep((due - self._clock.now()).total_seconds())

    def _audio(self, entry: Entry, index: int, read: Piece) -> RecordedAudio:
        return RecordedAudio(
            start=entry.start_of(index),
            samples=read.samples,
            rate_hz=read.rate_hz,
            channels=read.channels,
            bits_per_sample=read.bits,
            file_name=_file_name(entry, index, read),
            suffix=read.suffix,
            data=read.data,
        )


def _measured(files: Sequence[SoundFile]) -> list[tuple[SoundFile, int]]:
    """Each file with the number of its audios; a file that cannot be opened is left for the next time."""
    measured = []
    for file in files:
        try:
            measured.append((file, pieces_of(Path(file.path))))
        except OSError as error:
            log.error("%s is left out until it can be opened: %s", file.path, error.strerror)
    return measured


def _file_name(entry: Entry, index: int, read: Piece) -> str:
    """The name within the folder; an audio cut from a longer file adds the second at which it begins."""
    if entry.audios == 1 or read.samples == 0:
        return entry.file.name
    return f"{PurePosixPath(entry.file.name).with_suffix('')}_{index * AUDIO_S:05d}s.{read.suffix}"


def _printable(name: Path) -> str:
    """The name for other people's eyes: bytes that are not UTF-8 cannot travel in JSON."""
    return os.fsencode(name.as_posix()).decode("utf-8", errors="replace")
