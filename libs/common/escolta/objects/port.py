"""What an object store is: six verbs, and what a key may be."""

import re
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Protocol

from escolta.errors import Rejected
from escolta.fields import KEY_CHARS, NOTE_CHARS

_NAME = r"[A-Za-z0-9_][A-Za-z0-9._-]{0,199}"
_KEY = re.compile(rf"{_NAME}(/{_NAME})*")
_NOTE = re.compile(r"[A-Za-z0-9_=-]*")

SETTING = "ESCOLTA_OBJECTS_URL"
"""What an adapter calls its address when it says what is wrong with it, unless it is told another name."""

GRANTED_S = 60
"""How long a grant is good for: a node that is struck off is out within a minute."""


@dataclass(frozen=True)
class Stored:
    """What a store says of an object without its bytes."""

    size_bytes: int
    note: str


@dataclass(frozen=True)
class Grant:
    """Leave to write one object once: where to PUT its bytes, and with which headers, exactly.

    An empty `url` means that the store is a folder: who is granted it writes with a `put` of its own.
    """

    url: str = field(repr=False)  # whoever has it may use it
    headers: dict[str, str]
    good_for_s: int = GRANTED_S


class Objects(Protocol):
    """Six verbs on whole objects, which are written once and never changed.

    A key consists of names joined by `/`; a name has letters, digits, `.`, `_` and `-`, and does not
    begin with `.` or `-`. Any other key is `Rejected`. No key may be the folder of another one.

    Every verb may be repeated. A store that cannot be reached or has trouble of its own is `Transient`, after
    a few quick attempts; refused credentials are `Misconfigured`. A `put` that returned is safe on disk; one
    that failed leaves the object or none, never a part.
    Call the verbs from the tasks of one event loop, any number at once: the work is done in a bounded number
    of threads. A cancelled verb may still take effect.
    """

    async def put(self, key: str, data: bytes, note: str = "") -> None:
        """Write an object, with its note (escolta.note). The same bytes again change nothing.

        Raises `Rejected` where the key has other bytes, and keeps those.
        """
        ...

    async def get(self, key: str) -> bytes:
        """The object's bytes; `ObjectMissing` if there is none."""
        ...

    async def head(self, key: str) -> Stored | None:
        """The object's size and note; None if there is none."""
        ...

    def keys(self, prefix: str) -> AsyncIterator[str]:
        """The keys that begin with `prefix`, page by page, in no order to rely on."""
        ...

    async def grant(self, key: str, size_bytes: int, sha256: str, note: str) -> Grant:
        """Leave for somebody else to write this object for `GRANTED_S`: these bytes with this note, once.

        Where there is an object already it is of no use: an object is written once.
        """
        ...

    async def delete(self, key: str) -> None:
        """Remove the object, if there is one."""
        ...

    async def aclose(self) -> None:
        """Close the connections to the store, in the loop that used them; a verb opens them again."""
        ...


def check_key(key: str) -> str:
    """`key` itself; `Rejected` if it is none, for keys come in events, from outside."""
    if len(key) > KEY_CHARS or not _KEY.fullmatch(key):
        raise Rejected(
            f"{key[:KEY_CHARS]!r} is not an object key: at most {KEY_CHARS} characters, names of "
            "letters, digits, '.', '_' and '-' joined by '/', none of them beginning with '.' or '-'"
        )
    return key


def check_note(note: str) -> str:
    """`note` itself; `Rejected` if a store could not keep it as it is."""
    if len(note) > NOTE_CHARS or not _NOTE.fullmatch(note):
        raise Rejected(f"an object's note has at most {NOTE_CHARS} letters, digits, '_', '-' and '='")
    return note
