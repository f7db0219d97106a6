"""How good the loop has become: the committee's classifier against the truth, on what nobody labeled."""

from collections.abc import Mapping, Sequence


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
