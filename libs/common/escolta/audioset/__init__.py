"""The classes of AudioSet, from the table `audioset.csv` beside this file.

Ids, names, parents and restrictions are those of the AudioSet ontology (Gemmeke et al. 2017, "Audio Set: An
ontology and human-labeled dataset for audio events", published by Google under CC BY-SA 4.0);
`cnn14_index` is the place of a class in the output of PANNs' CNN14 (Kong et al. 2020).
"""

import csv
from dataclasses import dataclass
from pathlib import Path

_TABLE = Path(__file__).with_name("audioset.csv")


@dataclass(frozen=True)
class AudiosetClass:
    """One of the 632 classes. `parents`: ids of those right above it, several or none; `cnn14_index`: None
    for the 105 that CNN14 does not know."""

    mid: str
    name: str
    parents: tuple[str, ...]
    cnn14_index: int | None


def audioset_classes() -> list[AudiosetClass]:
    """All of them, in the order in which AudioSet has them."""
    with _TABLE.open(encoding="utf-8", newline="") as file:
        return [
            AudiosetClass(
                row["mid"],
                row["name"],
                tuple(row["parents"].split()),
                int(row["cnn14_index"]) if row["cnn14_index"] else None,
            )
            for row in csv.DictReader(file)
        ]
