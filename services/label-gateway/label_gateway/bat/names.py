"""What things of ours are called in BAT, which knows all of them by their names alone."""

import hashlib
import re
import unicodedata
from collections.abc import Set
from datetime import date
from uuid import UUID

LONGEST = 50
SAFE = re.compile(r"[A-Za-z_][A-Za-z0-9_-]{0,49}")
"""Other names are taken, and break BAT's pages: those of one person, of everybody, or for good."""


def class_name(name: str, taken: Set[str]) -> str:
    """A safe name for a class, like `name` as far as can be, and none of `taken` in whatever capitals.

    What BAT cannot have becomes `_`. Where that is another class's name already, or too long, a few digits of
    the real name's digest tell it apart: the same real name gets the same name again.
    """
    plain = _ascii(name, r"[^A-Za-z0-9_-]+", "_").strip("_") or "class"
    if not re.match(r"[A-Za-z_]", plain):
        plain = f"_{plain}"
    folded = {other.casefold() for other in taken}
    if len(plain) <= LONGEST and plain.casefold() not in folded:
        return plain
    digest = hashlib.sha256(name.encode()).hexdigest()
    for digits in range(6, 33):
        told_apart = f"{plain[: LONGEST - 1 - digits]}_{digest[:digits]}"
        if told_apart.casefold() not in folded:
            return told_apart
    raise ValueError(f"no name is left for the class {name!r}")


def project_name(iteration_id: UUID, proposed: date, group_id: int, group: str) -> str:
    """A project: of 50 characters at most of a-z, 0-9 and -, and one of its own for each batch and group."""
    slug = _slug(group, 17) or "group"
    return f"{proposed.isoformat()}-{iteration_id.hex[:8]}-{slug}-g{group_id}"


def wav_name(audio_id: UUID, sha256: bytes) -> str:
    """A wav: unique in its project, since an audio is there once."""
    return f"{sha256[:8].hex()}-{audio_id.hex}.wav"


def _slug(text: str, longest: int) -> str:
    return _ascii(text.lower(), r"[^a-z0-9]+", "-").strip("-")[:longest].strip("-")


def _ascii(text: str, other: str, instead: str) -> str:
    """Letters without what is above or below them, and `instead` of whatever is `other`."""
    decomposed = unicodedata.normalize("NFKD", text)
    bare = "".join(character for character in decomposed if not unicodedata.combining(character))
    return re.sub(other, instead, bare)
