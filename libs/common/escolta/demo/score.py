"""How good the loop has become: the committee's classifier against the truth, on what nobody labeled."""

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path

from escolta.errors import Misconfigured


def read_truth(path: Path) -> dict[str, str]:
    """`filename` -> `category` of a CSV; other columns are ignored.

    Raises `Misconfigured` when one of the two columns is missing.
    """
    with path.open(newline="", encoding="utf-8-sig") as file:
        rows = csv.DictReader(file)
        if missing := {"filename", "category"} - set(rows.fieldnames or ()):
            raise Misconfigured(
                f"{path} has no column {sorted(missing)[0]!r}; it needs filename and category"
            )
        return {row["filename"]: row["category"] for row in rows}


def macro_f1(predictions: Sequence[Mapping[str, str]], truth: Mapping[str, str]) -> float | None:
    """Macro-F1 of `[{file_name, predicted_class}]`; None where the truth names none of the files."""
    from sklearn.metrics import f1_score

    known = [entry for entry in predictions if entry["file_name"] in truth]
    if not known:
        return None
    expected = [truth[entry["file_name"]] for entry in known]
    predicted = [entry["predicted_class"] for entry in known]
    return float(
        f1_score(expected, predicted, average="macro", zero_division=0, labels=sorted(set(expected)))
    )
