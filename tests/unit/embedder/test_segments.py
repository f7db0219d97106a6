"""Segments of short and long audios."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from embedder.models.segments import mean_of_each, segments_of

RATE_HZ = 100


def heard(samples: int) -> list[np.ndarray]:
    return segments_of(np.arange(1, samples + 1, dtype=np.float32), RATE_HZ)


@given(st.integers(0, 20_000))
def test_every_sample_is_heard_and_none_is_made_up_beyond_the_first_second(samples: int) -> None:
    values = np.unique(np.concatenate(heard(samples)))
    np.testing.assert_array_equal(values[values > 0], np.arange(1, samples + 1))
    assert (values > 0).all() or samples < 98


@given(st.integers(0, 20_000))
def test_segments_are_alike_in_length_and_no_more_than_needed(samples: int) -> None:
    lengths = {len(segment) for segment in heard(samples)}
    assert len(lengths) == 1
    assert 98 <= lengths.pop() <= 1010
    assert len(heard(samples)) == (1 if samples <= 1010 else -(-samples // 1000))


@pytest.mark.parametrize(
    ("samples", "expected"),
    [(999, 1), (1000, 1), (1001, 1), (1010, 1), (1011, 2), (1500, 2), (2000, 2)],
)
def test_one_sample_more_than_ten_seconds_is_no_second_segment(samples: int, expected: int) -> None:
    assert len(heard(samples)) == expected


@given(st.lists(st.integers(1, 5), min_size=1, max_size=8))
def test_the_mean_is_taken_of_each_audio_by_itself(counts: list[int]) -> None:
    values = np.random.default_rng(0).normal(size=(sum(counts), 3)).astype(np.float32)
    rows = iter(values)
    expected = [np.mean([next(rows) for _ in range(count)], axis=0) for count in counts]
    np.testing.assert_allclose(mean_of_each(values, counts), expected, rtol=1e-5, atol=1e-6)
