"""Where the sound of a FLAC file ends: its header may leave that open or say it wrong, its frames do not."""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

_HEAD_BYTES = 42  # the magic word, and STREAMINFO with its head (RFC 9639, section 8.2)
_TOTAL_AT = 21  # of 36 bits: the lower half of this byte, and the next four
_TAIL_BYTES = 1 << 20  # longer than the longest frame that encoders make (ours)
_TRIED_FRAMES = 4  # one in some hundred thousand bytes looks like a frame and is none
_BLOCK_SIZES = {1: 192, **{code: 576 << code - 2 for code in range(2, 6)}}
_BLOCK_SIZES |= {code: 256 << code - 8 for code in range(8, 16)}


@dataclass(frozen=True)
class FlacLength:
    """What the header promises (0: it leaves it open) and what the frames hold, in samples of a channel."""

    promised: int
    present: int

    def patched(self, head: bytes) -> bytes:
        """The file's first `_TOTAL_AT` + 5 bytes, with the length that its frames hold."""
        upper = bytes([head[_TOTAL_AT] & 0xF0 | self.present >> 32 & 0xF])
        return head[:_TOTAL_AT] + upper + (self.present & 0xFFFFFFFF).to_bytes(4, "big")


def flac_length(stream: BinaryIO, length: int) -> FlacLength | None:
    """Both lengths of a FLAC of `length` bytes; None where it is none, or none of its frames can be found."""
    stream.seek(0)
    head = stream.read(_HEAD_BYTES)
    if len(head) < _HEAD_BYTES or head[:4] != b"fLaC":
        return None
    promised = (head[_TOTAL_AT] & 0xF) << 32 | int.from_bytes(head[_TOTAL_AT + 1 : _TOTAL_AT + 5], "big")
    fixed_block = int.from_bytes(head[8:10], "big")
    stream.seek(max(_HEAD_BYTES, length - _TAIL_BYTES))
    try:
        tail = stream.read(_TAIL_BYTES)
    except OSError:  # a bad sector at the end: what lies before it can be read, as the header says
        return None
    frames = _frames_from_the_end(tail, fixed_block)
    later = None
    for at, first, samples in itertools.islice(frames, _TRIED_FRAMES):
        if any(_crc16(tail[at:end]) == 0 for end in _ends(tail)):
            return FlacLength(promised, first + samples)
        if later == first + samples:  # the next frame begins where this one ends, and is cut or damaged
            return FlacLength(promised, later)
        later = first
    return FlacLength(promised, 0) if later == 0 else None


def _ends(tail: bytes) -> list[int]:
    """Where the last frame may end: at the end, before an ID3 tag, or before zeros that fill the file up.

    The frame's own checksum may end in zeros, too.
    """
    ends = [len(tail)]
    if tail[-128:-125] == b"TAG":
        ends.append(len(tail) - 128)
    written = len(tail.rstrip(b"\0"))
    return ends + [written + zeros for zeros in range(3) if written + zeros < len(tail)]


def _frames_from_the_end(tail: bytes, fixed_block: int) -> Iterator[tuple[int, int, int]]:
    """What looks like a frame: its place, its first sample, and how many it has."""
    at = len(tail)
    while (at := tail.rfind(b"\xff", 0, at)) >= 0:
        if frame := _frame(tail[at : at + 16], fixed_block):
            yield at, *frame


def _frame(head: bytes, fixed_block: int) -> tuple[int, int] | None:
    """The first sample of the frame that begins with `head`, and how many it has; None where it is none."""
    if len(head) < 6 or head[1] & 0xFE != 0xF8 or head[3] & 1:
        return None
    variable, code = head[1] & 1, head[2] >> 4
    number, at = _coded_number(head[4:])
    at += 4
    if not at > 4 or at + 4 > len(head):
        return None
    samples = _BLOCK_SIZES.get(code, 0)
    if code == 6:
        samples = head[at] + 1
    elif code == 7:
        samples = int.from_bytes(head[at : at + 2], "big") + 1
    at += {6: 1, 7: 2}.get(code, 0) + {12: 1, 13: 2, 14: 2}.get(head[2] & 0xF, 0)
    if not samples or at >= len(head) or _crc8(head[:at]) != head[at]:
        return None
    return (number if variable else number * fixed_block), samples


def _coded_number(data: bytes) -> tuple[int, int]:
    """A number in the manner of UTF-8, of up to 36 bits, and its length in bytes; a length of 0: none."""
    ones = 8 - (data[0] ^ 0xFF).bit_length()
    if ones == 0:
        return data[0], 1
    if ones == 1 or ones == 8 or len(data) < ones:
        return 0, 0
    number = data[0] & (0x7F >> ones)
    for byte in data[1:ones]:
        number = number << 6 | byte & 0x3F
    return number, ones


def _table(polynomial: int, bits: int) -> list[int]:
    top, mask = 1 << bits - 1, (1 << bits) - 1
    table = []
    for byte in range(256):
        value = byte << bits - 8
        for _ in range(8):
            value = (value << 1 ^ (polynomial if value & top else 0)) & mask
        table.append(value)
    return table


_CRC8, _CRC16 = _table(0x07, 8), _table(0x8005, 16)


def _crc8(data: bytes) -> int:
    value = 0
    for byte in data:
        value = _CRC8[value ^ byte]
    return value


def _crc16(data: bytes) -> int:
    """Zero where the last two bytes are the checksum of those before."""
    value = 0
    for byte in data:
        value = (value << 8 & 0xFFFF) ^ _CRC16[value >> 8 ^ byte]
    return value
