"""ID3 tags, which programs for music put before sound of any kind."""

from typing import BinaryIO

from escolta.audio.containers import HEAD_BYTES, container_of

_OWN = (None, "MP3")  # where the tag belongs, or nothing is known of what follows


def tag_bytes(stream: BinaryIO) -> int:
    """The bytes of the tag at the begin, which says how many in four times seven bits; 0 without one."""
    stream.seek(0)
    head = stream.read(10)
    if len(head) < 10 or head[:3] != b"ID3":
        return 0
    a, b, c, d = head[6:]
    return 10 + (a << 21 | b << 14 | c << 7 | d) + (10 if head[5] & 0x10 else 0)


def misplaced_tag_bytes(stream: BinaryIO) -> int:
    """The same where another file than MP3 follows: libsndfile would lose as many bytes of its sound."""
    if size := tag_bytes(stream):
        stream.seek(size)
        return 0 if container_of(stream.read(HEAD_BYTES)) in _OWN else size
    return 0
