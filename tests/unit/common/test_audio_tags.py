"""An ID3 tag before a sound takes nothing from it."""

import io

import numpy as np
import pytest
import soundfile

from escolta import audio
from escolta.errors import Rejected

RATE_HZ = 16_000
FORMS = [
    *(("WAV", "PCM_16"), ("W64", "PCM_24"), ("AIFF", "PCM_16"), ("CAF", "PCM_16"), ("AU", "PCM_16")),
    *(("FLAC", "PCM_16"), ("OGG", "VORBIS")),
]


def tag(size: int) -> bytes:
    """A tag of `size` bytes and ten more."""
    return b"ID3\x04\0\0" + bytes(size >> shift & 0x7F for shift in (21, 14, 7, 0)) + bytes(size)


@pytest.mark.parametrize("size", [190, 9000, 100_000])
@pytest.mark.parametrize(("container", "subtype"), FORMS)
def test_the_sound_behind_a_tag_is_all_of_it(container: str, subtype: str, size: int) -> None:
    out = io.BytesIO()
    noise = np.random.default_rng(0).uniform(-0.5, 0.5, RATE_HZ).astype(np.float32)
    soundfile.write(out, noise, RATE_HZ, format=container, subtype=subtype)
    expected, rate_hz = audio.read(out.getvalue())
    heard, heard_rate_hz = audio.read(tag(size) + out.getvalue())
    assert heard_rate_hz == rate_hz
    np.testing.assert_array_equal(heard, expected)


def test_a_length_that_lies_behind_a_tag_is_held_to_its_bytes_too() -> None:
    whole = audio.write(np.zeros(RATE_HZ, np.float32), RATE_HZ)
    with pytest.raises(Rejected, match=r"promises 32,000 bytes of sound .* 31,000 "):
        audio.read(tag(190) + whole[:-1000])
