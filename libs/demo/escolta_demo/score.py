"""How good the loop has become: the committee's classifier against the truth, on what nobody labeled."""

from collections.abc import Callable, Mapping, Sequence

from escolta.names import folded


def macro_f1(
    predictions: Sequence[Mapping[str, str]], category_of: Callable[[str], str | None]
) -> float | None:
    """Macro-F1 of `[{file_name, predicted_class}]`; None where the truth knows none of the files.

    `category_of` a file name is its true class. Capitals make no other class: a labeler may have added `Low`
    before the truth came with `low`.
    """
    from sklearn.metrics import f1_score

    judged = [(category_of(entry["file_name"]), entry["predicted_class"]) for entry in predictions]
    known = [(folded(expected), folded(predicted)) for expected, predicted in judged if expected]
    if not known:
        return None
    expected, predicted = zip(*known, strict=True)
    return float(
        f1_score(expected, predicted, average="macro", zero_division=0, labels=sorted(set(expected)))
    )
