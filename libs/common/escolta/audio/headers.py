"""What the headers of WAV, Wave64, AIFF, CAF and AU say of their sound, and where they say it."""

import struct
from dataclasses import dataclass, field
from typing import BinaryIO

from escolta.audio.chunks import STYLES, Chunk, Style, chunks, find
from escolta.audio.limits import MOST_CHANNELS
from escolta.audio.unfit import Unfit

_LEFT_OPEN = 0xFFFFFFFF  # what a WAV written to a pipe says, an RF64 in its short field, and AU
_NEEDED = {b"fmt ", b"ds64", b"fact"}  # to read the samples of a WAV
_EXTENSIBLE, _PCM, _FLOAT = 0xFFFE, 1, 3


@dataclass(frozen=True)
class Form:
    """What a sample is. `frame_bytes`: of all channels; 1 where a block holds many samples, as in ADPCM."""

    channels: int
    rate_hz: int
    frame_bytes: int


@dataclass(frozen=True)
class LengthField:
    """A place in the header that says how long the sound is: in bytes, plus `more`, or in frames."""

    at: int
    format: str
    more: int = 0
    frames: bool = False

    def written(self, sound_bytes: int, frame_bytes: int) -> bytes:
        """The field as it should be, or as large as it can be."""
        value = sound_bytes // frame_bytes if self.frames else sound_bytes + self.more
        largest = (1 << 8 * struct.calcsize(self.format)) - 1
        return struct.pack(self.format, min(value, largest if self.format[1].isupper() else largest >> 1))


@dataclass(frozen=True)
class Header:
    """Where the sound begins, and how many bytes of it are promised (none: the header leaves it open).

    `misplaced`: what lies before the sound with a size that is wrong, so that other readers lose their way.
    """

    form: Form
    begin: int
    promised: int | None
    fields: tuple[LengthField, ...]
    style: Style | None = None
    misplaced: range = field(default=range(0))


def read_header(stream: BinaryIO, length: int) -> Header | None:
    """The header of a file of `length` bytes; None where its kind is none of these.

    Raises Unfit where it ends before its sound begins.
    """
    stream.seek(0)
    magic = stream.read(4)
    if magic == b".snd":
        return _au(stream)
    style = STYLES.get(magic)
    if style is None:
        return None
    parse = {b"FORM": _aiff, b"caff": _caf}.get(magic, _wav)
    return parse(stream, style, length)


def _wav(stream: BinaryIO, style: Style, length: int) -> Header:
    form, long_size, fields, last, needed = None, None, [], style.first, style.first
    found: Chunk | None = None
    for chunk in chunks(stream, style, style.first, length):
        if chunk.name == b"data":
            found = chunk
            break
        if chunk.name == b"fmt ":
            form = _wav_form(_body(stream, chunk, 40), style.size[0])
        elif chunk.name == b"ds64" and chunk.size >= 16:
            long_size = struct.unpack("<Q", _body(stream, chunk, 16, least=16)[8:])[0]
            fields.append(LengthField(chunk.begin + 8, "<Q"))
        last = chunk.begin if chunk.end > length else chunk.end
        if chunk.name in _NEEDED:
            needed = last + -(last - style.first) % style.align
    else:
        found = find(stream, style, b"data", last)
    if form is None or found is None:
        raise Unfit(f"is truncated: the file of {length:,} bytes ends before its sound begins.")
    head = found.begin - style.head_bytes
    if style.counts_its_head:
        fields.append(LengthField(head + style.name_bytes, style.size, style.head_bytes))
    elif long_size is None:
        fields += [LengthField(4, style.size, found.begin - 8), LengthField(head + 4, style.size)]
    open_end = found.size == _LEFT_OPEN and not style.counts_its_head
    promised = long_size if open_end else found.size
    in_place = head == last + -(last - style.first) % style.align
    misplaced = range(0) if in_place else range(needed, head)
    return Header(form, found.begin, promised, tuple(fields), style, misplaced)


