"""What a header promises is judged before it is decoded, and decoding stops at what it promises."""

import io
import struct

import numpy as np
import pytest
import soundfile

from escolta import audio
from escolta.audio import files, limits
from escolta.errors import Rejected


def flac_of_silence(samples: int, channels: int, rate_hz: int = 8_000) -> bytes:
    out = io.BytesIO()
    with soundfile.SoundFile(out, "w", rate_hz, channels, format="FLAC", subtype="PCM_16") as file:
        for begin in range(0, samples, 1 << 16):
            file.write(np.zeros((min(1 << 16, samples - begin), channels), np.int16))
    return out.getvalue()


def wav(
    channels: int = 1, rate_hz: int = 8_000, block_bytes: int | None = None, before: bytes = b""
) -> bytes:
    block = 2 * channels % 0x10000 if block_bytes is None else block_bytes
    form = struct.pack("<4sIHHIIHH", b"fmt ", 16, 1, channels, rate_hz, 16_000, block, 16)
    inner = b"WAVE" + form + before + struct.pack("<4sI", b"data", 16_000) + bytes(range(1, 251)) * 64
    return b"RIFF" + struct.pack("<I", len(inner)) + inner


@pytest.fixture
def nothing_is_decoded(monkeypatch: pytest.MonkeyPatch) -> None:
    def decode(*_: object) -> None:
        raise AssertionError("decoded")

    monkeypatch.setattr(files, "_blocks", decode)


@pytest.mark.usefixtures("nothing_is_decoded")
@pytest.mark.parametrize("look", [audio.probe, audio.read])
def test_a_small_file_of_much_sound_is_refused_undecoded(look) -> None:
    data = flac_of_silence(9_000_000, 8)
    assert len(data) < 1_000_000
    with pytest.raises(Rejected, match="promises 9,000,000 samples in each of 8 channels"):
        look(data)


@pytest.mark.usefixtures("nothing_is_decoded")
@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (wav(channels=0), "says that it has 0 channels"),
        (wav(channels=0xFFFF), "says that it has 65,535 channels: 1 to 64"),
        (wav(channels=65), "says that it has 65 channels"),
        (wav(block_bytes=0), "a sample of 16 bits in 1 channels takes 0 bytes"),
        (wav(block_bytes=0xFFFF), "takes 65535 bytes"),
        (wav(channels=2, block_bytes=3), "takes 3 bytes"),
        (wav(rate_hz=0), "its rate is 0 Hz"),
        (wav(rate_hz=0xFFFF_FFFF), "its rate is 4,294,967,295 Hz"),
        (wav(before=struct.pack("<4sI", b"note", 0) * 150_000), "ends before its sound begins"),
    ],
)
def test_a_header_beyond_the_limits_is_refused_by_name(data: bytes, reason: str) -> None:
    with pytest.raises(Rejected, match=rf"^a\.wav .*{reason}"):
        audio.probe(data, "a.wav")


@pytest.mark.parametrize("channels", [1, 2, 8, limits.MOST_CHANNELS])
def test_as_many_channels_as_are_accepted_are_read(channels: int) -> None:
    waveform = np.random.default_rng(0).uniform(-0.5, 0.5, (400, channels)).astype(np.float32)
    assert audio.probe(audio.write(waveform, 8_000)).channels == channels


def test_a_header_that_promises_less_than_its_frames_hold_hides_nothing() -> None:
    data = bytearray(flac_of_silence(80_000, 2))
    data[21] &= 0xF0
    data[22:26] = struct.pack(">I", 100)
    with pytest.raises(Rejected, match="says that it has 100 samples, and its frames hold 80,000"):
        audio.read(bytes(data))
