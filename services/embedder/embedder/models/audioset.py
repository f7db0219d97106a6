"""What models need of the classes of AudioSet: their names, and which of them are speech."""

from escolta.audioset import audioset_classes

_VOICES = ("Speech", "Shout", "Whispering", "Chatter", "Hubbub, speech noise, speech babble")
"""Where in the ontology people talk: in these classes and in all below them."""


def cnn14_class_names() -> tuple[str, ...]:
    """The 527 names in the order of CNN14's output."""
    known = {it.cnn14_index: it.name for it in audioset_classes() if it.cnn14_index is not None}
    return tuple(known[index] for index in sorted(known))


def speech_names() -> frozenset[str]:
    """Classes in which people may be understood or known by the voice: docs/privacy.md has the reasons."""
    below: set[str] = set()
    names: set[str] = set()
    for it in audioset_classes():  # each of these comes after those above it
        if it.name in _VOICES or below & set(it.parents):
            below.add(it.mid)
            names.add(it.name)
    return frozenset(names)
