"""The strategy `mal-then-herding`: its first batch, what counts as covered, and no trace of a cache."""

import numpy as np
from unit.al_engine.vectors import clustered, ids

from al_engine.exact.distances import KnownNearest, nearest
from al_engine.exact.vectors import unit_vectors
from al_engine.method.earlier import Earlier
from al_engine.method.selection import Selection, SelectionSettings, select_batch

N, MEDOIDS, DIM = 150, 12, 16


def propose(
    batch: int = 12,
    strategy: str = "mal-then-herding",
    medoids: int = MEDOIDS,
    known: KnownNearest | None = None,
    earlier: Earlier | None = None,
    classes: int = 3,
) -> Selection:
    rows, cluster = clustered(N + MEDOIDS, DIM, 6, seed=8)
    return select_batch(
        rows[MEDOIDS:],
        ids(N),
        np.zeros(N),
        np.linspace(0, 1, N),
        rows[:medoids],
        [f"class {number % classes}" for number in cluster[:medoids]],
        SelectionSettings(batch, 60, strategy, 0.1, seed=2),
        known,
        earlier,
    )


def vectors(selection: Selection) -> np.ndarray:
    rows = clustered(N + MEDOIDS, DIM, 6, seed=8)[0]
    return rows[[MEDOIDS + proposal.audio_id.int - 1 for proposal in selection.proposals]]


def test_the_first_batch_is_that_of_mal_mf():
    assert propose(medoids=0) == propose(medoids=0, strategy="mal-mf")


def test_kept_and_fresh_distances_propose_the_same():
    rows = clustered(N + MEDOIDS, DIM, 6, seed=8)[0]
    index, distance = nearest(unit_vectors(rows[MEDOIDS:]), unit_vectors(rows[: MEDOIDS - 3]))
    kept = KnownNearest(index, distance, np.arange(MEDOIDS - 3, MEDOIDS))
    assert propose(known=kept).proposals == propose().proposals


def test_with_one_class_only_everything_is_as_doubtful():
    proposals = propose(classes=1).proposals
    assert len(proposals) == 12
    assert {proposal.predicted_class for proposal in proposals} == {None}


def test_what_people_are_about_to_hear_is_covered():
    open_proposals = vectors(propose())
    again = Earlier(np.empty((0, DIM), np.float32), open_proposals)
    assert nearest_of(propose(earlier=again), open_proposals) > 0.05


def test_what_stayed_unresolved_is_covered():
    unresolved = vectors(propose())
    again = Earlier(unresolved, np.empty((0, DIM), np.float32))
    assert nearest_of(propose(earlier=again), unresolved) > 0.05


def nearest_of(selection: Selection, others: np.ndarray) -> float:
    """The least distance of what was chosen, and not drawn at random, to these others."""
    chosen = [not proposal.control for proposal in selection.proposals]
    return float(nearest(unit_vectors(vectors(selection)[chosen]), unit_vectors(others))[1].min())
