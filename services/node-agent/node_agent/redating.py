"""Puts right the starts that the node's own clock has given, once somebody has set that clock."""

import asyncio
import logging
from uuid import UUID

from escolta.events import AudioRecorded
from escolta.service import Platform
from node_agent.recording.dating import Dating, can_be_true, dating_by
from node_agent.sender import Sender
from node_agent.spool import Spool

log = logging.getLogger("escolta.node-agent")


class Redating:
    """Looks now and then how the clock stands.

    An audio that may be in the store already keeps the start under which it lies there: with another one it
    would be cataloged twice. Of those from before this process nobody knows any more whether they are; but no
    ingest takes a start that cannot be true.
    """

    def __init__(self, on: Platform, spool: Spool, sender: Sender) -> None:
        self._on = on
        self._spool = spool
        self._sender = sender
        self._seen = dating_by(on.clock)

    async def look(self) -> None:
        """Redate what waits, where the clock was set, or where ingest holds audios for their starts."""
        dating = dating_by(self._on.clock)
        step = self._seen.steps_to(dating)
        if step:
            log.warning("the clock was set by %.0f s: what waits is dated by it now", step.total_seconds())
        if not step and not self._sender.take_doubt():
            return
        redated = 0
        for audio_id in self._spool.waiting():
            redated += await self._redate(audio_id, dating)
        self._seen = dating  # not before: where the disk was full, the next look goes on
        if redated:
            log.info("%d audios have another start now", redated)

    async def look_at(self, audio_id: UUID, dated: Dating | None) -> None:
        """Redate an audio that was put just now, if the clock was set between its recording and that."""
        dating = dating_by(self._on.clock)
        if dated and dated.steps_to(dating):
            await self._redate(audio_id, dating)

    async def _redate(self, audio_id: UUID, dating: Dating) -> bool:
        as_it_becomes = await asyncio.to_thread(self._spool.redate, audio_id, dating, self._may)
        if as_it_becomes is None:
            return False
        self._sender.settled(audio_id)
        self._sender.add(as_it_becomes)
        return True

    def _may(self, event: AudioRecorded) -> bool:
        if self._sender.may_be_stored(event.audio_id):
            return False
        return self._spool.is_new(event.audio_id) or not can_be_true(event.start, self._on.clock.now())
