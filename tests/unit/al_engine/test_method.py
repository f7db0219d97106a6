"""The method of a selection is pinned: a change that gives other proposals may not go unnoticed."""

import os
import subprocess
import sys

import numpy as np
import pytest
from unit.al_engine.vectors import clustered, ids

from al_engine.iterations.inputs import METHOD
from al_engine.method.selection import SelectionSettings, select_batch

GOLDEN: dict[tuple[int, str], list[int]] = {
    (0, "mal-mf"): [11, 49, 16, 12, 68, 23, 147, 32, 3, 9, 24, 27, 103, 36],
    (20, "mal-mf"): [51, 14, 12, 16, 68, 17, 147, 44, 35, 34, 71, 55, 103, 50],
    (20, "random"): [29, 12, 55, 73, 68, 71, 147, 1, 34, 21, 4, 17, 103, 31],
    (20, "uncertainty"): [25, 34, 14, 35, 68, 71, 147, 38, 42, 1, 55, 54, 103, 31],
    (20, "farthest"): [22, 14, 42, 12, 68, 48, 147, 16, 23, 17, 54, 51, 103, 25],
    (20, "mal-then-herding"): [25, 71, 14, 35, 68, 42, 147, 44, 54, 31, 34, 1, 103, 16],
    (0, "typical"): [65, 3, 40, 41, 68, 11, 147, 9, 12, 18, 66, 27, 103, 10],
    (20, "typical"): [9, 28, 52, 6, 68, 12, 147, 27, 44, 14, 16, 23, 103, 29],
}
"""Audios by rank for a number of medoids and a strategy, by method 1."""


@pytest.mark.parametrize(("medoids", "strategy"), GOLDEN)
def test_the_same_inputs_give_what_this_method_gave(medoids, strategy):
    rows, cluster = clustered(160 + medoids, 12, 6, seed=4, noise=0.7)
    found = select_batch(
        rows[medoids:],
        ids(160),
        cluster[medoids:] % 3,
        np.linspace(0.1, 0.9, 160),
        rows[:medoids],
        [f"class {number % 4}" for number in cluster[:medoids]],
        SelectionSettings(14, 70, strategy, 0.2, seed=11),
    )
    assert [proposal.audio_id.int for proposal in found.proposals] == GOLDEN[medoids, strategy], (
        "these inputs give other proposals than before: count METHOD up, then change this list, so that"
        " records of the old method are refused and not replayed wrongly"
    )


def test_the_pinned_proposals_are_of_this_method():
    assert METHOD == 1, "METHOD was counted up: change the pinned proposals above and the number here"


@pytest.mark.parametrize("kernels", ["Haswell", "Prescott"])
def test_a_processor_with_other_instructions_gives_the_same(kernels):
    """OpenBLAS has kernels for each kind of processor, which add in other orders, with and without FMA."""
    this = f"{__file__}::{test_the_same_inputs_give_what_this_method_gave.__name__}"
    there = os.environ | {"OPENBLAS_CORETYPE": kernels, "OPENBLAS_NUM_THREADS": "1"}
    done = subprocess.run([sys.executable, "-m", "pytest", this], env=there, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout
