"""Names that people give to classes, groups and each other: one rule, whoever types or reads them in."""

import unicodedata
from collections.abc import Iterable

LONGEST = 80
"""The most characters of a name, counted once it is tidy."""

JOINERS = "\u200c\u200d"
"""Zero-width (non-)joiners: emoji and Persian words are written with them."""

_UNSEEN = ("Cc", "Cf", "Co", "Cs", "Zl", "Zp")


def tidy_name(text: str) -> str:
    """The name as it is kept and compared: composed (NFC), with single plain spaces and nothing unseen.

    A no-break space becomes a plain one. What has neither ink nor width is left out, but for joiners between
    characters. Capitals stay as they are. Raises ValueError, with what is wrong, for a name of nothing, of
    more than 80 characters, or with a line break or another control character.
    """
    for character in text.strip():
        if unicodedata.category(character) in ("Cc", "Co", "Cs", "Zl", "Zp"):
            raise ValueError(
                f"it holds {_described(character)}: a name has no line breaks or control characters"
            )
    seen = "".join(character for character in text if _is_written(character))
    name = " ".join(unicodedata.normalize("NFC", seen).split()).strip(f" {JOINERS}")
    if not name:
        raise ValueError("it is empty: a name has one character at least")
    if len(name) > LONGEST:
        raise ValueError(f"it has {len(name)} characters: a name has {LONGEST} at most")
    return name


def same_name(name: str, known: Iterable[str]) -> str | None:
    """The one of `known` that is `name`: as it is written, else whatever its capitals and its composition."""
    known = list(known)
    if name in known:
        return name
    return next((it for it in known if folded(it) == folded(name)), None)


def folded(name: str) -> str:
    """For canonical caseless matching, as the Unicode Standard has it (D145)."""
    return unicodedata.normalize("NFD", unicodedata.normalize("NFD", name).casefold())


def on_screen(text: str) -> str:
    """What a terminal may show: whatever would move it, color it or turn its writing round is replaced."""
    return "".join(
        "\ufffd" if unicodedata.category(character) in _UNSEEN and character not in JOINERS else character
        for character in text
    )


def _is_written(character: str) -> bool:
    tag_of_a_flag = "\U000e0020" <= character <= "\U000e007f"
    return unicodedata.category(character) != "Cf" or character in JOINERS or tag_of_a_flag


def _described(character: str) -> str:
    known = {"\n": "a line break", "\r": "a line break", "\t": "a tab"}
    return known.get(character, f"the character U+{ord(character):04X}")
