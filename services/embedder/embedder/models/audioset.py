"""The classes of AudioSet, from the table `audioset.csv` beside this file.

Ids, names, parents and restrictions are those of the AudioSet ontology (Gemmeke et al. 2017, "Audio Set: An
ontology and human-labeled dataset for audio events", published by Google under CC BY-SA 4.0);
`cnn14_index` is the place of a class in the output of PANNs' CNN14 (Kong et al. 2020).
"""

import csv
from pathlib import Path

_TABLE = Path(__file__).with_name("audioset.csv")
_VOICES = ("Speech", "Shout", "Whispering", "Chatter", "Hubbub, speech noise, speech babble")
"""Where in the ontology people talk: in these classes and in all below them."""


def cnn14_class_names() -> tuple[str, ...]:
    """The 527 names in the order of CNN14's output."""
    rows = [row for row in _rows() if row["cnn14_index"]]
    return tuple(row["name"] for row in sorted(rows, key=lambda row: int(row["cnn14_index"])))


def speech_names() -> frozenset[str]:
    """Classes in which people may be understood or known by the voice: docs/privacy.md has the reasons."""
    below: set[str] = set()
    names: set[str] = set()
    for row in _rows():  # a class comes after those above it
        if row["name"] in _VOICES or below & set(row["parents"].split()):
            below.add(row["mid"])
            names.add(row["name"])
    return frozenset(names)


def _rows() -> list[dict[str, str]]:
    with _TABLE.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))
