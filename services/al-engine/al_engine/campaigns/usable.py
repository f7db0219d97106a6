"""What of a truth a campaign can use: a class has to be there to learn from and to test with."""

from collections import Counter, defaultdict

from escolta.errors import Misconfigured
from escolta.truth import Truth

FEWEST_AUDIOS = 2


def usable(truth: Truth) -> tuple[Truth, list[str]]:
    """The truth without the classes of one audio, or of one fold where there are folds; why, a sentence each.

    Raises `Misconfigured` where fewer than two classes, or fewer than two folds, are left.
    """
    audios = Counter(truth.categories.values())
    folds = defaultdict[str, set[int]](set)
    for name, fold in truth.folds.items():
        folds[truth.categories[name]].add(fold)
    left_out = {}
    for name, count in sorted(audios.items()):
        if count < FEWEST_AUDIOS:
            left_out[name] = "it has one audio, and needs one to learn from and one to test with"
        elif len(folds[name]) == 1:
            left_out[name] = f"all of it is in fold {min(folds[name])}, so nothing else could teach it"
    if len(audios) - len(left_out) < 2:
        reasons = [f"; {name} is left out: {reason}" for name, reason in left_out.items()]
        raise Misconfigured(
            f"a campaign needs two classes or more to tell apart, and here are {', '.join(sorted(audios))}"
            f"{''.join(reasons[:5])}"
        )
    usable = truth.only({name for name, category in truth.categories.items() if category not in left_out})
    if usable.folds and len(set(usable.folds.values())) < 2:
        raise Misconfigured("all audios are in one fold: give two folds or more, or no column fold")
    return usable, [f"class {name} is left out: {reason}" for name, reason in left_out.items()]
