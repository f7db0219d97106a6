"""Files in which what says what they are is cut or damaged: refused with a sentence, or heard."""

from collections.abc import Callable

import pytest

from escolta import audio
from escolta.audio.audible import audible
from escolta.errors import Rejected
from fuzzed.sounds import FORMATS, sounds

HEADER_BYTES = 200
WAYS = (audio.probe, audio.promised, audio.read, audible)


@pytest.mark.parametrize("place", range(len(FORMATS)), ids=[" ".join(kind) for kind in FORMATS])
def test_a_file_that_ends_within_its_header_is_refused_wherever_it_ends(place: int) -> None:
    _, whole = sounds()[place]
    for length in range(HEADER_BYTES):
        for take in WAYS:
            try:
                take(whole[:length])
            except Rejected as error:
                assert str(error).endswith("."), error  # noqa: PT017  # some are whole enough to be taken


@pytest.mark.parametrize("take", WAYS)
def test_a_wav_whose_samples_have_no_bytes_is_refused(take: Callable[[bytes], object]) -> None:
    _, whole = sounds()[0]
    no_bytes = whole[:32] + b"\0\0\0\0" + whole[36:-1]  # bytes of a frame, bits of a sample; and it is cut
    with pytest.raises(Rejected, match="its header is damaged"):
        take(no_bytes)
