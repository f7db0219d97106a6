"""A symmetric matrix in tiles, against the whole one."""

from contextlib import closing
from itertools import islice

import numpy as np
import pytest

from al_engine.exact import symmetric
from al_engine.exact.symmetric import Symmetric


@pytest.fixture(autouse=True)
def small_tiles(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(symmetric, "TILE_ROWS", 7)


def both(n: int) -> tuple[Symmetric, np.ndarray]:
    """The same matrix in tiles and whole."""
    half = np.random.default_rng(n).integers(0, 100, (n, n)).astype(np.float32)
    whole = half + half.T
    tiles = Symmetric(n)
    for i, rows in enumerate(tiles.blocks):
        for j, columns in enumerate(tiles.blocks[: i + 1]):
            tiles.tile(i, j)[...] = whole[rows, columns]
    return tiles, whole


@pytest.mark.parametrize("at", [slice(0, 25), slice(3, 4), slice(5, 16), slice(24, 25), slice(9, 9)])
def test_rows_are_those_of_the_whole(at):
    tiles, whole = both(25)
    np.testing.assert_array_equal(tiles.rows(at), whole[at])


def test_rows_in_any_order_are_those_of_the_whole():
    tiles, whole = both(25)
    index = np.array([24, 0, 8, 8, 6])
    np.testing.assert_array_equal(tiles.at(index), whole[index])


@pytest.mark.parametrize("n", [1, 7, 25])
def test_sums_are_those_of_the_whole(n):
    tiles, whole = both(n)
    np.testing.assert_array_equal(tiles.sums(), whole.sum(axis=1))


@pytest.mark.parametrize("size", [1, 4, 25, 100])
def test_strips_go_round_and_round(size):
    tiles, whole = both(25)
    per_round = -(-25 // size)
    with closing(tiles.strips(size)) as strips:
        seen = [(rows, values.copy()) for rows, values in islice(strips, 2 * per_round + 1)]
    assert [rows.start for rows, _ in seen[:per_round]] == list(range(0, 25, size))
    assert [rows for rows, _ in seen[per_round : 2 * per_round]] == [rows for rows, _ in seen[:per_round]]
    for rows, values in seen:
        np.testing.assert_array_equal(values, whole[rows])


def test_each_pair_is_held_once():
    tiles, _ = both(700)
    held = sum(tile.nbytes for row in tiles._tiles for tile in row)
    assert held < 1.02 * 4 * 700**2 / 2
