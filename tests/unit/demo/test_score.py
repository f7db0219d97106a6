"""The score in the demo's last line."""

import pytest

from escolta.truth import Truth
from escolta_demo.score import macro_f1

TRUTH = Truth({"quay/day.flac": "rain", "gull.wav": "gull"})


def said(**classes: str) -> list[dict[str, str]]:
    return [{"file_name": name, "predicted_class": found} for name, found in classes.items()]


def test_an_audio_cut_from_a_longer_file_is_scored_by_that_files_class():
    cut = {"quay/day_00000s.flac": "rain", "quay/day_00010s.flac": "gull"}
    assert macro_f1(said(**cut), TRUTH.category_of) == pytest.approx(2 / 3)
    assert macro_f1(said(**cut, **{"gull.wav": "rain"}), TRUTH.category_of) == pytest.approx(1 / 4)


def test_files_that_the_truth_does_not_know_are_left_out():
    assert macro_f1(said(**{"gull.wav": "gull", "else.wav": "rain"}), TRUTH.category_of) == 1.0


def test_there_is_no_score_where_the_truth_knows_none_of_the_files():
    assert macro_f1(said(**{"else.wav": "rain"}), TRUTH.category_of) is None
    assert macro_f1([], TRUTH.category_of) is None


def test_a_class_that_a_labeler_spelled_otherwise_is_the_same():
    assert macro_f1(said(**{"gull.wav": "Gull"}), TRUTH.category_of) == 1.0
