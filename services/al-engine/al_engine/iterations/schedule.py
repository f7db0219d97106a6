"""Iterations that start by themselves, weekly as in the paper, or daily.

The setting is a day and a time in UTC: "mon 06:00", "daily 06:00". At each such moment an iteration is
asked for, over all nodes, with a window from one period before the last scheduled one's end: what was
recorded since, and what came late from a node that was away. Moments that passed while nothing ran are made
up for by one iteration whose window covers them all. When the schedule is new, it asks at once for the
period that has just ended. Its id follows from the moment, so that several processes ask for it once.
"""

from uuid import NAMESPACE_URL, uuid5

from al_engine.iterations import requests
from al_engine.iterations.handlers import Iterations
from escolta.events import IterationRequested
from escolta.service import Platform
from escolta.times import read_times

SCHEDULE_NAMESPACE = uuid5(NAMESPACE_URL, "escolta:schedule")


class Schedule:
    """Asks for an iteration when one is due."""

    def __init__(self, on: Platform, iterations: Iterations) -> None:
        self._on = on
        self._iterations = iterations
        text = on.settings.schedule
        self._times = read_times(text, "ESCOLTA_SCHEDULE") if text else None

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
