"""Backups and drills at their times."""

import asyncio
from datetime import UTC, datetime

import pytest

from escolta.clock import ManualClock
from escolta.errors import Misconfigured, Rejected
from escolta_backup.timed import timed

MIDNIGHT = datetime(2026, 11, 30, tzinfo=UTC)


async def test_without_a_time_it_is_done_at_once_and_once():
    done = []

    async def work():
        done.append(1)

    await timed(work, "", ManualClock(MIDNIGHT))
    assert done == [1]


async def test_what_goes_wrong_one_night_is_told_and_done_again_the_next(capsys):
    clock, done = ManualClock(MIDNIGHT), []

    async def work():
        done.append(clock.now())
        if len(done) == 1:
            raise Rejected("the store is away")

    at_night = asyncio.create_task(timed(work, "daily 02:15", clock))
    for _ in range(2 * 24 * 60):
        await clock.advance(60)
    at_night.cancel()
    assert [moment.isoformat() for moment in done] == [
        "2026-11-30T02:15:00+00:00",
        "2026-12-01T02:15:00+00:00",
    ]
    assert "the store is away" in capsys.readouterr().err


async def test_a_time_that_is_none_is_named():
    with pytest.raises(Misconfigured, match="--at is 'nightly'"):
        await timed(lambda: asyncio.sleep(0), "nightly", ManualClock(MIDNIGHT))
