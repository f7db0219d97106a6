"""By which clock an audio was dated, so that its start can be put right once that clock is.

A board without a battery begins to record with a clock that is hours or decades behind, until the network
sets it. How far the clock was ahead of the time since the machine started tells what to add, within one boot.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path

from escolta.clock import Clock
from node_agent.recording.times import EARLIEST

STEP_S = 2.0
"""A clock that moves by less is kept right little by little; by more, somebody has set it (ours)."""

AT_ONCE_S = 0.1

AHEAD = timedelta(seconds=60)
"""As far as ingest lets a clock be ahead."""


@dataclass(frozen=True)
class Dating:
    """How the node's own clock stands: in which boot, and how many seconds ahead of the time since then."""

    boot: str
    ahead_s: float

    def steps_to(self, later: "Dating") -> timedelta | None:
        """What to add to a time by this clock to have it by the later one.

        None where that is nothing, or cannot be known, because the machine was started anew.
        """
        step_s = later.ahead_s - self.ahead_s
        if self.boot != later.boot or abs(step_s) < STEP_S:
            return None
        return timedelta(seconds=round(step_s, 2))  # looked at twice, it is the same step


def dating_by(clock: Clock) -> Dating:
    """How the clock stands now.

    It is read between two looks at the other: whoever is kept waiting in the midst of it would see a step.
    """
    while True:
        before_s, now, after_s = clock.since_boot_s(), clock.now(), clock.since_boot_s()
        if after_s - before_s < AT_ONCE_S:
            return Dating(boot_id(), now.timestamp() - before_s)


def can_be_true(start: datetime, now: datetime) -> bool:
    """Whether ingest may take this start, once its clock and ours are right."""
    return EARLIEST <= start <= now + AHEAD


@cache
def boot_id() -> str:
    """Another one each time the machine starts; empty where the system has none."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return ""
