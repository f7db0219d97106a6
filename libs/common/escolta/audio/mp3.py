"""How long an MP3 is whose frames differ and that does not say it: libsndfile would guess by its first frame,
and read no further than that."""

import struct
from collections.abc import Iterator
from typing import BinaryIO

from escolta.audio.containers import mp3_frame_bytes
from escolta.audio.id3 import tag_bytes
from escolta.audio.splice import Part

_LENGTH_TOLD = (b"Xing", b"Info", b"VBRI")
_TRIED_FRAMES = 2000  # where so many have one bit rate, all have it (ours)
_WINDOW_BYTES = 1 << 20


def with_length(stream: BinaryIO, length: int) -> list[Part] | None:
    """The parts of a file of `length` bytes behind a frame that says how many others follow, without its tag;
    None where it says so itself, or where all of its frames are alike."""
    begin = tag_bytes(stream)
    stream.seek(begin)
    first = stream.read(200)
    if not mp3_frame_bytes(first[:4]) or any(word in first for word in _LENGTH_TOLD):
        return None
    bit_rates, frames = set(), 0
    for head in _frames(stream, begin, length):
        bit_rates.add(head[2] >> 4)
        frames += 1
        if frames == _TRIED_FRAMES and len(bit_rates) == 1:
            break
    return None if len(bit_rates) == 1 else [_xing(first[:4], frames), range(begin, length)]


def _frames(stream: BinaryIO, at: int, length: int) -> Iterator[bytes]:
    """The first four bytes of each frame, whatever lies between them."""
    begin, window = 0, b""
    while at + 4 <= length:
        if not begin <= at <= begin + len(window) - 4:
            stream.seek(at)
            begin, window = at, stream.read(_WINDOW_BYTES)
            if len(window) < 4:
                return
        head = window[at - begin : at - begin + 4]
        if size := mp3_frame_bytes(head):
            yield head
            at += size
        else:
            found = window.find(b"\xff", at - begin + 1)
            at = begin + found if found >= 0 else begin + len(window)


def _xing(head: bytes, frames: int) -> bytes:
    """A silent frame with the number of those that follow, as large as it has to be."""
    version_1, mono = head[1] >> 3 & 3 == 3, head[3] >> 6 == 3
    side_bytes = (17 if mono else 32) if version_1 else (9 if mono else 17)
    tag = bytes(side_bytes) + b"Xing" + struct.pack(">II", 1, frames)
    for bit_rate in range(1, 15):
        own = bytes([head[0], head[1] | 1, bit_rate << 4 | head[2] & 0x0C, head[3]])  # without a checksum
        if mp3_frame_bytes(own) >= len(own + tag):
            break
    return (own + tag).ljust(mp3_frame_bytes(own), b"\0")
