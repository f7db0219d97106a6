"""Times that come again, such as "mon 06:00" or "daily 02:15", in UTC."""

import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from escolta.clock import Clock
from escolta.errors import Misconfigured

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_LONGEST_SLEEP_S = 60.0
"""A clock may be set, and a machine may sleep, while somebody waits."""


@dataclass(frozen=True)
class Times:
    """A time of the day in UTC, every day or on one day of the week (0 is Monday)."""

    weekday: int | None
    hour: int
    minute: int

    @property
    def period(self) -> timedelta:
        return timedelta(days=1 if self.weekday is None else 7)

    def last(self, now: datetime) -> datetime:
        """The last such moment that has come."""
        due = now.replace(hour=self.hour, minute=self.minute, second=0, microsecond=0)
        if self.weekday is not None:
            due -= timedelta(days=(due.weekday() - self.weekday) % 7)
        return due if due <= now else due - self.period

    async def coming(self, clock: Clock) -> AsyncIterator[datetime]:
        """Each such moment when it comes, for ever; those that pass while one is at work are left out."""
        while True:
            due = self.last(clock.now()) + self.period
            while (left := (due - clock.now()).total_seconds()) > 0:
                await clock.sleep(min(left, _LONGEST_SLEEP_S))
            yield due


def read_times(text: str, where: str) -> Times:
    """What `where`, a setting or an option, says. Raises `Misconfigured` that names it."""
    found = re.fullmatch(rf"(daily|{'|'.join(DAYS)}) ([01]\d|2[0-3]):([0-5]\d)", text.strip().lower())
    if found is None:
        raise Misconfigured(
            f'{where} is {text!r}: write a day and a time in UTC, such as "mon 06:00" or "daily 06:00"'
        )
    weekday = None if found[1] == "daily" else DAYS.index(found[1])
    return Times(weekday, int(found[2]), int(found[3]))