def _wav_form(body: bytes, order: str) -> Form:
    if len(body) < 16:
        raise Unfit("is truncated: the file ends before its sound begins.")
    tag, channels, rate_hz, _, block_bytes, bits = struct.unpack(f"{order}HHIIHH", body[:16])
    if tag == _EXTENSIBLE and len(body) >= 26:
        (tag,) = struct.unpack(f"{order}H", body[24:26])
    if tag not in (_PCM, _FLOAT) or not 1 <= channels <= MOST_CHANNELS:
        return Form(channels, rate_hz, 1)
    if block_bytes % channels or not max(1, (bits + 7) // 8) <= block_bytes // channels <= 8:
        raise Unfit(
            f"says that a sample of {bits} bits in {channels} channels takes {block_bytes} bytes: "
            "its header is damaged."
        )
    return Form(channels, rate_hz, block_bytes)


def _aiff(stream: BinaryIO, style: Style, length: int) -> Header | None:
    form, fields = None, []
    for chunk in chunks(stream, style, style.first, length):
        if chunk.name == b"COMM" and chunk.size >= 18:
            body = _body(stream, chunk, 22, least=18)
            channels, _, bits = struct.unpack(">hIh", body[:8])
            packed = body[18:22] in (b"", b"NONE", b"twos", b"sowt", b"raw ", b"fl32", b"FL32", b"fl64")
            frame_bytes = max(1, channels * ((bits + 7) // 8)) if packed else 1
            form = Form(channels, _extended(body[8:18]), frame_bytes)
            fields.append(LengthField(chunk.begin + 2, ">I", frames=True))
        elif chunk.name == b"SSND":
            if form is None:
                return None  # the samples come first: libsndfile looks for the rest by itself
            fields += [
                LengthField(4, ">I", chunk.begin),
                LengthField(chunk.begin - 4, ">I", 8),
            ]
            return Header(form, chunk.begin + 8, max(0, chunk.size - 8), tuple(fields), style)
    raise Unfit(f"is truncated: the file of {length:,} bytes ends before its sound begins.")


def _extended(ten_bytes: bytes) -> int:
    """An 80-bit float, as AIFF writes its rate, as a whole number."""
    exponent, mantissa = struct.unpack(">HQ", ten_bytes)
    shift = (exponent & 0x7FFF) - 16383 - 63
    return mantissa >> -shift if shift <= 0 else mantissa << min(shift, 64)


def _caf(stream: BinaryIO, style: Style, length: int) -> Header:
    form = None
    for chunk in chunks(stream, style, style.first, length):
        if chunk.name == b"desc" and chunk.size >= 32:
            rate, codec, _, packet_bytes, _, channels, _ = struct.unpack(
                ">d4sIIIII", _body(stream, chunk, 32, least=32)
            )
            rate_hz = int(rate) if 0 <= rate < 1e12 else 0
            form = Form(channels, rate_hz, max(1, packet_bytes) if codec == b"lpcm" else 1)
        elif chunk.name == b"data" and form:
            stream.seek(chunk.begin - 8)
            (size,) = struct.unpack(">q", stream.read(8))
            promised = None if size < 0 else max(0, size - 4)
            size_field = LengthField(chunk.begin - 8, ">q", 4)
            return Header(form, chunk.begin + 4, promised, (size_field,), style)
    raise Unfit(f"is truncated: the file of {length:,} bytes ends before its sound begins.")


def _au(stream: BinaryIO) -> Header:
    stream.seek(0)
    head = stream.read(24)
    if len(head) < 24:
        raise Unfit(f"is truncated: the file of {len(head)} bytes ends before its sound begins.")
    begin, size, encoding, rate_hz, channels = struct.unpack(">5I", head[4:])
    sample_bytes = {1: 1, 2: 1, 3: 2, 4: 3, 5: 4, 6: 4, 7: 8, 27: 1}.get(encoding)
    frame_bytes = channels * sample_bytes if sample_bytes else 1
    promised = None if size == _LEFT_OPEN else size
    return Header(Form(channels, rate_hz, max(1, frame_bytes)), begin, promised, (LengthField(8, ">I"),))


def _body(stream: BinaryIO, chunk: Chunk, most: int, least: int = 0) -> bytes:
    """The beginning of a chunk. Raises Unfit where the file ends before it has `least` bytes of it."""
    stream.seek(chunk.begin)
    body = stream.read(min(chunk.size, most))
    if len(body) < least:
        raise Unfit("is truncated: the file ends within its header.")
    return body
