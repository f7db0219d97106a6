"""Time as an argument: the system's clock, and one that a test moves by hand."""

import asyncio
import time
from datetime import UTC, datetime, timedelta
from typing import Protocol


class Clock(Protocol):
    """Wall-clock time in UTC and sleeping, so that no code reads the time by itself."""

    def now(self) -> datetime:
        """The present, timezone-aware, in UTC."""
        ...

    def since_boot_s(self) -> float:
        """Seconds since the machine started, also those that it slept: nobody sets this one."""
        ...

    async def sleep(self, duration_s: float) -> None:
        """Return after `duration_s` seconds of this clock."""
        ...


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    def since_boot_s(self) -> float:
        return time.clock_gettime(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))

    async def sleep(self, duration_s: float) -> None:
        await asyncio.sleep(duration_s)


class ManualClock:
    """A clock that stands still until a test calls `advance`."""

    def __init__(self, start: datetime) -> None:
        self._now = start
        self._set_by = timedelta()
        self._sleepers: list[tuple[datetime, asyncio.Future[None]]] = []

    def now(self) -> datetime:
        return self._now

    def since_boot_s(self) -> float:
        # Of one time: of two such clocks the later one is the same, later; no thread sees half an advance.
        return (self._now - self._set_by).timestamp()

    def set(self, now: datetime) -> None:
        """Set the clock, as NTP does: no time has gone by."""
        step = now - self._now
        self._sleepers = [(due + step, woken) for due, woken in self._sleepers]
        self._set_by += step
        self._now = now

    async def sleep(self, duration_s: float) -> None:
        if duration_s <= 0:
            await asyncio.sleep(0)
            return
        woken = asyncio.get_running_loop().create_future()
        self._sleepers.append((self._now + timedelta(seconds=duration_s), woken))
        await woken

    async def advance(self, duration_s: float) -> None:
        """Move on by `duration_s` and let everybody run who has slept long enough."""
        self._now += timedelta(seconds=duration_s)
        due = [sleeper for sleeper in self._sleepers if sleeper[0] <= self._now]
        self._sleepers = [sleeper for sleeper in self._sleepers if sleeper[0] > self._now]
        for _, woken in due:
            if not woken.done():
                woken.set_result(None)
        await asyncio.sleep(0)
