"""Which WAV files BAT takes at upload, and which it can open for a labeler: two different things."""

import io
import struct
from dataclasses import dataclass

import numpy as np

from servers.bat.python2 import rounded

PCM = 1


class Error(Exception):
    """What the module `wave` of Python 2 raises for a file that it does not take."""


@dataclass(frozen=True)
class Wav:
    """What a header says, and the bytes of samples that are really there."""

    channels: int
    rate_hz: int
    bits: int
    frames: int
    content: bytes

    @property
    def duration_s(self) -> float:
        return self.frames / float(self.rate_hz)


def read(data: bytes) -> Wav:
    """As upload looks at it: PCM of any depth. Raises `Error` for anything else, EXTENSIBLE among it."""
    if data[:4] != b"RIFF" or data[8:12] != b"WAVE":
        raise Error("file does not start with RIFF id")
    layout, at = None, 12
    while at + 8 <= len(data):
        name, size = data[at : at + 4], struct.unpack_from("<I", data, at + 4)[0]
        if name == b"fmt ":
            layout = struct.unpack_from("<HHIIHH", data, at + 8)
            if layout[0] != PCM:
                raise Error(f"unknown format: {layout[0]!r}")
        if name == b"data" and layout:
            channels, rate_hz, bits = layout[1], layout[2], layout[5]
            frames = size // (channels * ((bits + 7) // 8))
            return Wav(channels, rate_hz, bits, frames, data[at + 8 : at + 8 + size])
        at += 8 + size + size % 2
    raise Error("fmt chunk and/or data chunk missing")


def padding_s(segment_s: float) -> float:
    """How much silence a labeler hears before and after a segment."""
    return rounded(segment_s / 20)


def padded(data: bytes) -> bytes:
    """As a labeler hears it. Raises ValueError for what BAT cannot open."""
    wav = read(data)
    if wav.bits == 24:
        raise ValueError("Unsupported bit depth: the wav file has 24-bit data.")
    samples = np.frombuffer(wav.content, {8: np.uint8, 16: np.int16, 32: np.int32}[wav.bits])
    if samples.size < wav.frames * wav.channels:
        raise ValueError("cannot reshape array: the file is shorter than its header says")
    silence = int(padding_s(wav.duration_s) * wav.rate_hz)
    if not silence:
        raise ValueError("cannot mmap an empty file")
    if wav.channels > 1:
        samples = samples.reshape(-1, wav.channels).mean(axis=1)
    return _written(np.pad(samples, silence), wav.rate_hz)


def _written(samples: np.ndarray, rate_hz: int) -> bytes:
    width = samples.dtype.itemsize
    kind = PCM if samples.dtype.kind in "iu" else 3
    out = io.BytesIO()
    size = samples.size * width
    out.write(struct.pack("<4sI4s", b"RIFF", 36 + size, b"WAVE"))
    out.write(struct.pack("<4sIHHIIHH", b"fmt ", 16, kind, 1, rate_hz, rate_hz * width, width, width * 8))
    out.write(struct.pack("<4sI", b"data", size) + samples.tobytes())
    return out.getvalue()
