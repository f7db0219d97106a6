"""What the person at the terminal sees: how far the sound has come, all along."""

import sys
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

import httpx
from rich.console import Console
from rich.live import Live
from rich.table import Table
from rich.text import Text

from escolta.names import on_screen
from escolta.service import Platform
from escolta_demo.recordings import REASONS_SHOWN

LINE_EVERY_S = 5.0


@dataclass(frozen=True)
class Counts:
    """How many audios have come how far.

    `refused`, `left_out` and `doubtful` count rows of the quarantine list; `reasons` are the newest of them.
    `source`: what the node says that the folder holds. `exhausted`: everything has been proposed. `failure`:
    why the last iteration was given up.
    """

    recorded: int
    audios: int
    refused: int
    left_out: int
    doubtful: int
    reasons: Sequence[str]
    source: str
    spooled: int
    source_done: bool
    embedded: int
    waiting: int
    iterations: int
    closed: int
    proposed: int
    labeled: int
    exhausted: bool
    failure: str | None

    def line(self) -> str:
        """One line for a terminal that cannot be redrawn, and for logs."""
        parts = [f"recorded {self.recorded}", f"cataloged {self.audios}", f"embedded {self.embedded}"]
        if self.listed():
            parts.append(f"{self.listed()} (page /quarantine says why)")
        if self.iterations:
            parts.append(
                f"iteration {self.iterations}: {self.labeled} of {self.proposed} proposed are labeled"
            )
        if self.failure:
            parts.append(f"the last iteration was given up: {self.failure}")
        return " · ".join(parts)

    def listed(self) -> str:
        """What the quarantine list has, such as "refused 1 · left out 3"; empty where it has nothing."""
        kinds = {"refused": self.refused, "left out": self.left_out, "doubtful": self.doubtful}
        return " · ".join(f"{kind} {count}" for kind, count in kinds.items() if count)

    def why(self) -> str:
        """The newest reasons of the quarantine list, a line each."""
        return "".join(f"\n  {on_screen(reason)}" for reason in self.reasons)


Ask = Callable[[], Awaitable[Counts]]


async def counts(api: httpx.AsyncClient, on: Platform, begun: datetime) -> Counts:
    """Ask each service, as any client of the HTTP API would.

    What the node said before `begun` is what it had come to at an earlier start.
    """
    ingest, embedder, batches = [
        (await api.get(path)).raise_for_status().json()
        for path in ("/api/ingest", "/api/embedder", "/api/progress")
    ]
    iterations = (await api.get("/api/iterations")).raise_for_status().json()
    listed = (await api.get(f"/api/quarantine?limit={REASONS_SHOWN}")).raise_for_status().json()
    [node] = [node for node in ingest["nodes"] if node["name"] == on.settings.node_name]
    recorded = on.metrics.get_sample_value("escolta_node_recorded_total") or 0
    last = iterations[-1] if iterations else {"status": None, "failure": None}
    return Counts(
        recorded=max(int(recorded), node["audios"]),
        audios=ingest["audios"],
        refused=ingest["refused"],
        left_out=ingest["left_out"],
        doubtful=ingest["doubtful"],
        reasons=[entry["reason"] for entry in listed],
        source=node["source"] or "",
        spooled=node["spooled"],
        source_done=bool(node["source_done"]) and datetime.fromisoformat(node["last_seen"]) >= begun,
        embedded=embedder["embedded"],
        waiting=embedder["waiting"],
        iterations=len([entry for entry in iterations if entry["status"] in ("proposed", "closed")]),
        closed=len([entry for entry in iterations if entry["status"] == "closed"]),
        proposed=sum(batch["audios"] for batch in batches),
        labeled=sum(batch["finished"] for batch in batches),
        exhausted=last["status"] == "empty"
        and not any(entry["status"] in ("requested", "proposed") for entry in iterations),
        failure=last["failure"],
    )


class Progress:
    """A table that is redrawn on a terminal; elsewhere a line whenever something has moved."""

    def __init__(self) -> None:
        self._console = Console(file=sys.stderr)
        self._live = Live(console=self._console, refresh_per_second=4, transient=False)
        self._last = ("", 0.0)

    def __enter__(self) -> "Progress":
        if self._console.is_terminal:
            self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._console.is_terminal:
            self._live.stop()

    def say(self, text: str) -> None:
        """A line that stays, above what is redrawn. Not for logs: it goes to the terminal alone."""
        self._console.print(text, highlight=False, markup=False, soft_wrap=True)

    def show(self, now: Counts) -> None:
        """Draw the present state."""
        if self._console.is_terminal:
            self._live.update(_table(now))
            return
        line, last_line, at = now.line(), *self._last
        if line != last_line and time.monotonic() - at >= LINE_EVERY_S:
            print(line, file=sys.stderr, flush=True)
            self._last = (line, time.monotonic())


def _table(now: Counts) -> Table:
    table = Table.grid(padding=(0, 2))
    for name, done, total in (
        ("recorded", now.recorded, now.recorded if now.source_done else 0),
        ("cataloged", now.audios, now.recorded),
        ("embedded", now.embedded, now.audios),
        *([("labeled", now.labeled, now.proposed)] if now.iterations else []),
    ):
        bar = "━" * round(30 * done / total) if total else ""
        table.add_row(name, f"[cyan]{bar:<30}[/]", f"{done}" + (f" of {total}" if total else ""))
    if now.iterations:
        table.add_row("iteration", "", str(now.iterations))
    if now.exhausted:
        table.add_row("", "", "nothing is left to propose")
    if now.failure:
        table.add_row("", "", Text(f"given up: {now.failure}", style="red"))
    if now.listed():
        table.add_row("", "", f"{now.listed()} (page /quarantine says why)")
    return table
