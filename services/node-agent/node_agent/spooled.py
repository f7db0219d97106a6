"""What lies in the folder of waiting audios: all of it seen without opening any, and one of them opened."""

import errno
import hashlib
import os
from pathlib import Path, PurePosixPath
from typing import NamedTuple
from uuid import UUID

from escolta.disk import PART
from node_agent.refused import id_of


class Spooled(NamedTuple):
    """What is remembered of an audio that waits: its sound's file in the folder, and how large that is.

    `is_new`: it was put since the folder was opened.
    """

    sound: str
    size_bytes: int
    is_new: bool = False


def sound_of(path: Path, sha256: str) -> bytes:
    """The bytes of a sound. Raises OSError, also where the disk gives others than it was given."""
    data = path.read_bytes()
    if hashlib.sha256(data).hexdigest() != sha256:
        raise OSError(errno.EIO, "the bytes are not those that it was given")
    return data


def listed(folder: Path) -> tuple[list[UUID], dict[str, Spooled], list[Path]]:
    """The notes, oldest first; the sounds by the names of their notes; notes that no audio's id names.

    Unfinished files are removed.
    """
    notes, sounds, strange = [], {}, []
    with os.scandir(folder) as entries:
        for entry in entries:
            name, path = PurePosixPath(entry.name), Path(entry.path)
            if name.suffix == PART:
                path.unlink()
            elif name.suffix != ".json":
                sounds[name.stem] = Spooled(entry.name, entry.stat().st_size)
            elif audio_id := id_of(name.stem):
                notes.append((entry.stat(follow_symlinks=False).st_mtime_ns, audio_id))
            else:
                strange.append(path)
    return [audio_id for _, audio_id in sorted(notes)], sounds, strange
