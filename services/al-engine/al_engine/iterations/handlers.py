"""What the al-engine does with its events: requests begin iterations, closed batches ask for the next."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID, uuid4

from al_engine.catalog import windows
from al_engine.iterations import labels, requests
from al_engine.iterations.running import Running
from al_engine.method import strategies
from al_engine.metrics import Metrics
from escolta.audit import Who
from escolta.errors import Rejected, Transient
from escolta.events import AudioEmbedded, AudioLabeled, IterationClosed, IterationRequested, Window
from escolta.observe import tell_of
from escolta.service import Message, Platform
from escolta.work import Work


class Iterations:
    """Iterations of this deployment. Rows are the truth, and an event says where to look."""

    def __init__(self, on: Platform) -> None:
        self._on = on
        self._log = on.log("al-engine")
        self._metrics = Metrics(on.metrics)
        self.running = Running(on, self._metrics)
        failed = self._metrics.outcomes.labels("failed")
        self.work = Work(
            requests.ITERATIONS, lambda: on.catalog, self._log, self.running.run, lambda _: failed.inc()
        )

    async def request(
        self,
        by: Who,
        *,
        nodes: Sequence[str] = (),
        window_start: datetime | None = None,
        window_end: datetime | None = None,
        hours: tuple[int, int] | None = None,
        further_windows: Sequence[Window] = (),
        strategy: str | None = None,
        batch: int | None = None,
        follow_ups: int = 0,
    ) -> UUID:
        """Ask for an iteration; the row is written before anybody hears of it. Default: everything so far.

        `by` is written into the audit log.

        Raises `Rejected` for a window that holds nothing by its bounds, and for an unknown strategy.
        """
        event = IterationRequested(
            iteration_id=uuid4(),
            nodes=tuple(nodes),
            window_start=window_start or windows.BEGINNING,
            window_end=window_end or self._on.clock.now(),
            hours=hours,
            further_windows=tuple(further_windows),
            strategy=strategy,
            batch=batch or self._on.settings.batch,
            follow_ups=follow_ups,
        )
        _check(event)
        await self.announce(event, by)
        return event.iteration_id

    async def announce(self, event: IterationRequested, by: Who | None = None) -> None:
        """Write the request and tell of it; `by`: who made it, or nobody but the schedule."""
        await requests.add_request(self._on.catalog, event, by)
        try:
            await self._on.bus.publish(event)
        except Transient as error:
            # The row is there, so the request stands: whoever looks will run it.
            self._log.warning(
                "asked for without the bus: %s", error, extra={"iteration_id": event.iteration_id}
            )

    async def hear_requests(self, messages: Sequence[Message[IterationRequested]]) -> None:
        """Run at once what was asked for by a row."""
        asked = [message.event.iteration_id for message in messages]
        known = await requests.known(self._on.catalog, asked)
        for message in messages:
            if message.event.iteration_id not in known:
                message.reject(
                    f"there is no row of iteration {message.event.iteration_id}, so nobody has asked for it:"
                    " ask by POST /api/iterations or by `escolta iterate`"
                )
        if known:
            self.work.wake()

    async def count_embedded(self, messages: Sequence[Message[AudioEmbedded]]) -> None:
        """Count what has come: it tells an operator when another iteration is worth while."""
        self._metrics.embedded.inc(len(messages))

    async def hear_labels(self, messages: Sequence[Message[AudioLabeled]]) -> None:
        """Write what groups have agreed on, as their rows have it."""
        proposals = [(message.event.iteration_id, message.event.audio_id) for message in messages]
        without = await labels.take_up(self._on.catalog, proposals)
        for message, (iteration_id, audio_id) in zip(messages, proposals, strict=True):
            if (iteration_id, audio_id) in without:
                message.reject(
                    f"there is no row of an agreement on audio {audio_id} in iteration {iteration_id}, so"
                    " nothing was changed: label-gateway writes one before it tells of it"
                )
        taken_up = {
            audio_id for iteration_id, audio_id in proposals if (iteration_id, audio_id) not in without
        }
        tell_of(self._log, "took up what groups agreed on, of %d audios", taken_up)

    async def hear_closings(self, messages: Sequence[Message[IterationClosed]]) -> None:
        """Close iterations that every group has finished, as their rows have it."""
        for message in messages:
            if not await self._close(message.event.iteration_id):
                message.reject(
                    f"iteration {message.event.iteration_id} has no row that says it is finished, so it stays"
                    " open: label-gateway writes one before it tells of it"
                )

    async def _close(self, iteration_id: UUID) -> bool:
        """1. Take up labels whose events are still on their way. 2. Close. 3. Follow up."""
        await labels.take_up_all(self._on.catalog, iteration_id)
        closed = await labels.close(self._on.catalog, iteration_id)
        if closed:
            await requests.add_follow_ups(self._on.catalog, iteration_id)
            self.work.wake()
        return closed

    async def catch_up(self) -> None:
        """Find what events have missed: labels, corrected labels, closings, follow-ups."""
        await labels.take_up_all(self._on.catalog)
        for iteration_id in await labels.missed_closings(self._on.catalog):
            await self._close(iteration_id)
        await requests.add_follow_ups(self._on.catalog)
        self.work.wake()


def _check(event: IterationRequested) -> None:
    for window in windows.windows_of(event):
        if window.window_end <= window.window_start:
            raise Rejected(
                f"the window ends at {window.window_end:%Y-%m-%d %H:%M:%S} UTC, not after its start at "
                f"{window.window_start:%Y-%m-%d %H:%M:%S} UTC: nothing can be in it"
            )
    if event.strategy is not None and event.strategy not in strategies.STRATEGIES:
        raise Rejected(
            f"there is no strategy {event.strategy!r}: choose one of {', '.join(strategies.STRATEGIES)}"
        )
