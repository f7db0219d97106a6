"""From `AudioRecorded` to a row in the catalog, and at each step the answer to the node."""

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from uuid import UUID

from prometheus_client import CollectorRegistry, Counter, Histogram

from escolta.errors import Misconfigured, Rejected, Transient
from escolta.events import (
    MOST_CATALOGED,
    AlsoCataloged,
    AudioAccepted,
    AudioCataloged,
    AudioHeld,
    AudioRecorded,
    UploadGranted,
)
from escolta.note import note_of
from escolta.observe import tell_of
from escolta.service import Grant, Message, Platform, Stored
from ingest import held, speech_policy, store
from ingest.checks import (
    Held,
    Refused,
    check_claims,
    check_content,
    check_size,
    conflict,
    is_proven,
    stays,
    unknown_node,
)
from ingest.forgotten import forgotten, was_forgotten

AT_A_TIME = 8
"""Objects that are fetched together: what is in memory at once."""

Answer = AudioAccepted | UploadGranted
Problem = Held | Refused | Transient | Misconfigured
"""What is wrong with an audio, its node or the store: only what is `Refused` is the audio's own fault."""

Finding = Answer | Problem | None
"""What is answered to an audio, what stands between it and the catalog, or nothing: it is to be inserted."""


class Metrics:
    """What an operator watches on ingest."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.accepted = Counter(
            "escolta_ingest_accepted", "Audios in the catalog whose node was answered", registry=registry
        )
        self.cataloged = Counter(
            "escolta_ingest_cataloged", "Audios whose row is new in the catalog", ["node"], registry=registry
        )
        self.granted = Counter("escolta_ingest_granted", "Uploads granted to nodes", registry=registry)
        self.held = Counter(
            "escolta_ingest_held", "Answers that an audio waits at its node", ["kind"], registry=registry
        )
        self.refused = Counter("escolta_ingest_refused", "Audios refused", ["kind"], registry=registry)
        self._stage_s = Histogram(
            "escolta_ingest_stage_seconds",
            "Seconds of a stage: ask for an object, fetch one; insert and publish a batch",
            ["stage"],
            registry=registry,
        )

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        with self._stage_s.labels(name).time():
            yield


class Cataloging:
    """The handler of `AudioRecorded`; it remembers which months have their partitions.

    `trusting`: an object's note proves its bytes. A walk through a store that was restored looks at them.
    """

    def __init__(self, on: Platform, *, trusting: bool = True) -> None:
        self._on = on
        self._trusting = trusting
        self._log = on.log("ingest")
        self._metrics = Metrics(on.metrics)
        self._free = asyncio.Semaphore(AT_A_TIME)
        self._months: set[tuple[int, int]] = set()

    async def catalog(self, messages: Sequence[Message[AudioRecorded]]) -> None:
        """Answer a batch, and give each message its verdict."""
        for message, finding in zip(
            messages, await self.settle([message.event for message in messages]), strict=True
        ):
            self._judge(message, finding)

    async def settle(self, events: Sequence[AudioRecorded]) -> list[Finding]:
        """What becomes of a batch by the state of things; what is wrong with one audio harms no other.

        1. What the catalog has is accepted again, before anything is fetched: the first answer may be lost.
        2. Check what the other events say; grant the upload of what the store lacks; see that the store has
           proven the others.
        3. Insert the good ones in one transaction, and refuse those whose place another sound has taken.
        4. List what waits, answer the nodes, and tell the embedder.

        Nothing of an audio whose row is new now.
        """
        found = await self._examine_all(events)
        good = [event for event, finding in zip(events, found, strict=True) if finding is None]
        cataloged = await self._insert(good)
        for index, event in enumerate(events):
            if found[index] is None and cataloged[event.audio_id] != digest_of(event):
                found[index] = conflict(event)
        self._tell_of(events, found)
        waiting = [
            (event, finding)
            for event, finding in zip(events, found, strict=True)
            if isinstance(finding, Held)
        ]
        await held.keep(self._on.catalog, held.counted(waiting), self._on.clock.now())
        new = {event.audio_id: event for event in good if cataloged[event.audio_id] == digest_of(event)}
        with self._metrics.stage("publish"):
            await asyncio.gather(
                *map(self._answer, events, found), *map(self._on.bus.publish, news_of(list(new.values())))
            )
        return found

    async def _examine_all(self, events: Sequence[AudioRecorded]) -> list[Finding]:
        """What is to be done with each audio."""
        digests = await store.digests(self._on.catalog, events)
        nodes = await store.known_nodes(self._on.catalog, {event.node for event in events})
        gone = await forgotten(self._on.catalog, {event.audio_id for event in events})
        staying = await speech_policy.staying(self._on.catalog, nodes)
        now = self._on.clock.now()

        async def examine(event: AudioRecorded) -> Finding:
            if event.audio_id in gone:
                return was_forgotten(event)
            digest = digests.get(event.audio_id)
            if digest == digest_of(event):
                return _accepted(event)
            try:
                if event.node not in nodes:
                    raise unknown_node(event.node)
                if event.node in staying:
                    raise stays(event.node)
                check_claims(event, now)
                if digest is not None:
                    raise conflict(event)
                return await self._grant_or_check(event)
            except (Held, Refused, Transient, Misconfigured) as problem:
                return problem
            except Rejected as problem:  # the object store's own: a key that is none
                return Refused("object", str(problem))

        return await asyncio.gather(*map(examine, events))

    async def _grant_or_check(self, event: AudioRecorded) -> UploadGranted | None:
        """A leave to upload, without a look into the store where the node has not uploaded anything yet.

        The leave comes first: a store that is a folder is made by it.
        """
        check_size(event, event.size_bytes or 0)
        leave = None if event.stored else await self._leave(event)
        stored = None if event.stored is False else await self._ask(event)
        if stored is None:
            check_size(event, event.size_bytes)
            return _granted(event, leave or await self._leave(event))
        if not (is_proven(event, stored) and self._trusting):
            await self._check_content(event)
        return None

    async def _leave(self, event: AudioRecorded) -> Grant:
        size_bytes = event.size_bytes or 0
        return await self._on.objects.grant(event.object_key, size_bytes, event.sha256, note_of(event))

    async def _ask(self, event: AudioRecorded) -> Stored | None:
        with self._metrics.stage("ask"):
            return await self._on.objects.head(event.object_key)

    async def _check_content(self, event: AudioRecorded) -> None:
        """Of an object that came another way than by a grant."""
        async with self._free:
            with self._metrics.stage("fetch"):
                content = await self._on.objects.get(event.object_key)
            await asyncio.to_thread(check_content, event, content)

    async def _insert(self, events: Sequence[AudioRecorded]) -> dict[UUID, bytes]:
        """Insert `events`; the digest that the catalog now has of each audio id."""
        if not events:
            return {}
        with self._metrics.stage("insert"):
            for event in events:
                month = (event.start.year, event.start.month)
                if month not in self._months:
                    await store.ensure_month(self._on.catalog, event.start)
                    self._months.add(month)
            return await store.insert_audios(self._on.catalog, events)

    async def _answer(self, event: AudioRecorded, finding: Finding) -> None:
        if isinstance(finding, AudioAccepted | UploadGranted):
            await self._on.bus.publish(finding)
        elif isinstance(finding, Held):
            await self._on.bus.publish(
                AudioHeld(
                    audio_id=event.audio_id,
                    node=event.node,
                    sha256=event.sha256,
                    kind=finding.kind,
                    reason=str(finding),
                )
            )
        elif finding is None:
            await self._on.bus.publish(_accepted(event))

    def _tell_of(self, events: Sequence[AudioRecorded], findings: Sequence[Finding]) -> None:
        """Log and count what is new; an audio that came twice in the batch is one."""
        pairs = list(zip(events, findings, strict=True))
        new = {event.audio_id: event.node for event, finding in pairs if finding is None}
        for node in new.values():
            self._metrics.cataloged.labels(node).inc()
        tell_of(self._log, "cataloged %d audios", new)
        granted = {event.audio_id for event, finding in pairs if isinstance(finding, UploadGranted)}
        tell_of(self._log, "granted the upload of %d audios", granted)

    def _judge(self, message: Message[AudioRecorded], finding: Finding) -> None:
        carried = {"audio_id": message.event.audio_id, "node": message.event.node}
        if isinstance(finding, UploadGranted):
            self._metrics.granted.inc()
        elif finding is None or isinstance(finding, AudioAccepted):
            self._metrics.accepted.inc()
        elif isinstance(finding, Held):
            self._metrics.held.labels(finding.kind).inc()
            self._log.info("held: %s", finding, extra=carried)
        elif isinstance(finding, Refused):
            message.reject(str(finding))
            self._metrics.refused.labels(finding.kind).inc()
            self._log.info("refused: %s", finding, extra=carried)
        else:
            # A store that is away, or a password that was changed, is no fault of the audio.
            message.retry(str(finding))
            self._log.warning("later: %s", finding, extra=carried)


def news_of(new: Sequence[AudioRecorded]) -> Iterator[AudioCataloged]:
    """What the embedder is told of audios whose rows are new: some in each message."""
    for at in range(0, len(new), MOST_CATALOGED):
        first, *others = new[at : at + MOST_CATALOGED]
        yield AudioCataloged(
            audio_id=first.audio_id,
            start=first.start,
            object_key=first.object_key,
            further=tuple(AlsoCataloged(audio_id=other.audio_id, start=other.start) for other in others),
        )


def digest_of(event: AudioRecorded) -> bytes:
    """As the catalog keeps it."""
    return bytes.fromhex(event.sha256)


def _granted(event: AudioRecorded, leave: Grant) -> UploadGranted:
    return UploadGranted(
        audio_id=event.audio_id,
        node=event.node,
        sha256=event.sha256,
        url=leave.url,
        headers=leave.headers,
        good_for_s=leave.good_for_s,
    )


def _accepted(event: AudioRecorded) -> AudioAccepted:
    return AudioAccepted(audio_id=event.audio_id, node=event.node, sha256=event.sha256)
