"""Where audios lie on the map."""

import numpy as np
import pytest

from al_engine.maps.fit import NEIGHBORS, fit, place

CLASSES = 3
DIM = 8


def embeddings(count: int) -> np.ndarray:
    """Near the axis of their class, which is their number modulo three."""
    vectors = np.random.default_rng(1).normal(0, 0.3, (count, DIM))
    vectors[np.arange(count), np.arange(count) % CLASSES] += 4
    return vectors.astype(np.float16)


def nearest_others(coordinates: np.ndarray) -> np.ndarray:
    distances = np.linalg.norm(coordinates[:, None] - coordinates, axis=2)
    np.fill_diagonal(distances, np.inf)
    return distances.argmin(axis=1)


@pytest.fixture(scope="module")
def fitted() -> tuple[np.ndarray, list[tuple[str, int, int]]]:
    heard: list[tuple[str, int, int]] = []
    return fit(embeddings(60), lambda *told: heard.append(told)), heard


def test_neighbors_on_the_map_sound_alike(fitted):
    coordinates, _ = fitted
    assert coordinates.dtype == np.float32
    assert (nearest_others(coordinates) % CLASSES == np.arange(60) % CLASSES).all()


def test_a_fit_tells_how_far_it_is(fitted):
    _, heard = fitted
    stages = [stage for stage, _, _ in heard]
    assert list(dict.fromkeys(stages)) == ["comparing", "preparing", "fitting"]
    done = [epoch for stage, epoch, _ in heard if stage == "fitting"]
    assert done == sorted(done)
    assert done[0] > 0  # what comes before the first epoch is not said to be a part of them
    assert heard[-1][1] == heard[-1][2]


def test_the_same_audios_give_the_same_map(fitted):
    coordinates, _ = fitted
    assert (fit(embeddings(60)) == coordinates).all()


@pytest.mark.parametrize("count", [0, 1, 2, NEIGHBORS])
def test_few_audios_have_a_map_too(count):
    coordinates = fit(embeddings(count))
    assert coordinates.shape == (count, 2)
    assert np.isfinite(coordinates).all()


def test_audios_that_do_not_differ_lie_at_one_place():
    assert np.ptp(fit(np.ones((40, DIM), np.float16)), axis=0).max() < 1e-6


def test_an_audio_that_came_later_lies_amid_its_nearest():
    mapped = embeddings(60)
    corners = np.array([[0, 0], [10, 0], [0, 10]], np.float32)
    came_later = embeddings(66)[60:]
    placed = place(came_later, mapped, corners[np.arange(60) % CLASSES])
    assert placed.dtype == np.float32
    assert (placed == corners[np.arange(6) % CLASSES]).all()
