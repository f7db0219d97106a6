"""Times that come again."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from escolta.clock import ManualClock
from escolta.errors import Misconfigured
from escolta.times import read_times


@pytest.mark.parametrize(
    ("text", "now", "last"),
    [
        ("mon 06:00", "2024-05-15T12:00", "2024-05-13T06:00"),
        ("mon 06:00", "2024-05-13T06:00", "2024-05-13T06:00"),
        ("mon 06:00", "2024-05-13T05:59", "2024-05-06T06:00"),
        ("daily 23:30", "2024-05-15T12:00", "2024-05-14T23:30"),
        ("Sun 00:00", "2024-05-15T12:00", "2024-05-12T00:00"),
    ],
)
def test_the_last_moment_that_has_come(text, now, last):
    times = read_times(text, "--at")
    moment = datetime.fromisoformat(now).replace(tzinfo=UTC)
    assert times.last(moment) == datetime.fromisoformat(last).replace(tzinfo=UTC)


@pytest.mark.parametrize("text", ["weekly", "mon", "mon 24:00", "06:00", "someday 06:00"])
def test_what_cannot_be_read_is_named(text):
    with pytest.raises(Misconfigured, match=f"--at is '{text}'"):
        read_times(text, "--at")


async def test_each_moment_comes_when_it_is_time_and_none_before():
    clock, came = ManualClock(datetime(2024, 5, 15, 12, tzinfo=UTC)), []

    async def listen():
        async for moment in read_times("daily 02:15", "--at").coming(clock):
            came.append(moment)

    listening = asyncio.create_task(listen())
    for minutes in (14 * 60 + 14, 1, 24 * 60 - 1, 1):
        for _ in range(minutes):
            await clock.advance(60)
    listening.cancel()
    first = datetime(2024, 5, 16, 2, 15, tzinfo=UTC)
    assert came == [first, first + timedelta(days=1)]
