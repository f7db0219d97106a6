"""Which iterations the demo asks for."""

from collections.abc import Mapping, Sequence
from typing import Any

import httpx

ENDLESS = 10_000
"""Iterations that follow by themselves where nobody says how many: more than anybody ever closes."""

WINDOW_END = "9999-12-31T00:00:00Z"
"""Iterations that follow have the first one's window: it is open, so that they find what comes later."""


async def request_iterations(api: httpx.AsyncClient, batch: int, wanted: int | None) -> None:
    """Ask for as many iterations as are missing of `wanted`, or of as many as there is sound for.

    On a later start that may be none. One that failed or was empty does not count and is asked for anew: what
    was in its way may have been mended, and there may be new sound.
    """
    there = (await api.get("/api/iterations")).raise_for_status().json()
    missing = (wanted or ENDLESS) - _promised(there)
    if missing > 0:
        request = {"batch": batch, "follow_ups": missing - 1, "window_end": WINDOW_END}
        (await api.post("/api/iterations", json=request)).raise_for_status()


def _promised(there: Sequence[Mapping[str, Any]]) -> int:
    """How many iterations there are, and will be without our asking: those that follow an open one."""
    live = [entry for entry in there if entry["status"] not in ("failed", "empty")]
    # The follow-up of a closed one is there as well, unless we come in between.
    going_on = [entry for entry in live if entry["status"] != "closed" or entry is there[-1]]
    return len(live) + sum(entry["follow_ups"] for entry in going_on)
