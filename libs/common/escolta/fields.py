"""What a field of an event or of a request may hold.

Numbers are bounded by the column of the catalog that they go to, texts and lists so that the longest event
fits into `LARGEST_EVENT_BYTES`. What is beyond is refused where it comes in, with a sentence. A text that
tells of a fault is cut instead, so that the fault is told.
"""

import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, Field

LARGEST_EVENT_BYTES = 1 << 20
SMALLINT, INTEGER, BIGINT = 2**15 - 1, 2**31 - 1, 2**63 - 1
EARLIEST = datetime(1900, 1, 1, tzinfo=UTC)
LATEST = datetime(9999, 12, 31, tzinfo=UTC)
"""Further out Python, PostgreSQL and what adds an hour to a time no longer agree."""

KEY_CHARS = 512
NAME_CHARS = 1000
WORD_CHARS = 255
REASON_CHARS = 1000
NOTE_CHARS = 1800
"""With its name within the 2 KB that S3 keeps of an object's own headers."""
URL_CHARS = 4000
BODY_CHARS = 10_000
"""An `AudioRecorded` is shorter, whatever it says: what was refused can be told to its node."""


def utc(moment: datetime) -> datetime:
    """`moment` in UTC. Raises ValueError where it has no offset, or lies beyond `EARLIEST` or `LATEST`."""
    if moment.tzinfo is None:
        raise ValueError("a time needs its offset from UTC, such as 2024-05-01T10:00:00Z")
    if not EARLIEST <= moment <= LATEST:
        raise ValueError(f"a time must lie between {EARLIEST:%Y-%m-%d} and {LATEST:%Y-%m-%d} in UTC")
    return moment.astimezone(UTC)


def shortened(text: str, most: int) -> str:
    """`text` as the catalog can store it, in at most `most` characters; an ellipsis says that it went on."""
    text = text.replace("\0", "\N{REPLACEMENT CHARACTER}")
    text = text.encode("utf-8", "replace").decode()  # half a character, as a file's name may have
    return text if len(text) <= most else text[: most - 1] + "…"


def _storable(text: str) -> str:
    if "\0" in text:
        raise ValueError("a NUL character cannot be stored: leave it out")
    return text


def _shortening(most: int) -> Callable[[object], object]:
    return lambda text: shortened(text, most) if isinstance(text, str) else text


def _of_the_web(url: str) -> str:
    if url and not re.match(r"https?://[!-~]+$", url):
        raise ValueError("an address to upload to begins with http:// or https://")
    return url


def _two_hours(hours: tuple[int, int]) -> tuple[int, int]:
    if hours[0] == hours[1]:
        raise ValueError("hours from and to are the same: leave them out for the whole day")
    return hours


UtcTime = Annotated[datetime, AfterValidator(utc)]
Hour = Annotated[int, Field(ge=0, le=24)]
Hours = Annotated[
    tuple[Hour, Hour],
    AfterValidator(_two_hours),
    Field(
        description="hours of the day in UTC, from and to (not in it); (22, 6) is the night; none: all day"
    ),
]

Count = Annotated[int, Field(ge=0, le=INTEGER)]
Positive = Annotated[int, Field(gt=0, le=INTEGER)]
Seconds = Annotated[float, Field(ge=0, le=1e9, allow_inf_nan=False)]
Percent = Annotated[float, Field(ge=0, le=100, allow_inf_nan=False)]

NodeName = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,62}$")]
Nodes = Annotated[tuple[NodeName, ...], Field(max_length=256, description="empty: every node")]
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
ObjectKey = Annotated[str, Field(min_length=1, max_length=KEY_CHARS), AfterValidator(_storable)]
FileName = Annotated[str, Field(min_length=1, max_length=NAME_CHARS), AfterValidator(_storable)]
Word = Annotated[str, Field(max_length=WORD_CHARS), AfterValidator(_storable)]
Sentence = Annotated[str, BeforeValidator(_shortening(REASON_CHARS)), Field(max_length=REASON_CHARS)]
Url = Annotated[
    str, Field(max_length=URL_CHARS, json_schema_extra={"format": "uri"}), AfterValidator(_of_the_web)
]
Headers = Annotated[
    dict[
        Annotated[str, Field(pattern=r"^(content-length|if-none-match|x-amz-[a-z0-9-]{1,60})$")],
        Annotated[str, Field(pattern=r"^[!-~]{1,2048}$")],
    ],
    Field(max_length=16, description="to be sent with the bytes, exactly"),
]
Body = Annotated[str, BeforeValidator(_shortening(BODY_CHARS)), Field(max_length=BODY_CHARS)]
Quoted = Annotated[str, BeforeValidator(_shortening(WORD_CHARS)), Field(max_length=WORD_CHARS)]
