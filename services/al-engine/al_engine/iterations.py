"""Runs iterations: from a request to committed proposals, from closed batches to the next request.

Naranjo-Alcazar et al. 2024, section 2.4; the steps are numbered as there.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict
from datetime import UTC, datetime
from importlib.metadata import version
from uuid import UUID, uuid4, uuid5

import asyncpg
from prometheus_client import Counter, Histogram

from al_engine import store
from al_engine.committee import predict
from al_engine.memory import most_samples
from al_engine.partition import number_of_sets
from al_engine.selection import Proposal, SelectionSettings, select_batch
from al_engine.store import Audios, Medoids, Requested
from escolta.errors import Misconfigured, Transient
from escolta.events import AudioEmbedded, AudioLabeled, BatchProposed, IterationClosed, IterationRequested
from escolta.service import Message, Platform

BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)


class Iterations:
    """What the al-engine does with its events; one iteration at a time in the whole deployment."""

    def __init__(self, on: Platform) -> None:
        self._on = on
        self._log = on.log("al-engine")
        self._iterations = Counter(
            "escolta_iterations", "Iterations, by outcome", ["outcome"], registry=on.metrics
        )
        self._embedded = Counter(
            "escolta_audios_to_choose_from",
            "Audios that an iteration can propose, since this process started",
            registry=on.metrics,
        )
        self._seconds = Histogram(
            "escolta_iteration_seconds",
            "Seconds of an iteration, by stage",
            ["stage"],
            registry=on.metrics,
            buckets=(0.1, 0.3, 1, 3, 10, 30, 100, 300),
        )

    # Requests ------------------------------------------------------------------------------------------

    async def request(
        self,
        *,
        nodes: Sequence[str] = (),
        window_start: datetime | None = None,
        window_end: datetime | None = None,
        batch: int | None = None,
        follow_ups: int = 0,
    ) -> UUID:
        """Ask for an iteration; the row is written before anybody hears of it. Default: everything so far."""
        event = IterationRequested(
            iteration_id=uuid4(),
            nodes=tuple(nodes),
            window_start=window_start or BEGINNING,
            window_end=window_end or self._on.clock.now(),
            batch=batch or self._on.settings.batch,
            follow_ups=follow_ups,
        )
        await self._announce(event)
        return event.iteration_id

    async def run_requested(self, messages: Sequence[Message[IterationRequested]]) -> None:
        """Write each request's row, if somebody else asked, and run it."""
        for message in messages:
            await store.add_request(self._on.catalog, message.event)
            await self.run(message.event.iteration_id)

    async def _announce(self, event: IterationRequested) -> None:
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
        self._embedded.inc(len(messages))

    # The iteration ---------------------------------------------------------------------------------------

    async def run(self, iteration_id: UUID) -> None:
        """Run a requested iteration to its committed proposals; one that has them already is left alone.

        1.-2. Load the window, split into medoids and unlabeled.
        3.-4. Partition and select, off the event loop.
        5. Record.
        6. Hand over: publish.

        Raises `Transient` while another iteration runs. Killed anywhere, it runs again and ends the same.
        """
        async with self._alone() as connection:
            requested = await store.requested(connection, iteration_id)
            if requested is None:
                return
            proposed = await self._propose(connection, requested)
        if proposed:
            await self._on.bus.publish(BatchProposed(iteration_id=iteration_id, audios=proposed))
        self._iterations.labels("proposed" if proposed else "empty").inc()
        self._log.info("proposed %d audios", proposed, extra={"iteration_id": iteration_id})

    async def _propose(self, connection: asyncpg.Connection, requested: Requested) -> int:
        """How many audios were proposed; the record is written in any case."""
        settings = self._on.settings
        model_id, dim = await self._model(connection)
        with self._seconds.labels("load").time():
            audios = await store.unlabeled(connection, requested, model_id, dim)
            medoids = await store.medoids(connection, requested, model_id, dim, settings.max_medoids)
            in_window = await store.audios_in_window(connection, requested, model_id)
        chosen = SelectionSettings(requested.batch, settings.max_samples or most_samples())
        with self._seconds.labels("select").time():
            proposals = await asyncio.to_thread(_select, audios, medoids, chosen)
        facts = {
            "status": "proposed" if proposals else "empty",
            "audios": in_window,
            "medoids": len(medoids.audio_ids),
            "disjoint_sets": number_of_sets(len(audios), chosen.max_set),
            "share_labeled": medoids.in_window / in_window if in_window else 0.0,
            "settings": asdict(chosen) | {"max_medoids": settings.max_medoids},
            "model_id": model_id,
            "code_version": version("escolta-al-engine"),
        }
        rows = _rows(proposals, audios, medoids)
        await store.record(connection, requested.iteration_id, facts, rows)
        return len(rows)

    async def predictions(self) -> list[tuple[UUID, str, str, float]]:
        """Audio id, file name, class and probability, by the committee's classifier fitted to every medoid.

        For every embedded audio that no group is done with. Empty while there are fewer than two classes.
        """
        everything = Requested(uuid4(), [], BEGINNING, self._on.clock.now(), 1, 0)
        async with self._on.catalog.acquire() as connection:
            model_id, dim = await self._model(connection)
            limit = self._on.settings.max_medoids
            medoids = await store.medoids(connection, everything, model_id, dim, limit)
            audios = await store.never_labeled(connection, model_id, dim)
        if not len(audios) or len(set(medoids.classes)) < 2:
            return []
        found = await asyncio.to_thread(predict, medoids.vectors, medoids.classes, audios.vectors)
        return [
            (audio_id, file_name, str(class_name), float(probability))
            for audio_id, file_name, class_name, probability in zip(
                audios.audio_ids, audios.file_names, found.classes, found.probabilities, strict=True
            )
        ]

    async def _model(self, connection: asyncpg.Connection) -> tuple[str, int]:
        name = self._on.settings.model
        found = await store.newest_model(connection, name)
        if found is None:
            raise Misconfigured(
                f"no audio is embedded by a model {name!r}: start the embedder, or set ESCOLTA_MODEL"
            )
        return found

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
            await self._announce(_follow_up(closed))

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
        for iteration_id in await store.all_requested(self._on.catalog):
            try:
                await self.run(iteration_id)
            except Transient:
                return  # one is running, so the engine is at work: what is left over is found next time


