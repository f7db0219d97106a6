"""Which channels are heard as one: a rule that anybody can check by ear."""

import io

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st

from escolta import audio
from escolta.audio.channels import heard

RATE_HZ = 8_000
RNG = np.random.default_rng(0)
GULL, WAVES = (RNG.uniform(-0.5, 0.5, RATE_HZ).astype(np.float32) for _ in range(2))
NOTHING = np.zeros(RATE_HZ, np.float32)
HISS = (RNG.normal(0, 2e-5, RATE_HZ)).astype(np.float32)


def side_by_side(*channels: np.ndarray) -> np.ndarray:
    return np.stack(channels, axis=1)


@pytest.mark.parametrize(
    ("channels", "told", "sound"),
    [
        ((GULL, WAVES), "", (GULL + WAVES) / 2),
        ((GULL, GULL), "", GULL),
        ((GULL, GULL / 50), "", GULL * 0.51),
        ((NOTHING, NOTHING), "", NOTHING),
        ((GULL, -GULL), "channel 1 of 2: channel 2 is inverted", GULL),
        ((GULL, -GULL / 10), "channel 1 of 2: channel 2 is inverted", GULL),
        ((GULL, HISS / 30 - GULL), "channel 1 of 2: channel 2 is inverted", GULL),
        ((GULL, NOTHING), "channel 1 of 2: channel 2 is dead", GULL),
        ((NOTHING, GULL), "channel 2 of 2: channel 1 is dead", GULL),
        ((GULL, NOTHING + 0.25), "channel 1 of 2: channel 2 is dead", GULL),
        ((HISS, GULL), "channel 2 of 2: channel 1 is dead", GULL),
        (
            (GULL, NOTHING, -GULL, WAVES),
            "channels 1, 4 of 4: channel 2 is dead, channel 3 is inverted",
            (GULL + WAVES) / 2,
        ),
    ],
)
def test_dead_and_inverted_channels_are_not_heard_and_that_is_told(channels, told, sound) -> None:
    waveform = side_by_side(*channels)
    assert str(heard(waveform)) == told
    np.testing.assert_allclose(audio.mono(waveform), sound, atol=1e-6)


@given(
    samples=st.integers(1, 300),
    channels=st.integers(1, 5),
    scales=st.lists(st.sampled_from([-1.0, 0.0, 1e-6, 0.5, 1.0]), min_size=5, max_size=5),
    seed=st.integers(0, 99),
)
@settings(deadline=None)
def test_some_channel_is_always_heard_and_a_file_says_the_same(samples, channels, scales, seed) -> None:
    common = np.random.default_rng(seed).uniform(-1, 1, samples)
    waveform = side_by_side(*(common * scale for scale in scales[:channels])).astype(np.float32)
    choice = heard(waveform)
    assert choice.indexes
    assert set(choice.indexes) <= set(range(channels))
    out = io.BytesIO()
    soundfile.write(out, waveform, RATE_HZ, format="WAV", subtype="FLOAT")
    assert audio.examine(out.getvalue())[1] == str(choice)


def test_one_channel_is_heard_as_it_is() -> None:
    assert audio.mono(GULL) is GULL
