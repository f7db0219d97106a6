"""The fleet as lines of a table."""

from collections.abc import Sequence
from datetime import datetime

from asyncpg import Record

from ingest.fleet.keeping import how_long

HEADS = ("node", "account", "last heard of", "spooled", "audios", "kept")


def listed(states: Sequence[Record], admitted: set[str] | None, now: datetime) -> list[str]:
    """One line a node below the heads. `admitted`: who has an account; none: there is no broker to ask."""
    rows = [
        (
            state["name"],
            "?" if admitted is None else "yes" if state["name"] in admitted else "none",
            ago(state["last_seen"], now),
            "" if state["spooled"] is None else str(state["spooled"]),
            str(state["audios"]),
            "" if state["keep_audio_days"] is None else how_long(state["keep_audio_days"]),
        )
        for state in states
    ]
    known = {state["name"] for state in states}
    rows += [
        (name, "yes, but is not registered", "", "", "", "") for name in sorted((admitted or set()) - known)
    ]
    widths = [max(len(row[column]) for row in (HEADS, *rows)) for column in range(len(HEADS))]
    return ["  ".join(map(str.ljust, row, widths)).rstrip() for row in (HEADS, *rows)]


def ago(moment: datetime | None, now: datetime) -> str:
    """How long ago, in the largest unit that fits."""
    if moment is None:
        return "never"
    seconds = max((now - moment).total_seconds(), 0)
    for unit, length in (("d", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= length:
            return f"{seconds // length:.0f} {unit} ago"
    return f"{seconds:.0f} s ago"
