"""Whether an Ogg file goes to its end, and whether it is one recording."""

from typing import BinaryIO

_LONGEST_PAGE = 27 + 255 + 255 * 255
_HEAD_BYTES = 27  # of a page, before the lengths of its segments
_BEGIN_OF_STREAM, _END_OF_STREAM = 2, 4


def ends_with_its_last_page(stream: BinaryIO, length: int) -> bool:
    """The last page is flagged as the stream's end and is there to its last byte (RFC 3533, section 6)."""
    stream.seek(max(0, length - _LONGEST_PAGE))
    tail = stream.read(_LONGEST_PAGE)
    page = tail[max(0, tail.rfind(b"OggS")) :]
    whole = len(page) >= 27 and len(page) >= 27 + page[26] + sum(page[27 : 27 + page[26]])
    return whole and bool(page[5] & _END_OF_STREAM)


def end_of_first(stream: BinaryIO, length: int) -> int:
    """Where the first of several recordings in one file ends, which libsndfile alone reads; 0 where there is
    one only. Each has a serial number of its own, and a begin (RFC 3533, section 4)."""
    stream.seek(0)
    serial = stream.read(_HEAD_BYTES)[14:18]
    stream.seek(max(0, length - _LONGEST_PAGE))
    tail = stream.read(_LONGEST_PAGE)
    if tail[tail.rfind(b"OggS") :][14:18] == serial:
        return 0
    at, begun = 0, False
    while at < length:
        stream.seek(at)
        page = stream.read(_HEAD_BYTES + 255)
        if len(page) < _HEAD_BYTES or not page.startswith(b"OggS"):
            return 0
        begins = bool(page[5] & _BEGIN_OF_STREAM)
        if begins and begun:
            return at
        begun = begun or not begins
        segments = page[_HEAD_BYTES : _HEAD_BYTES + page[26]]
        at += _HEAD_BYTES + len(segments) + sum(segments)
    return 0
