"""The classes of AudioSet, from the table `audioset.csv` beside this file.

Ids, names, parents and restrictions are those of the AudioSet ontology (Gemmeke et al. 2017, "Audio Set: An
ontology and human-labeled dataset for audio events", published by Google under CC BY-SA 4.0);
`cnn14_index` is the place of a class in the output of PANNs' CNN14 (Kong et al. 2020).
"""

import csv
from pathlib import Path

_TABLE = Path(__file__).with_name("audioset.csv")


def cnn14_class_names() -> tuple[str, ...]:
    """The 527 names in the order of CNN14's output."""
    with _TABLE.open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["cnn14_index"]]
    return tuple(row["name"] for row in sorted(rows, key=lambda row: int(row["cnn14_index"])))
