"""What recorders write beside the sound of a WAV file: the chunks, and the time that each of them says."""

import re
import struct
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from pathlib import Path

_MOST_CHUNKS = 100
_MOST_BYTES = 1 << 16
_IN_DS64 = 0xFFFFFFFF  # the size of an RF64's sound stands in its chunk `ds64`
_BEXT_DATE_AT = 256 + 32 + 32  # after description, originator and its reference (EBU Tech 3285)
_WAMD_TIMESTAMP = 5
_AUDIOMOTH = re.compile(
    r"Recorded at (\d\d):(\d\d):(\d\d)(?:\.\d+)? (\d\d)/(\d\d)/(\d{4})"
    r"(?: \(UTC(?:([+-])(\d{1,2})(?::(\d\d))?)?\))?"
)


def times_in_chunks(path: Path) -> Iterator[tuple[str, datetime]]:
    """Where a time is said, such as "GUANO", and the time, naive where it has no offset; most certain first.

    What cannot be understood says nothing. Raises OSError.
    """
    chunks = _chunks(path)
    for kind, name, parse in (
        (b"guan", "GUANO", _guano),
        (b"wamd", "wamd", _wamd),
        (b"bext", "bext", _bext),
        (b"LIST", "AudioMoth's comment", _comment),
    ):
        try:
            moment = parse(chunks[kind]) if kind in chunks else None
        except (ValueError, OverflowError):
            continue
        if moment:
            yield name, moment


def _chunks(path: Path) -> dict[bytes, bytes]:
    """The chunks of a WAV file but for its sound, each cut to 64 kB; nothing for another file.

    Those of one name, such as the two kinds of `LIST`, are one after the other.
    """
    found: dict[bytes, bytes] = {}
    with path.open("rb") as file:
        head = file.read(12)
        if head[:4] not in (b"RIFF", b"RIFX", b"RF64", b"BW64") or head[8:] != b"WAVE":
            return found
        order, long_size = (">" if head[:4] == b"RIFX" else "<"), 0
        for _ in range(_MOST_CHUNKS):
            head = file.read(8)
            if len(head) < 8:
                break
            kind, size = struct.unpack(f"{order}4sI", head)
            begin = file.tell()
            body = b"" if kind == b"data" else file.read(min(size, _MOST_BYTES))
            found[kind] = (found.get(kind, b"") + body)[:_MOST_BYTES]
            if kind == b"ds64" and len(body) >= 16:
                (long_size,) = struct.unpack("<Q", body[8:16])
            if kind == b"data" and size == _IN_DS64:
                size = min(long_size, 1 << 62)
            file.seek(begin + size + size % 2)
    return found


def _guano(chunk: bytes) -> datetime | None:
    for line in chunk.decode("utf-8", "replace").splitlines():
        key, _, value = line.partition(":")
        if key.strip() == "Timestamp":
            return datetime.fromisoformat(value.strip())
    return None


def _wamd(chunk: bytes) -> datetime | None:
    """Wildlife Acoustics' own: entries of a 16-bit number, a 32-bit length, and a text."""
    at = 0
    while at + 6 <= len(chunk):
        number, length = struct.unpack_from("<HI", chunk, at)
        if number == _WAMD_TIMESTAMP:
            return datetime.fromisoformat(_text(chunk[at + 6 : at + 6 + length]))
        at += 6 + length
    return None


def _bext(chunk: bytes) -> datetime | None:
    """Broadcast Wave: ten characters of date and eight of time, whose separators the standard leaves open."""
    date, time = chunk[_BEXT_DATE_AT:][:10], chunk[_BEXT_DATE_AT:][10:18]
    digits = re.findall(r"\d+", f"{_text(date, ' ')} {_text(time, ' ')}")
    if len(digits) != 6:
        return None
    year, month, day, hour, minute, second = map(int, digits)
    return datetime(year, month, day, hour, minute, second)


def _comment(chunk: bytes) -> datetime | None:
    comment = _AUDIOMOTH.search(_text(chunk, " "))
    if not comment:
        return None
    hour, minute, second, day, month, year = map(int, comment.groups()[:6])
    moment = datetime(year, month, day, hour, minute, second)
    if "(UTC" not in comment[0]:
        return moment
    offset = timedelta(hours=int(comment[8] or 0), minutes=int(comment[9] or 0))
    return moment.replace(tzinfo=timezone(-offset if comment[7] == "-" else offset))


def _text(data: bytes, nul: str = "") -> str:
    return data.decode("latin-1").replace("\0", nul).strip()
