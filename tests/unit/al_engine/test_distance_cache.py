"""Distances kept between iterations: an answer for less, never another answer."""

from datetime import UTC, datetime

import numpy as np
import pytest
from unit.al_engine.vectors import clustered, ids

from al_engine.exact.audio_ids import by_id, ids_of
from al_engine.exact.distances import nearest
from al_engine.iterations import distance_cache
from al_engine.method.selection import SelectionSettings, Unlabeled, select
from escolta.events import Window

SAMPLES, MEDOIDS = 60, 12
ROWS, CLUSTER = clustered(SAMPLES + MEDOIDS, 16, 6, seed=1)
ALL_IDS = ids_of(ids(SAMPLES + MEDOIDS))


def iteration(samples: np.ndarray, medoids: np.ndarray, known: distance_cache.Distances | None = None):
    """Unlabeled audios `samples` and labeled ones `medoids`, rows of ROWS, each in order of audio id."""
    medoid_ids = ALL_IDS[medoids]
    unlabeled = Unlabeled(
        ALL_IDS[samples],
        np.zeros(len(samples), int),
        np.linspace(0, 1, len(samples)),
        lambda rows: ROWS[samples[rows]],
        lambda rows: known.of(ALL_IDS[samples[rows]], medoid_ids) if known else None,
    )
    classes = [f"class {number}" for number in CLUSTER[medoids]]
    chosen = select(unlabeled, ROWS[medoids], classes, SelectionSettings(8, 100, control_share=0.25))
    return chosen, distance_cache.distances_of(chosen.judged, unlabeled.ids, medoid_ids)


def rows(*parts: range) -> np.ndarray:
    found = np.concatenate([np.array(part) for part in parts])
    return found[by_id(ALL_IDS[found])]


def test_what_was_kept_changes_no_proposal_and_spares_all_but_the_new_medoids(monkeypatch):
    _, before = iteration(rows(range(50)), rows(range(60, 66)))
    then, now = rows(range(5, 60)), rows(range(61, 70))  # some audios and medoids came, and some went
    fresh, _ = iteration(then, now)
    computed = []

    def counted(samples, medoids, known=None):
        if known is not None:
            computed.append(((known.index >= 0).sum(), len(known.new)))
        return nearest(samples, medoids, known)

    monkeypatch.setattr("al_engine.method.committee.nearest", counted)
    again, _ = iteration(then, now, before)
    assert again.proposals == fresh.proposals
    assert {new for _, new in computed} == {4}
    assert sum(known for known, _ in computed) > 20


def test_a_file_gives_back_what_was_put_in_it(tmp_path):
    _, before = iteration(rows(range(50)), rows(range(60, 66)))
    path = tmp_path / "deep" / "kept.npz"
    distance_cache.write(path, before)
    again = distance_cache.read(path)
    assert again is not None
    for name in distance_cache.KINDS:
        assert (getattr(again, name) == getattr(before, name)).all()
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.parametrize("damage", ["cut", "bytes", "empty", "foreign", "rows"])
def test_a_damaged_file_is_no_file(tmp_path, damage):
    _, before = iteration(rows(range(50)), rows(range(60, 66)))
    path = tmp_path / "kept.npz"
    distance_cache.write(path, before)
    whole = path.read_bytes()
    if damage == "cut":
        path.write_bytes(whole[: len(whole) // 2])
    elif damage == "bytes":
        middle = len(whole) // 3
        path.write_bytes(whole[:middle] + bytes([whole[middle] ^ 255]) + whole[middle + 1 :])
    elif damage == "empty":
        path.write_bytes(b"")
    elif damage == "foreign":
        np.savez(path, other=np.zeros(3))
    else:
        np.savez(
            path,
            **{name: getattr(before, name) for name in distance_cache.KINDS}
            | {"nearest": before.nearest + 99},
        )
    assert distance_cache.read(path) is None


def test_a_folder_that_cannot_be_written_costs_no_more_than_time(tmp_path):
    _, before = iteration(rows(range(50)), rows(range(60, 66)))
    (tmp_path / "file").write_text("no folder")
    distance_cache.write(tmp_path / "file" / "kept.npz", before)  # raises nothing
    assert distance_cache.read(tmp_path / "file" / "kept.npz") is None


def test_weeks_of_one_node_share_a_file_and_other_nodes_do_not(tmp_path, monkeypatch):
    def path(node: str, day: int):
        start, end = datetime(2024, 5, day, tzinfo=UTC), datetime(2024, 5, day + 7, tzinfo=UTC)
        return distance_cache.path_of(
            tmp_path, "m", [Window(nodes=(node,), window_start=start, window_end=end)]
        )

    assert path("quay-1", 1) == path("quay-1", 8)
    assert path("quay-1", 1) != path("quay-2", 1)
    before = path("quay-1", 1)
    monkeypatch.setattr(distance_cache, "METHOD", distance_cache.METHOD + 1)
    assert path("quay-1", 1) != before  # another method may find other distances
