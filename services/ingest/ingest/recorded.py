"""From `AudioRecorded` to a row in the catalog and the answer to the node."""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from uuid import UUID

from prometheus_client import CollectorRegistry, Counter, Histogram

from escolta.errors import Misconfigured, Rejected, Transient
from escolta.events import AudioAccepted, AudioCataloged, AudioRecorded
from escolta.service import Message, Platform
from ingest import store
from ingest.checks import Refused, check_claims, check_object, check_size, conflict, unknown_node

AT_A_TIME = 8
"""Objects that are fetched and checked together: what is in memory at once."""

Problem = Refused | Transient | Misconfigured
"""What is wrong with an audio, or with the store that has it: only the first is the audio's fault."""


class Metrics:
    """What an operator watches on ingest."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.accepted = Counter(
            "escolta_ingest_accepted", "Audios in the catalog whose node was answered", registry=registry
        )
        self.refused = Counter("escolta_ingest_refused", "Audios refused", ["kind"], registry=registry)
        self._stage_s = Histogram(
            "escolta_ingest_stage_seconds",
            "Seconds of a stage: fetch and check an object; insert and publish a batch",
            ["stage"],
            registry=registry,
        )

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        with self._stage_s.labels(name).time():
            yield


class Cataloging:
    """The handler of `AudioRecorded`; it remembers which months have their partitions."""

    def __init__(self, on: Platform) -> None:
        self._on = on
        self._log = on.log("ingest")
        self._metrics = Metrics(on.metrics)
        self._free = asyncio.Semaphore(AT_A_TIME)
        self._months: set[tuple[int, int]] = set()

    async def catalog(self, messages: Sequence[Message[AudioRecorded]]) -> None:
        """Catalog a batch; what is wrong with one audio harms no other.

        1. Check what each event says, fetch its object and check that.
        2. Insert the good ones in one transaction; one that is there already stays as it is.
        3. Refuse those whose place is taken by another sound.
        4. Answer the node and tell the embedder, also for what was there: the first answer may be lost.
        5. Give each message its verdict.
        """
        events = [message.event for message in messages]
        channels_heard: dict[UUID, str] = {}
        problems = await self._examine_all(events, channels_heard)
        good = [event for event, problem in zip(events, problems, strict=True) if problem is None]
        cataloged = await self._insert(good, channels_heard)
        for index, event in enumerate(events):
            if problems[index] is None and cataloged[event.audio_id] != bytes.fromhex(event.sha256):
                problems[index] = conflict(event)
        accepted = [event for event, problem in zip(events, problems, strict=True) if problem is None]
        with self._metrics.stage("publish"):
            await asyncio.gather(*(self._answer(event) for event in accepted))
        self._metrics.accepted.inc(len(accepted))
        for message, problem in zip(messages, problems, strict=True):
            if problem is not None:
                self._judge(message, problem)

    async def _examine_all(
        self, events: Sequence[AudioRecorded], channels_heard: dict[UUID, str]
    ) -> list[Problem | None]:
        """What stands between each audio and the catalog; fills in which of its channels are heard."""
        known = await store.known_nodes(self._on.catalog, {event.node for event in events})
        now = self._on.clock.now()
        return await asyncio.gather(*(self._examine(event, known, now, channels_heard) for event in events))

    async def _examine(
        self, event: AudioRecorded, known: set[str], now: datetime, channels_heard: dict[UUID, str]
    ) -> Problem | None:
        """What stands between the audio and the catalog; None if nothing does."""
        try:
            if event.node not in known:
                raise unknown_node(event.node)
            check_claims(event, now)
            async with self._free:
                with self._metrics.stage("fetch"):
                    check_size(event, await self._on.objects.size(event.object_key))
                    content = await self._on.objects.get(event.object_key)
                with self._metrics.stage("check"):
                    told = await asyncio.to_thread(check_object, event, content)
                    channels_heard[event.audio_id] = told
        except (Refused, Transient, Misconfigured) as problem:
            return problem
        except Rejected as problem:  # the object store's own: a key that is none
            return Refused("object", str(problem))
        return None

    async def _insert(
        self, events: Sequence[AudioRecorded], channels_heard: Mapping[UUID, str]
    ) -> dict[UUID, bytes]:
        """Insert `events`; the digest that the catalog now has of each audio id."""
        if not events:
            return {}
        with self._metrics.stage("insert"):
            for event in events:
                month = (event.start.year, event.start.month)
                if month not in self._months:
                    await store.ensure_month(self._on.catalog, event.start)
                    self._months.add(month)
            return await store.insert_audios(self._on.catalog, events, channels_heard)

    async def _answer(self, event: AudioRecorded) -> None:
        await self._on.bus.publish(AudioAccepted(audio_id=event.audio_id, node=event.node))
        await self._on.bus.publish(
            AudioCataloged(audio_id=event.audio_id, start=event.start, object_key=event.object_key)
        )

    def _judge(self, message: Message[AudioRecorded], problem: Problem) -> None:
        carried = {"audio_id": message.event.audio_id, "node": message.event.node}
        if isinstance(problem, Refused):
            message.reject(str(problem))
            self._metrics.refused.labels(problem.kind).inc()
            self._log.info("refused: %s", problem, extra=carried)
        else:
            # A store that is away, or a password that was changed, is no fault of the audio.
            message.retry(str(problem))
            self._log.warning("later: %s", problem, extra=carried)
