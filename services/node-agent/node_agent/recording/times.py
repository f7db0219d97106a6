"""When a file was recorded, as its recorder says it: in the file, or in the file's name."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

from node_agent.recording.chunks import times_in_chunks

OF_THE_REPLAY = "the replay"
"""How every `source` begins where no time is to be had: the file is played as if recorded now."""

SAID_IN_VAIN = f"{OF_THE_REPLAY} (what is said cannot be true)"

EARLIEST = datetime(1990, 1, 1, tzinfo=UTC)
"""A clock that was never set begins in 1970 or 1980. (ours)"""

_AHEAD = timedelta(seconds=60)  # as far as ingest lets a clock be ahead
_LARGEST_OFFSET = timedelta(hours=14)

_DATE = r"(?<!\d)(?P<year>\d{4})(?P<s>[-_.]?)(?P<month>[ \d]\d)(?P=s)(?P<day>[ \d]\d)"
_TIME = r"(?P<hour>\d\d)(?P<t>[-_.:h]?)(?P<minute>\d\d)(?:(?P=t)(?P<second>\d\d))?(?!\d)"
_ZONE = r"(?P<zone>Z|\+\d\d(?::?\d\d)?(?!\d)|-\d\d:?\d\d(?!\d))?"
_NAMES = (
    # 20240601_060000, SMM02_20240601_060000, 2024-06-01T06-00-00Z, 20190508T020000+1000_REC
    re.compile(f"{_DATE}(?P<join>[T _.$-]){_TIME}{_ZONE}"),
    # BirdNET-Pi: 2022-09-01-birdnet-11:25:18, 2022-09-01-birdnet-RTSP_1-11:25:18
    re.compile(f"{_DATE}-birdnet-(?:RTSP_\\d+-)?{_TIME}(?P<zone>$)?"),
    # SoundTrap: 5146.240601060000
    re.compile(
        r"^\d+\.(?P<year>\d\d)(?P<month>\d\d)(?P<day>\d\d)(?P<hour>\d\d)(?P<minute>\d\d)(?P<second>\d\d)(?P<zone>$)"
    ),
    # 20240601060000
    re.compile(
        r"(?<!\d)(?P<year>\d{4})(?P<month>\d\d)(?P<day>\d\d)(?P<hour>\d\d)(?P<minute>\d\d)(?P<second>\d\d)"
        r"(?P<zone>Z)?(?!\d)"
    ),
    # 240601-0600, 240601_060000: the name must be nothing else, for so short a number may count anything;
    # 240601_0001 is the first recording of that day
    re.compile(
        r"^(?P<year>\d\d)(?P<month>\d\d)(?P<day>\d\d)"
        r"(?:-|_(?=\d{6}$))(?P<hour>\d\d)(?P<minute>\d\d)(?P<second>\d\d)?(?P<zone>$)"
    ),
)
_AUDIOMOTH_NAME = re.compile(r"(?=.*[A-F])[0-9A-F]{8}")  # seconds since 1970; digits alone may count anything


@dataclass(frozen=True)
class SaidTime:
    """When a file begins, in UTC, or None; `source` is where that is said, in words for whoever reads it."""

    start: datetime | None
    source: str


def said_time(path: Path, now: datetime) -> SaidTime:
    """The first time that is said and can be true: from 1990 until `now`.

    What else a clock says is where it began when its battery was put in, or was set wrong. A time without an
    offset is taken to be in UTC, and the source says so. Raises OSError.
    """
    candidates = [*times_in_chunks(path)]
    if moment := time_in_name(path.name):
        candidates.append(("file names", moment))
    for source, moment in candidates:
        start = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
        if EARLIEST <= start <= now + _AHEAD:
            return SaidTime(start, source if moment.tzinfo else f"{source} (no offset is said: taken as UTC)")
    return SaidTime(None, SAID_IN_VAIN if candidates else f"{OF_THE_REPLAY} (nothing says when)")


def time_in_name(name: str) -> datetime | None:
    """The time that a file's name says, naive where it says no offset; None where it says none."""
    stem = name.rpartition(".")[0] or name
    if _AUDIOMOTH_NAME.fullmatch(stem):
        return datetime.fromtimestamp(int(stem, 16), UTC)
    for pattern in _NAMES:
        for match in pattern.finditer(stem):
            try:
                return _moment(match)
            except ValueError:  # the 31st of June: these digits count something else
                continue
    return None


def _moment(match: re.Match[str]) -> datetime:
    fields = match.groupdict()
    year, month, day, hour, minute, second = (
        int(fields[name] or 0) for name in ("year", "month", "day", "hour", "minute", "second")
    )
    moment = datetime(year + 2000 if year < 100 else year, month, day, hour, minute, second)
    return moment.replace(tzinfo=_zone(fields["zone"] or "", fields.get("join") == "T"))


def _zone(text: str, iso: bool) -> timezone | None:
    """The offset that a name says. What follows a minus may be a counter, unless all is as in ISO 8601."""
    if text == "Z":
        return UTC
    if not text or (text[0] == "-" and not iso):
        return None
    hours, minutes = int(text[1:3]), int(text[3:].lstrip(":") or 0)
    offset = timedelta(hours=hours, minutes=minutes)
    if offset > _LARGEST_OFFSET or minutes % 15:
        return None
    return timezone(-offset if text[0] == "-" else offset)
