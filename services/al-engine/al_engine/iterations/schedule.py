"""Iterations that start by themselves, weekly as in the paper, or daily.

The setting is a day and a time in UTC: "mon 06:00", "daily 06:00". At each such moment an iteration is
asked for, over all nodes, with a window from one period before the last scheduled one's end: what was
recorded since, and what came late from a node that was away. Moments that passed while nothing ran are made
up for by one iteration whose window covers them all. When the schedule is new, it asks at once for the
period that has just ended. Its id follows from the moment, so that several processes ask for it once.
"""

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import NAMESPACE_URL, uuid5

from al_engine.iterations import requests
from al_engine.iterations.handlers import Iterations
from escolta.errors import Misconfigured
from escolta.events import IterationRequested
from escolta.service import Platform

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
SCHEDULE_NAMESPACE = uuid5(NAMESPACE_URL, "escolta:schedule")


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


def read_times(text: str) -> Times | None:
    """What ESCOLTA_SCHEDULE says; None where it is empty. Raises `Misconfigured` for anything else."""
    if not text:
        return None
    found = re.fullmatch(rf"(daily|{'|'.join(DAYS)}) ([01]\d|2[0-3]):([0-5]\d)", text.strip().lower())
    if found is None:
        raise Misconfigured(
            f"ESCOLTA_SCHEDULE is {text!r}: write a day and a time in UTC, such as"
            ' "mon 06:00" or "daily 06:00"'
        )
    weekday = None if found[1] == "daily" else DAYS.index(found[1])
    return Times(weekday, int(found[2]), int(found[3]))


class Schedule:
    """Asks for an iteration when one is due."""

    def __init__(self, on: Platform, iterations: Iterations) -> None:
        self._on = on
        self._iterations = iterations
        self._times = read_times(on.settings.schedule)

    async def ask_if_due(self) -> None:
        """Ask for the iteration of the last moment that has come, unless somebody has."""
        if self._times is None:
            return
        due = self._times.last(self._on.clock.now())
        last = await requests.last_scheduled(self._on.catalog)
        if last is not None and last >= due:
            return
        await self._iterations.announce(
            IterationRequested(
                iteration_id=uuid5(SCHEDULE_NAMESPACE, due.isoformat()),
                window_start=(last or due) - self._times.period,
                window_end=due,
                batch=self._on.settings.batch,
                scheduled_for=due,
            )
        )
