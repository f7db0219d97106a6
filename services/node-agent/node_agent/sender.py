"""Brings the spool's audios to ingest: tells of each, uploads it when that is granted, and tells again."""

import asyncio
import logging
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import TypeVar
from uuid import UUID

from prometheus_client import Counter

from escolta.errors import EscoltaError, Transient, is_transient
from escolta.events import AudioHeld, AudioRecorded, UploadGranted
from escolta.note import note_of
from escolta.service import Message, Platform
from node_agent.asking import Asking
from node_agent.recording.left_out import LeftOut
from node_agent.spool import Spool
from node_agent.uploading import Uploads

T = TypeVar("T")
log = logging.getLogger("escolta.node-agent")

AT_ONCE = 4
"""Audios that are uploaded at once: what the memory holds, and enough to hide the way to the store."""

PAUSES_S = (1.0, 2.0, 5.0, 15.0, 60.0)
LOOK_S = 15.0
"""How often to look at the time, though nothing was heard."""


class Sender:
    """Sends each waiting audio until it is accepted or refused."""

    def __init__(self, on: Platform, spool: Spool) -> None:
        self._on = on
        self._spool = spool
        self._asking = Asking()
        self._grants: asyncio.Queue[tuple[UploadGranted, datetime]] = asyncio.Queue()
        self._uploads = Uploads()
        self._something = asyncio.Event()
        self._away = False
        self._held: set[str] = set()
        self._doubted = False
        self._begun: set[UUID] = set()
        self._stored: set[UUID] = set()
        self._tellings = Counter(
            "escolta_node_agent_told", "Times that ingest was told of an audio", registry=on.metrics
        )
        self._uploaded = Counter("escolta_node_agent_uploaded", "Audios uploaded", registry=on.metrics)

    def add(self, audio_id: UUID) -> None:
        """Send this audio of the spool, after those that were added before."""
        self._asking.add(audio_id)
        self._something.set()

    def settled(self, audio_id: UUID) -> None:
        """The audio has left the spool: the next one may go."""
        self._asking.settled(audio_id, self._now())
        self._begun.discard(audio_id)
        self._stored.discard(audio_id)
        self._held.clear()
        if self._away:
            self._away = False
            log.info("audios are sent again")
        self._something.set()

    def may_be_stored(self, audio_id: UUID) -> bool:
        """Whether its upload was begun."""
        return audio_id in self._begun

    def take_doubt(self) -> bool:
        """Whether ingest has held audios for their starts, since this was asked last."""
        doubted, self._doubted = self._doubted, False
        return doubted

    async def granted(self, messages: Sequence[Message[UploadGranted]]) -> None:
        """Take the leave to upload; it is used soon, or it runs out."""
        now = self._now()
        for message in messages:
            if self._asking.granted(message.event.audio_id, now):
                self._grants.put_nowait((message.event, now))
        self._something.set()

    async def held(self, messages: Sequence[Message[AudioHeld]]) -> None:
        """Keep what waits for the operator or for time, and say so once."""
        for message in messages:
            event = message.event
            self._doubted |= event.kind == "clock"
            if event.kind not in self._held:
                self._held.add(event.kind)
                log.warning("audios wait in the spool (%d): %s", len(self._spool), event.reason)
            self._asking.held(event.audio_id, event.kind, self._now())
        self._something.set()

    async def send(self) -> None:
        """Send for ever. Broken off, it begins with all that waits in the spool."""
        self._asking, self._grants = Asking(), asyncio.Queue()
        for audio_id in self._spool.waiting():
            self._asking.add(audio_id)
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._tell_for_ever())
                for _ in range(AT_ONCE):
                    group.create_task(self._upload_for_ever())
        finally:
            await self._uploads.close()

    async def _tell_for_ever(self) -> None:
        failures = 0
        while True:
            self._something.clear()
            due = list(self._asking.due(self._now()))
            failed = [error for error in await asyncio.gather(*map(self._tell, due)) if error]
            if failed:
                self._tell_away(failed[0])
                await self._on.clock.sleep(PAUSES_S[min(failures, len(PAUSES_S) - 1)])
                failures += 1
            else:
                failures = 0
                await self._until_something()

    async def _until_something(self) -> None:
        """Return when something was heard or added, or time may have made something due."""
        sleeping = asyncio.create_task(self._sleep())
        heard = asyncio.create_task(self._something.wait())
        try:
            await asyncio.wait({sleeping, heard}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            sleeping.cancel()
            heard.cancel()
            # Not awaited one by one with their cancellations suppressed: that would swallow one of our own.
            await asyncio.gather(sleeping, heard, return_exceptions=True)

    async def _sleep(self) -> None:
        await self._on.clock.sleep(LOOK_S)

    async def _tell(self, audio_id: UUID) -> Exception | None:
        """Tell ingest of the audio; the error where the bus is away, or the node's own disk."""
        try:
            audio = await self._read(self._spool.event, audio_id)
            if audio is None:
                self._asking.settled(audio_id, self._now())
                return None
            await self._on.bus.publish(audio.model_copy(update={"stored": self._is_stored(audio_id)}))
        except (EscoltaError, OSError) as error:
            self._asking.back(audio_id)
            return error
        self._tellings.inc()
        return None

    def _is_stored(self, audio_id: UUID) -> bool | None:
        """None: its upload was begun, by this process or by one before it, and who knows how it ended."""
        if audio_id in self._stored:
            return True
        begun = self.may_be_stored(audio_id) or not self._spool.is_new(audio_id)
        return None if begun else False

    async def _read(self, read: Callable[[UUID], T | None], audio_id: UUID) -> T | None:
        """What the spool has of a waiting audio; None if it waits no more, or the disk has lost it."""
        try:
            return await asyncio.to_thread(read, audio_id)
        except OSError as error:
            if is_transient(error):
                raise
            await self._give_up_on(audio_id, error)
            return None

    async def _upload_for_ever(self) -> None:
        while True:
            grant, taken_at = await self._grants.get()
            try:
                await self._upload(grant, taken_at)
            except (EscoltaError, OSError) as error:
                self._tell_away(error)
                self._asking.failed(grant.audio_id, self._now())
            self._something.set()

    async def _upload(self, grant: UploadGranted, taken_at: datetime) -> None:
        if self._now() - taken_at >= timedelta(seconds=grant.good_for_s):
            raise Transient("the leave to upload ran out before its turn came")
        self._begun.add(grant.audio_id)  # before it is read: from then on it keeps its start
        waiting = await self._read(self._spool.read, grant.audio_id)
        if waiting is None:
            self.settled(grant.audio_id)
            return
        audio, data = waiting
        if grant.url:
            await self._uploads.put(grant, data)
        else:
            await self._on.objects.put(audio.object_key, data, note_of(audio))
        self._away = False
        self._uploaded.inc()
        self._stored.add(audio.audio_id)
        self._asking.uploaded(audio.audio_id, self._now())

    async def _give_up_on(self, audio_id: UUID, error: OSError) -> None:
        """Tell of an audio that the node's own disk has lost, and go on with the others."""
        audio = await asyncio.to_thread(self._noted, audio_id)
        name = audio.file_name if audio else str(audio_id)
        reason = f"{name} was recorded, and the node's disk cannot read it: {error.strerror}."
        log.error("%s Its files are set aside.", reason)
        lost = LeftOut(name, reason, self._on.clock.now(), content=audio.sha256 if audio else "")
        await self._on.bus.publish(lost.event(audio.node if audio else self._on.settings.node_name))
        await asyncio.to_thread(self._spool.set_aside, audio_id, reason)

    def _noted(self, audio_id: UUID) -> AudioRecorded | None:
        try:
            return self._spool.event(audio_id)
        except OSError:  # then it is the note that is lost
            return None

    def _now(self) -> datetime:
        """For delays: a time that goes on when somebody sets the clock."""
        return datetime.fromtimestamp(self._on.clock.since_boot_s(), UTC)

    def _tell_away(self, error: Exception) -> None:
        """Once an outage, not once an audio."""
        if not self._away:
            self._away = True
            log.warning("audios wait in the spool (%d), to be sent again: %s", len(self._spool), error)
