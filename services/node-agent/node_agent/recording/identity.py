"""Which of the files in a folder are known sounds, wherever they lie now: a sound is told by its content."""

import hashlib
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import soundfile

from node_agent.recording.folder import FoundFile
from node_agent.recording.journal import Journal, Sound

_BLOCK_SAMPLES = 1 << 16


def sha256_of(path: str) -> str:
    """The digest of all of a file's bytes. Raises OSError."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@dataclass
class Identified:
    """The files of a look: those that are new; copies, each with the name of what it is a copy of; and those
    that could not be read to their end."""

    new: list[FoundFile] = field(default_factory=list)
    copies: list[tuple[FoundFile, str]] = field(default_factory=list)
    unread: list[tuple[FoundFile, OSError]] = field(default_factory=list)


def identify(found: list[FoundFile], journal: Journal) -> Identified:
    """Tell known from new, and keep where the known ones lie now.

    1. Size, time of change, and both ends are what they were at this path: it is the same file.
    2. Another sound has its size and its ends: the digest of all its bytes decides.
    3. It is new. Read to its end it is only when it is played.
    """
    return _Identifying(found, journal).all()


class _Identifying:
    def __init__(self, found: list[FoundFile], journal: Journal) -> None:
        self._found = {file.path: file for file in found}
        self._journal = journal
        self._sightings = journal.sightings()
        self._new: dict[tuple[int, str], list[FoundFile]] = {}
        self._sha256, self._silent = cache(sha256_of), cache(_is_silent)
        self.identified = Identified()

    def all(self) -> Identified:
        for file in self._found.values():
            try:
                self._place(file)
            except OSError as error:
                self.identified.unread.append((file, error))
        return self.identified

    def _place(self, file: FoundFile) -> None:
        seen = self._sightings.get(file.path)
        if seen and seen[:3] == (file.size_bytes, file.modified_ns, file.ends):
            if seen.played_from != file.path:
                self._place_again(file, self._journal.sound(seen.number))
        elif seen and seen.ends is None and seen.size_bytes == file.size_bytes:  # by an earlier version
            self._journal.identify(seen.number, file.ends, self._sha256(file.path))
            self._journal.see(file, seen.number, moved=True)
        elif known := self._among_known(file):
            self._place_again(file, known)
        elif original := self._among_new(file):
            self.identified.copies.append((file, original.name))
        else:
            self._new.setdefault((file.size_bytes, file.ends), []).append(file)
            self.identified.new.append(file)

    def _place_again(self, file: FoundFile, sound: Sound) -> None:
        """A file that is a known sound is a copy, unless the sound is no longer where it was."""
        is_copy = file.path != sound.path and self._is_at(sound)
        self._journal.see(file, sound.number, moved=not is_copy)
        if is_copy:
            self.identified.copies.append((file, self._found[sound.path].name))

    def _among_known(self, file: FoundFile) -> Sound | None:
        for sound in self._journal.alike(file):
            if sound.sha256 is None and self._is_at(sound):
                self._journal.identify(sound.number, file.ends, self._sha256(sound.path))
                sound = self._journal.sound(sound.number)
            elif sound.sha256 is None and not sound.begun:
                return sound  # moved before its turn: nothing of it was played, so nothing can come twice
            if sound.sha256 == self._sha256(file.path) and self._same_name_or_sound(file, sound.path):
                return sound
        return None

    def _among_new(self, file: FoundFile) -> FoundFile | None:
        for other in self._new.get((file.size_bytes, file.ends), ()):
            same = self._sha256(other.path) == self._sha256(file.path)
            if same and self._same_name_or_sound(file, other.path):
                return other
        return None

    def _same_name_or_sound(self, file: FoundFile, path: str) -> bool:
        """Digital silence is the same whenever it was recorded: there only the file's own name tells."""
        return Path(file.path).name == Path(path).name or not self._silent(file.path)

    def _is_at(self, sound: Sound) -> bool:
        """Whether the file that the sound is read from is there, unchanged."""
        there = self._found.get(sound.path)
        known = (sound.size_bytes, sound.modified_ns, sound.ends)
        return there is not None and (there.size_bytes, there.modified_ns, there.ends) == known


def _is_silent(path: str) -> bool:
    """Whether no sample differs from the first one."""
    try:
        with open(path, "rb") as stream, soundfile.SoundFile(stream.fileno(), closefd=False) as file:
            first = file.read(1, dtype="int32", always_2d=True)
            return all(
                (block == first).all() for block in file.blocks(_BLOCK_SAMPLES, dtype="int32", always_2d=True)
            )
    except soundfile.LibsndfileError:
        return False
