"""Runs iterations: from a request to committed proposals, from closed batches to the next request.

Naranjo-Alcazar et al. 2024, section 2.4; the steps are numbered as there.
"""

import asyncio
import secrets
from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractContextManager, asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from uuid import UUID, uuid4, uuid5

import asyncpg

from al_engine.catalog import windows
from al_engine.exact.memory import most_samples
from al_engine.iterations import inputs, predictions, store
from al_engine.iterations.inputs import Inputs
from al_engine.iterations.proposing import Outcome, propose
from al_engine.method import strategies
from al_engine.method.partition import number_of_sets
from al_engine.method.selection import SelectionSettings
from al_engine.metrics import Metrics
from escolta.errors import EscoltaError, Rejected, Transient
from escolta.events import (
    AudioEmbedded,
    AudioLabeled,
    BatchProposed,
    IterationClosed,
    IterationRequested,
    Window,
)
from escolta.service import Message, Platform

MOST_ATTEMPTS = 5
TELL_EVERY_S = 0.5


class Iterations:
    """What the al-engine does with its events; one iteration at a time in the whole deployment."""

    def __init__(self, on: Platform) -> None:
        self._on = on
        self._log = on.log("al-engine")
        self._metrics = Metrics(on.metrics)

    # Requests ------------------------------------------------------------------------------------------

    async def request(
        self,
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
        await self.announce(event)
        return event.iteration_id

    async def run_requested(self, messages: Sequence[Message[IterationRequested]]) -> None:
        """Write each request's row, if somebody else asked, and run it."""
        for message in messages:
            _check(message.event)
            await store.add_request(self._on.catalog, message.event)
            await self.run(message.event.iteration_id)

    async def announce(self, event: IterationRequested) -> None:
        """Write the request and tell of it."""
        await store.add_request(self._on.catalog, event)
        try:
            await self._on.bus.publish(event)
        except Transient as error:
            # The row is there, so the request stands: catching up will run it.
            self._log.warning(
                "asked for without the bus: %s", error, extra={"iteration_id": event.iteration_id}
            )

    async def count_embedded(self, messages: Sequence[Message[AudioEmbedded]]) -> None:
        """Count what has come: it tells an operator when another iteration is worth while."""
        self._metrics.embedded.inc(len(messages))

    # The iteration ---------------------------------------------------------------------------------------

    async def run(self, iteration_id: UUID) -> None:
        """Run a requested iteration to its committed proposals; one that has them already is left alone.

        One that was stopped after it had fixed its inputs is ended first: its proposals are settled.
        Raises `Transient` while another iteration runs. Killed anywhere, it runs again and ends the same.
        """
        if await store.requested(self._on.catalog, iteration_id) is None:
            return
        async with self._alone() as connection:
            for begun in await store.begun(connection):
                await self._finish(connection, begun)
            await self._finish(connection, iteration_id)

    async def _finish(self, connection: asyncpg.Connection, iteration_id: UUID) -> None:
        request = await store.requested(connection, iteration_id)
        if request is None:
            return
        try:
            if await store.count_attempt(connection, iteration_id) > MOST_ATTEMPTS:
                raise Rejected(
                    f"it was begun {MOST_ATTEMPTS} times and never ended: the log says why, or the "
                    "memory was not enough and the process was killed (set "
                    "ESCOLTA_MAX_SAMPLES lower), then ask again"
                )
            proposed = await self._propose(connection, request)
        except Rejected as error:
            await store.fail(connection, iteration_id, str(error))
            self._metrics.outcomes.labels("failed").inc()
            self._log.error("given up: %s", error, extra={"iteration_id": iteration_id})
            return
        except (Exception, asyncio.CancelledError) as error:
            if isinstance(error, EscoltaError | asyncio.CancelledError) or store.was_cut_off(error):
                await store.forget_attempt(self._on.catalog, iteration_id)
            raise
        if proposed:
            await self._on.bus.publish(BatchProposed(iteration_id=iteration_id, audios=proposed))
        self._metrics.outcomes.labels("proposed" if proposed else "empty").inc()
        self._log.info("proposed %d audios", proposed, extra={"iteration_id": iteration_id})

    async def _propose(self, connection: asyncpg.Connection, request: IterationRequested) -> int:
        """How many audios were proposed; the record is written in any case.

        1.-2. Fix the inputs: window, medoids, settings. 3.-4. Partition and select. 5. Record.
        """
        stands_on = await inputs.fixed(connection, request) or await self._fix(connection, request)
        watch = _Watch(self._on, self._metrics, request.iteration_id)
        outcome = await propose(self._on.catalog, stands_on, watch, self._kept_in)
        with watch.stage("record"):
            await watch.tell("record")
            await self._record(connection, stands_on, outcome)
        self._metrics.unlabeled.set(len(outcome.candidates))
        self._metrics.medoids.set(len(stands_on.medoids))
        return len(outcome.selection.proposals)

    async def _fix(self, connection: asyncpg.Connection, request: IterationRequested) -> Inputs:
        settings = self._on.settings
        model = await store.model_in_use(connection, settings.model)
        medoids = await inputs.choose_medoids(
            connection, self._on.catalog, windows.windows_of(request), model[0], settings.max_medoids
        )
        chosen = SelectionSettings(
            batch=request.batch,
            max_set=settings.max_samples or most_samples(first=not len(medoids)),
            strategy=request.strategy or settings.strategy,
            control_share=settings.control_share,
            seed=secrets.randbits(32),  # whoever labels knows the id, and could draw the control arm from it
        )
        return await inputs.fix(connection, request, model, medoids, chosen, settings.max_medoids)

    async def _record(self, connection: asyncpg.Connection, stands_on: Inputs, outcome: Outcome) -> None:
        candidates, proposals = outcome.candidates, outcome.selection.proposals
        proposed, labeled = await store.proposed_before(
            connection, stands_on.windows, stands_on.model_id, stands_on.number
        )
        said = predictions.of(outcome)
        before = await store.last_predictions(connection, stands_on.number, stands_on.model_id)
        compared, changed = predictions.changed(before, said) if before and said else (None, None)
        # With medoids of one class there is no classifier, and so nothing that could differ.
        told = [one for one in outcome.judged_sets() or () if one.opinion.prediction]
        facts = {
            "status": "proposed" if proposals else "empty",
            "audios": len(candidates) + proposed,
            "unlabeled": len(candidates),
            "unlabeled_digest": candidates.digest(),
            "disjoint_sets": number_of_sets(len(candidates), stands_on.settings.max_set),
            "share_labeled": labeled / (len(candidates) + proposed) if labeled else 0.0,
            "judged": sum(len(one.rows) for one in told) if told else None,
            "mismatched": sum(int(one.opinion.mismatched.sum()) for one in told) if told else None,
            "compared": compared,
            "changed": changed,
        }
        rows = await self._rows(outcome, stands_on)
        await store.record(connection, stands_on.iteration_id, facts, rows, said)

    async def _rows(self, outcome: Outcome, stands_on: Inputs) -> list[store.ProposalRow]:
        proposals = outcome.selection.proposals
        ids = [proposal.audio_id for proposal in proposals]
        starts = outcome.candidates.starts_of(ids)
        described = await store.described(self._on.catalog, ids, starts)
        medoid_ids = stands_on.medoids.audio_ids
        return [
            store.ProposalRow(
                proposal.audio_id,
                start,
                *described[proposal.audio_id],
                proposal.rank,
                proposal.disjoint_set,
                None if proposal.nearest_medoid is None else medoid_ids[proposal.nearest_medoid],
                proposal.medoid_distance,
                proposal.propagated_class,
                proposal.predicted_class,
                proposal.predicted_probability,
                proposal.mismatched,
                proposal.control,
            )
            for proposal, start in zip(proposals, starts, strict=True)
        ]

    @property
    def _kept_in(self) -> Path:
        return self._on.settings.state_dir / "al-engine"

    @asynccontextmanager
    async def _alone(self) -> AsyncIterator[asyncpg.Connection]:
        """A connection that holds the one-iteration lock; PostgreSQL releases it if we are killed."""
        async with self._on.catalog.acquire() as connection:
            if not await connection.fetchval("SELECT pg_try_advisory_lock($1)", store.ONE_ITERATION):
                raise Transient("another iteration is running; this one starts when it is done")
            try:
                yield connection
            finally:
                await connection.execute("SELECT pg_advisory_unlock($1)", store.ONE_ITERATION)

    # What comes back ---------------------------------------------------------------------------------------

    async def keep_labels(self, messages: Sequence[Message[AudioLabeled]]) -> None:
        """Write the groups' answers to the proposals."""
        await store.save_labels(self._on.catalog, [message.event for message in messages])

    async def close(self, messages: Sequence[Message[IterationClosed]]) -> None:
        """Close iterations that every group has finished."""
        for message in messages:
            await self._close(message.event.iteration_id)

    async def _close(self, iteration_id: UUID) -> None:
        """1. Labels whose events are still on their way are read from their rows. 2. Close. 3. Follow up."""
        await store.save_labels(self._on.catalog, await store.missed_labels(self._on.catalog, iteration_id))
        await store.close(self._on.catalog, iteration_id)
        for closed in await store.closed_with_follow_ups(self._on.catalog, iteration_id):
            await self.announce(_follow_up(closed))

    async def catch_up(self) -> None:
        """Find what events have missed: labels, closings, follow-ups, requests that were not run."""
        await store.save_labels(self._on.catalog, await store.missed_labels(self._on.catalog))
        for iteration_id in await store.missed_closings(self._on.catalog):
            await self._close(iteration_id)
        follow_ups = {
            next_one.iteration_id: next_one
            for next_one in map(_follow_up, await store.closed_with_follow_ups(self._on.catalog))
        }
        for iteration_id in follow_ups.keys() - await store.known(self._on.catalog, list(follow_ups)):
            await store.add_request(self._on.catalog, follow_ups[iteration_id])
        await self.run_waiting()

    async def run_waiting(self) -> None:
        """Run what was asked for by a row alone, as a command does that shares no bus with us."""
        waiting = await store.all_requested(self._on.catalog)
        self._metrics.waiting.set(len(waiting))
        for iteration_id in waiting:
            try:
                await self.run(iteration_id)
            except Transient:
                return  # one is running, so the engine is at work: what is left over is found next time


@dataclass
class _Watch:
    """Seconds for the operator, and progress for the person who waits, written twice a second at most."""

    on: Platform
    metrics: Metrics
    iteration_id: UUID
    told: tuple[str, float] = ("", 0.0)

    def stage(self, name: str) -> AbstractContextManager[object]:
        return self.metrics.seconds.labels(name).time()

    async def tell(self, stage: str, done: int | None = None, total: int | None = None) -> None:
        now = asyncio.get_running_loop().time()
        if stage != self.told[0] or now - self.told[1] >= TELL_EVERY_S:
            self.told = (stage, now)
            await store.tell(self.on.catalog, self.iteration_id, stage, done, total)


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


def _follow_up(closed: IterationRequested) -> IterationRequested:
    """The iteration after this one; its id follows from the first's, so that it is asked for once."""
    return closed.model_copy(
        update={
            "iteration_id": uuid5(closed.iteration_id, "follow-up"),
            "follow_ups": closed.follow_ups - 1,
            "scheduled_for": None,
        }
    )
