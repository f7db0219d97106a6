"""Whether an Ogg file goes to its end."""

from typing import BinaryIO

_LONGEST_PAGE = 27 + 255 + 255 * 255
_END_OF_STREAM = 4


def ends_with_its_last_page(stream: BinaryIO, length: int) -> bool:
    """The last page is flagged as the stream's end and is there to its last byte (RFC 3533, section 6)."""
    stream.seek(max(0, length - _LONGEST_PAGE))
    tail = stream.read(_LONGEST_PAGE)
    page = tail[max(0, tail.rfind(b"OggS")) :]
    whole = len(page) >= 27 and len(page) >= 27 + page[26] + sum(page[27 : 27 + page[26]])
    return whole and bool(page[5] & _END_OF_STREAM)
