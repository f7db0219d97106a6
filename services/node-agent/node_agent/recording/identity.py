"""Which of the files in a folder are known sounds, wherever they lie now: a sound is told by its content."""

import hashlib
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from escolta.audio.files import open_sound
from escolta.errors import Rejected
from node_agent.recording.folder import FoundFile
from node_agent.recording.journal import Journal, Sound
from node_agent.recording.left_out import printable

_BLOCK_SAMPLES = 1 << 16


def identity_of(path: str) -> str:
    """By what a sound is known: the SHA-256 of its file, to which digital silence adds the file's own name.

    A recorder with a dead microphone writes the same silence night after night. Raises OSError.
    """
    with open(path, "rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return f"{digest} {printable(Path(path).name)}" if _is_silent(path) else digest


@dataclass
class Identified:
    """The files of a look: the new ones, with their identities where they were read for it; copies, each with
    the name of what it is a copy of; and those that could not be read to their end."""

    new: list[tuple[FoundFile, str | None]] = field(default_factory=list)
    copies: list[tuple[FoundFile, str]] = field(default_factory=list)
    unread: list[tuple[FoundFile, OSError]] = field(default_factory=list)


def identify(found: list[FoundFile], journal: Journal) -> Identified:
    """Tell known from new, and keep where the known ones lie now.

    1. Size, time of change, and both ends are what they were at this path: it is the same file.
    2. Another sound has its size and its ends: what all of its bytes say decides.
    3. It is new. Read to its end it is only when it is played.
    """
    return _Identifying(found, journal).all()


class _Identifying:
    def __init__(self, found: list[FoundFile], journal: Journal) -> None:
        self._found = {file.path: file for file in found}
        self._alike = Counter((file.size_bytes, file.ends) for file in found)
        self._journal = journal
        self._sightings = journal.sightings()
        self._new: dict[str, FoundFile] = {}
        self._seen: list[tuple[FoundFile, int, bool]] = []
        self._identified = Identified()

    def all(self) -> Identified:
        for file in self._found.values():
            try:
                self._place(file)
            except OSError as error:
                self._identified.unread.append((file, error))
        self._journal.see(self._seen)
        return self._identified

    def _place(self, file: FoundFile) -> None:
        seen = self._sightings.get(file.path)
        if seen and seen[:3] == (file.size_bytes, file.modified_ns, file.ends):
            if seen.played_from != file.path:
                self._place_again(file, self._journal.sound(seen.number))
        elif seen and seen.ends is None and seen.size_bytes == file.size_bytes:  # by an earlier version
            self._journal.identify(seen.number, file.ends, identity_of(file.path))
            self._seen.append((file, seen.number, True))
        elif (known := self._journal.is_like_one(file)) or self._alike[file.size_bytes, file.ends] > 1:
            self._compare(file, identity_of(file.path), known)
        else:
            self._identified.new.append((file, None))

    def _compare(self, file: FoundFile, identity: str, known: bool) -> None:
        """Look among the known sounds, and among the new ones, for this one."""
        if known and (sound := self._known(file, identity)):
            self._place_again(file, sound)
        elif original := self._new.get(identity):
            self._identified.copies.append((file, original.name))
        else:
            self._new[identity] = file
            self._identified.new.append((file, identity))

    def _place_again(self, file: FoundFile, sound: Sound) -> None:
        """A file that is a known sound is a copy, unless the sound is no longer where it was."""
        is_copy = file.path != sound.path and self._is_at(sound)
        self._seen.append((file, sound.number, not is_copy))
        if is_copy:
            self._identified.copies.append((file, self._found[sound.path].name))

    def _known(self, file: FoundFile, identity: str) -> Sound | None:
        for sound in self._journal.unidentified(file):
            if self._is_at(sound):
                self._journal.identify(sound.number, file.ends, identity_of(sound.path))
            elif not sound.begun:
                return sound  # moved before its turn: nothing of it was played, so nothing can come twice
        return self._journal.identified(identity)

    def _is_at(self, sound: Sound) -> bool:
        """Whether the file that the sound is read from is there, unchanged."""
        there = self._found.get(sound.path)
        known = (sound.size_bytes, sound.modified_ns, sound.ends)
        return there is not None and (there.size_bytes, there.modified_ns, there.ends) == known


def _is_silent(path: str) -> bool:
    """Whether no sample differs from the first one."""
    try:
        with open_sound(Path(path)) as sound:
            first = None
            while len(block := sound.file.read(_BLOCK_SAMPLES, dtype="int32", always_2d=True)):
                first = block[:1] if first is None else first
                if (block != first).any():
                    return False
            return first is not None  # of a damaged FLAC, nothing may be read
    except Rejected:
        return False
