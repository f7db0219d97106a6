"""What a source has and does not give as sound, or gives with a doubt."""

import errno
import os
from dataclasses import dataclass
from datetime import datetime
from uuid import NAMESPACE_URL, uuid5

from escolta.events import SoundLeftOut

_NAMESPACE = uuid5(NAMESPACE_URL, "escolta:left-out")
Place = tuple[str, float | None, str]
"""Content, second and path: the same sound of the source has the same, whatever is said of it."""

_LONGEST_NAME = 980  # characters: an event may carry 1000, and a piece's name adds where it begins


@dataclass(frozen=True)
class LeftOut:
    """A file of the source, or its seconds `from_s` to `to_s`, and the reason in a sentence.

    `content` tells files of the same name apart; it is empty where nothing could be read. With `doubtful` the
    sound is taken all the same. `since` is when this was found.
    """

    file_name: str
    reason: str
    since: datetime
    content: str = ""
    size_bytes: int | None = None
    from_s: float | None = None
    to_s: float | None = None
    doubtful: bool = False

    @property
    def place(self) -> Place:
        return self.content, self.from_s, self.file_name

    def event(self, node: str) -> SoundLeftOut:
        """The event that tells of it; the same file and place give the same id."""
        key = f"{node}/{self.content}/{self.from_s}/{self.file_name}"
        return SoundLeftOut(
            left_out_id=uuid5(_NAMESPACE, key),
            node=node,
            file_name=self.file_name,
            reason=self.reason,
            from_s=self.from_s,
            to_s=self.to_s,
            size_bytes=self.size_bytes,
            doubtful=self.doubtful,
            at=self.since,
        )


def printable(relative: str) -> str:
    """A path within the source for other people's eyes; of a very long one, the end.

    Bytes that are not UTF-8 cannot travel in JSON.
    """
    name = os.fsencode(relative).decode("utf-8", errors="replace")
    return name if len(name) <= _LONGEST_NAME else "…" + name[1 - _LONGEST_NAME :]


def cannot_be_read(name: str, error: OSError) -> str:
    """The reason of a file or folder that the system does not let us read, in its own words."""
    code = errno.errorcode.get(error.errno or 0, "no errno")
    words = error.strerror or type(error).__name__
    return f"{name} cannot be read: {words} ({code}). It is tried again by itself."
