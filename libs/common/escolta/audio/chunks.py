"""Files made of chunks, each with a name, a size and a body: WAV, AIFF, Wave64 and CAF."""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

MOST_CHUNKS = 1000
"""A file that has more of them before its sound was made to keep us busy. (ours)"""

SEARCHED_BYTES = 1 << 20
"""How far the sound is looked for by its chunk's name where a size before it is wrong. (ours)"""


@dataclass(frozen=True)
class Style:
    """How chunks are written: `first` is where they begin, `size` the struct format of a size."""

    first: int
    size: str
    name_bytes: int = 4
    counts_its_head: bool = False
    align: int = 2

    @property
    def head_bytes(self) -> int:
        return self.name_bytes + struct.calcsize(self.size)


STYLES = {
    b"RIFF": Style(12, "<I"),
    b"RF64": Style(12, "<I"),
    b"BW64": Style(12, "<I"),
    b"RIFX": Style(12, ">I"),
    b"FORM": Style(12, ">I"),
    b"riff": Style(40, "<Q", name_bytes=16, counts_its_head=True, align=8),
    b"caff": Style(8, ">q", align=1),
}
"""By the first four bytes of the file."""


@dataclass(frozen=True)
class Chunk:
    """`name` is its first four bytes; `size` that of its body, which begins at `begin`, as the file says."""

    name: bytes
    begin: int
    size: int

    @property
    def end(self) -> int:
        return self.begin + self.size


def chunks(stream: BinaryIO, style: Style, begin: int, length: int) -> Iterator[Chunk]:
    """The chunks from `begin` on, up to the first that does not look like one, or reaches beyond `length`."""
    at = begin
    for _ in range(MOST_CHUNKS):
        chunk = chunk_at(stream, style, at)
        if chunk is None:
            return
        yield chunk
        if chunk.end > length:
            return
        written = chunk.end - at
        at += written + -written % style.align


def chunk_at(stream: BinaryIO, style: Style, at: int) -> Chunk | None:
    """The chunk whose head is at `at`; None where there is none."""
    stream.seek(at)
    head = stream.read(style.head_bytes)
    name = head[:4]
    if len(head) < style.head_bytes or not (name.isascii() and name.decode("latin-1").isprintable()):
        return None
    (size,) = struct.unpack(style.size, head[style.name_bytes :])
    if style.counts_its_head:
        size -= style.head_bytes
    return Chunk(name, at + style.head_bytes, max(0, size))


def find(stream: BinaryIO, style: Style, name: bytes, begin: int) -> Chunk | None:
    """The chunk called `name`, looked for byte by byte from `begin` on."""
    stream.seek(begin)
    at = stream.read(SEARCHED_BYTES).find(name)
    return chunk_at(stream, style, begin + at) if at >= 0 else None
