"""Brings the spool's audios to the object store and tells of them on the bus."""

import asyncio
import logging
from datetime import datetime, timedelta
from uuid import UUID

from escolta.errors import EscoltaError, is_transient
from escolta.service import Platform
from node_agent.recording.left_out import LeftOut
from node_agent.spool import Spool

log = logging.getLogger("escolta.node-agent")

IN_FLIGHT = 4
"""Audios that are sent at once: what the memory holds, and enough to hide the way to the store."""

ANSWER_WITHIN = timedelta(seconds=60)
"""After this long without an answer an audio is sent again, with the same id."""

PAUSES_S = (1.0, 2.0, 5.0, 15.0, 60.0)


class Sender:
    """Sends each waiting audio until it is answered. An audio is in the queue once at most."""

    def __init__(self, on: Platform, spool: Spool) -> None:
        self._on = on
        self._spool = spool
        self._queue: asyncio.Queue[UUID] = asyncio.Queue()
        self._queued: set[UUID] = set()
        self._sent_at: dict[UUID, datetime] = {}
        self._uploaded: set[UUID] = set()
        self._away = False

    def add(self, audio_id: UUID) -> None:
        """Send this audio of the spool, after those that were added before."""
        if audio_id not in self._queued:
            self._queued.add(audio_id)
            self._queue.put_nowait(audio_id)

    async def add_unanswered(self) -> None:
        """Send what was never sent, such as after a start, and again what had no answer in time."""
        late = self._on.clock.now() - ANSWER_WITHIN
        waiting = [audio.audio_id for audio in self._spool.waiting()]
        self._sent_at = {key: self._sent_at[key] for key in waiting if key in self._sent_at}
        self._uploaded &= set(waiting)
        for audio_id in waiting:
            if audio_id not in self._sent_at or self._sent_at[audio_id] <= late:
                self.add(audio_id)

    async def send(self) -> None:
        """Send for ever, a few at once. Broken off, it forgets its queue: `add_unanswered` fills it again."""
        try:
            async with asyncio.TaskGroup() as group:
                for _ in range(IN_FLIGHT):
                    group.create_task(self._send_from_queue())
        finally:
            self._queue, self._queued = asyncio.Queue(), set()

    async def _send_from_queue(self) -> None:
        failures = 0
        while True:
            audio_id = await self._queue.get()
            try:
                await self._send(audio_id)
            except (EscoltaError, OSError) as error:
                self._tell_away(error)
                await self._on.clock.sleep(PAUSES_S[min(failures, len(PAUSES_S) - 1)])
                failures += 1
                self._queue.put_nowait(audio_id)
            else:
                failures = 0
                self._queued.discard(audio_id)

    async def _send(self, audio_id: UUID) -> None:
        """Object first, event second: whoever reads the event finds the object."""
        try:
            waiting = await asyncio.to_thread(self._spool.read, audio_id)
        except OSError as error:
            if is_transient(error):
                raise
            await self._give_up_on(audio_id, error)
            return
        if waiting is None:  # accepted while it was in the queue
            return
        audio, data = waiting
        if audio_id not in self._uploaded or await self._on.objects.size(audio.object_key) != len(data):
            await self._on.objects.put(audio.object_key, data)
            self._uploaded.add(audio_id)
        await self._on.bus.publish(audio)
        self._sent_at[audio_id] = self._on.clock.now()
        if self._away:
            self._away = False
            log.info("audios are sent again")

    async def _give_up_on(self, audio_id: UUID, error: OSError) -> None:
        """Tell of an audio that the node's own disk has lost, and go on with the others."""
        audio = next(audio for audio in self._spool.waiting() if audio.audio_id == audio_id)
        reason = f"{audio.file_name} was recorded, and the node's disk cannot read it: {error.strerror}."
        log.error("%s Its files are set aside.", reason)
        lost = LeftOut(audio.file_name, reason, self._on.clock.now(), content=audio.sha256)
        await self._on.bus.publish(lost.event(audio.node))
        await asyncio.to_thread(self._spool.set_aside, audio_id, reason)

    def _tell_away(self, error: Exception) -> None:
        """Once an outage, not once an audio."""
        if not self._away:
            self._away = True
            log.warning("audios wait in the spool (%d), to be sent again: %s", len(self._spool), error)
