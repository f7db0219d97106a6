"""What an object store is: four verbs, and what a key may be."""

import re
from typing import Protocol

from escolta.errors import Rejected
from escolta.fields import KEY_CHARS

_NAME = r"[A-Za-z0-9_][A-Za-z0-9._-]{0,199}"
_KEY = re.compile(rf"{_NAME}(/{_NAME})*")


class Objects(Protocol):
    """Four verbs on whole objects.

    A key is made of a content hash or a UUID, so a blind repeat of a `put` is harmless; nobody changes an
    object. It consists of names joined by `/`; a name has letters, digits, `.`, `_` and `-`, and does not
    begin with `.` or `-`. Any other key is `Rejected`. No key may be the folder of another one.

    Every verb may be repeated. A store that cannot be reached or has trouble of its own is `Transient`, after
    a few quick attempts; refused credentials are `Misconfigured`. A `put` that returned is safe on disk; one
    that failed leaves the old object or the new one, never a part.
    Call the verbs from the tasks of one event loop, any number at once: the work is done in a bounded number
    of threads. A cancelled verb may still take effect.
    """

    async def put(self, key: str, data: bytes) -> None: ...

    async def get(self, key: str) -> bytes:
        """The object's bytes; `ObjectMissing` if there is none."""
        ...

    async def size(self, key: str) -> int | None:
        """The object's size in bytes; None if there is none."""
        ...

    async def delete(self, key: str) -> None:
        """Remove the object, if there is one."""
        ...


def check_key(key: str) -> str:
    """`key` itself; `Rejected` if it is none, for keys come in events, from outside."""
    if len(key) > KEY_CHARS or not _KEY.fullmatch(key):
        raise Rejected(
            f"{key[:KEY_CHARS]!r} is not an object key: at most {KEY_CHARS} characters, names of "
            "letters, digits, '.', '_' and '-' joined by '/', none of them beginning with '.' or '-'"
        )
    return key