def _select(audios: Audios, medoids: Medoids, chosen: SelectionSettings) -> list[Proposal]:
    return select_batch(
        audios.vectors,
        audios.audio_ids,
        audios.top_classes,
        audios.top_probabilities,
        medoids.vectors,
        medoids.classes,
        chosen,
    ).proposals


def _rows(proposals: Sequence[Proposal], audios: Audios, medoids: Medoids) -> list[store.ProposalRow]:
    place = {audio_id: row for row, audio_id in enumerate(audios.audio_ids)}
    return [
        store.ProposalRow(
            proposal.audio_id,
            audios.starts[place[proposal.audio_id]],
            audios.nodes[place[proposal.audio_id]],
            audios.file_names[place[proposal.audio_id]],
            proposal.rank,
            proposal.disjoint_set,
            None if proposal.nearest_medoid is None else medoids.audio_ids[proposal.nearest_medoid],
            proposal.medoid_distance,
            proposal.propagated_class,
            proposal.predicted_class,
            proposal.predicted_probability,
            proposal.mismatched,
        )
        for proposal in proposals
    ]


def _follow_up(closed: Requested) -> IterationRequested:
    """The iteration after this one; its id follows from the first's, so that it is asked for once."""
    return IterationRequested(
        iteration_id=uuid5(closed.iteration_id, "follow-up"),
        nodes=tuple(closed.nodes),
        window_start=closed.window_start,
        window_end=closed.window_end,
        batch=closed.batch,
        follow_ups=closed.follow_ups - 1,
    )
