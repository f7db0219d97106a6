"""A look into a folder: its sound files, told by their content, and what else is there."""

import hashlib
import os
import re
import stat
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from escolta.audio import HEAD_BYTES, container_of, foreign
from escolta.hidden import is_hidden, leads_astray
from node_agent.recording.left_out import LeftOut, cannot_be_read, printable

_SOUND_SUFFIX = re.compile(
    r"\.(wave?|bwf|rf64|w64|aiff?|aifc|caf|au|snd|flac|ogg|oga|opus|mp3|m4a|aac|wma|amr|3gp|mka|wv|ape|w4v|wac)",
    re.IGNORECASE,
)
"""Who finds a file of such a name expects a sound: where it is none that is read, it is named."""


@dataclass(frozen=True)
class FoundFile:
    """A file that begins as a sound. `ends` is a digest of its first and last 4096 bytes."""

    path: str
    name: str
    size_bytes: int
    modified_ns: int
    ends: str


@dataclass
class Look:
    """What a folder holds: sounds sorted by name, what is left out by name, and counts of the rest.

    `others` are files that are no sound and are not named like one, `hidden` those whose name hides them.
    """

    sounds: list[FoundFile] = field(default_factory=list)
    left_out: list[LeftOut] = field(default_factory=list)
    others: int = 0
    hidden: int = 0


def look(folder: Path, now: datetime) -> Look:
    """Look at each file below `folder` once, whatever links lead to it.

    What cannot be read is left out by name, and the others are found. Raises OSError only where `folder`
    itself cannot be listed.
    """
    os.scandir(folder).close()
    looking = _Looking(str(folder), now)
    looking.through()
    looking.found.sounds.sort(key=lambda sound: Path(sound.path).relative_to(folder).parts)
    return looking.found


class _Looking:
    """One look. Links come after all else, so that what lies in the folder itself goes by its own name."""

    def __init__(self, root: str, now: datetime) -> None:
        self._root, self._now, self._real_root = root, now, Path(os.path.realpath(root))
        self._folders = deque([(root, os.path.realpath(root))])
        self._links: deque[str] = deque()
        self._seen = {os.path.realpath(root)}
        self.found = Look()

    def through(self) -> None:
        while self._folders or self._links:
            if self._folders:
                path, real = self._folders.popleft()
                for entry in self._entries(path):
                    self._meet(entry, os.path.join(real, entry.name))
            else:
                self._follow(self._links.popleft())

    def _entries(self, path: str) -> Iterator[os.DirEntry[str]]:
        try:
            with os.scandir(path) as entries:
                yield from sorted(entries, key=lambda entry: entry.name)
        except OSError as error:
            self._leave_out(path, cannot_be_read(f"the folder {self._name(path)}", error))

    def _meet(self, entry: os.DirEntry[str], real: str) -> None:
        if is_hidden(entry.name):
            self._pass_by(entry)
        elif entry.is_symlink():
            self._links.append(entry.path)
        else:
            self._take(entry.path, real)

    def _pass_by(self, entry: os.DirEntry[str]) -> None:
        if entry.is_dir(follow_symlinks=False):
            self._leave_out(
                entry.path, f"{self._name(entry.path)} is a hidden folder, a trash or a system's own."
            )
        else:
            self.found.hidden += 1

    def _follow(self, link: str) -> None:
        real = os.path.realpath(link)
        if real in self._seen:
            self._leave_out(link, f"{self._name(link)} is a link to what is played already.")
        elif os.path.isdir(real) and (why := leads_astray(Path(real), self._real_root)):
            self._leave_out(link, f"{self._name(link)} is a link to {why}.")
        else:
            self._take(link, real)

    def _take(self, path: str, real: str) -> None:
        """Note a folder to be gone through, or look at a file; `real` is its place without links."""
        try:
            status = os.stat(path)
            if real in self._seen:  # reached through a link to its folder, after a link to itself
                self._leave_out(path, f"{self._name(path)} is played already, under the name of a link.")
                return
            self._seen.add(real)
            if stat.S_ISDIR(status.st_mode):
                self._folders.append((path, real))
            elif stat.S_ISREG(status.st_mode):
                self._examine(path, status)
            else:
                self.found.others += 1
        except OSError as error:
            self._leave_out(path, cannot_be_read(self._name(path), error))

    def _examine(self, path: str, status: os.stat_result) -> None:
        head, tail = _ends(path)
        digest = hashlib.sha256(head + tail).hexdigest()
        if container_of(head):
            name = self._name(path)
            self.found.sounds.append(FoundFile(path, name, status.st_size, status.st_mtime_ns, digest))
        elif _SOUND_SUFFIX.fullmatch(Path(path).suffix):
            self._leave_out(path, f"{self._name(path)} {_no_sound(head)}", status.st_size, digest)
        else:
            self.found.others += 1

    def _leave_out(self, path: str, reason: str, size_bytes: int | None = None, content: str = "") -> None:
        self.found.left_out.append(LeftOut(self._name(path), reason, self._now, content, size_bytes))

    def _name(self, path: str) -> str:
        return printable(os.path.relpath(path, self._root))


def _ends(path: str) -> tuple[bytes, bytes]:
    """The first and the last `HEAD_BYTES` of a file. Raises OSError."""
    with open(path, "rb", buffering=0) as file:
        head = file.read(HEAD_BYTES)
        size = file.seek(0, os.SEEK_END)
        file.seek(max(0, size - HEAD_BYTES))
        return head, file.read(HEAD_BYTES)


def _no_sound(head: bytes) -> str:
    if not head:
        return "is empty: nothing was ever written to it, or its card has lost it."
    return f"is named like a sound and {foreign(head)}"
