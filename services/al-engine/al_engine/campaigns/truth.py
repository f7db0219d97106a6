"""A labeled folder: its CSV of what sounds in each file."""

import csv
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from escolta.errors import Misconfigured


@dataclass(frozen=True)
class Truth:
    """`names` and `classes` `[audios]`, in the order of the file; `folds`: int `[audios]`, or None."""

    names: list[str]
    classes: NDArray[np.str_]
    folds: NDArray[np.intp] | None


def read_truth(path: Path) -> Truth:
    """Read a CSV with the columns `filename`, `category` and perhaps `fold`; others are left alone.

    Raises `Misconfigured` that names the line, or the class, with which no campaign can be run.
    """
    if not path.is_file():
        raise Misconfigured(f"--truth {path} is not a file: give a CSV with the columns filename, category")
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            table = csv.DictReader(file)
            missing = {"filename", "category"} - set(table.fieldnames or ())
            if missing:
                raise Misconfigured(
                    f"{path} has no column {' or '.join(sorted(missing))}: its first line must name them"
                )
            rows = [_checked(row, path, table.line_num) for row in table]
    except (UnicodeDecodeError, csv.Error) as error:
        raise Misconfigured(f"{path} is no CSV in UTF-8 ({error}): save it as one") from error
    names = [row["filename"] for row in rows]
    twice = [name for name, count in Counter(names).items() if count > 1]
    if twice:
        raise Misconfigured(f"{path} names {twice[0]} twice: an audio has one category here; keep one line")
    classes = np.array([row["category"] for row in rows], np.str_)
    truth = Truth(names, classes, _folds(rows, path) if "fold" in (table.fieldnames or ()) else None)
    _check_classes(truth, path)
    return truth


def _checked(row: dict[str, str], path: Path, line: int) -> dict[str, str]:
    for column in ("filename", "category"):
        row[column] = (row[column] or "").strip()
        if not row[column]:
            raise Misconfigured(f"{path}, line {line}: {column} is empty: fill it in, or delete the line")
    return row


def _folds(rows: list[dict[str, str]], path: Path) -> NDArray[np.intp]:
    try:
        return np.array([int(row["fold"]) for row in rows], np.intp)
    except (TypeError, ValueError) as error:
        raise Misconfigured(
            f"{path}: every fold must be a whole number ({error}), or there must be no column fold"
        ) from error


def _check_classes(truth: Truth, path: Path) -> None:
    counts = Counter(truth.classes.tolist())
    if len(counts) < 2:
        raise Misconfigured(f"{path} names {len(counts)} categories: a campaign needs two or more")
    for name, count in counts.items():
        if count < 2:
            raise Misconfigured(
                f"{path}: category {name!r} has one audio, and needs two, one to learn from and one to test"
                " with: add another, or delete its line"
            )
    if truth.folds is None:
        return
    if len(set(truth.folds.tolist())) < 2:
        raise Misconfigured(f"{path} has one fold: give two or more, or no column fold")
    for name in counts:
        folds = set(truth.folds[truth.classes == name].tolist())
        if len(folds) < 2:
            raise Misconfigured(
                f"{path}: category {name!r} is in fold {folds.pop()} alone: nobody could learn it when"
                " that fold is held out: spread it over the folds"
            )
