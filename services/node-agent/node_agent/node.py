"""One node at work: what is recorded goes into the spool, and what is accepted leaves it."""

import asyncio
import contextlib
import itertools
import logging
import shutil
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from importlib.metadata import version
from uuid import uuid4

from pydantic import TypeAdapter, ValidationError

from escolta.errors import Misconfigured, Transient
from escolta.events import AudioAccepted, AudioRefused, NodeStatus
from escolta.fields import NodeName
from escolta.observe import tell_of
from escolta.service import Message, Platform
from node_agent.metrics import Metrics
from node_agent.recording.account import Account
from node_agent.recording.left_out import LeftOut, Place
from node_agent.recording.recorder import Recorder
from node_agent.recording.replay import Replay
from node_agent.redating import Redating
from node_agent.sender import Sender
from node_agent.spool import Spool

log = logging.getLogger("escolta.node-agent")

LOOK_AGAIN_S = 10.0
"""How often a full disk is looked at again: others, too, may make room."""
NO_ROOM = "The disk has no room for more audios: recording waits until some are accepted."


class Node:
    """One node: its recorder, its spool, its sender, and what it tells of itself."""

    def __init__(self, on: Platform) -> None:
        settings = on.settings
        try:
            TypeAdapter(NodeName).validate_python(settings.node_name)
        except ValidationError:
            raise Misconfigured(
                f"ESCOLTA_NODE_NAME: {settings.node_name!r} is no node's name: use a-z, 0-9 and -"
            ) from None
        self._on = on
        self._folder = settings.state_dir / "spool" / settings.node_name
        self.spool = Spool(self._folder)
        self.sender = Sender(on, self.spool)
        self.redating = Redating(on, self.spool, self.sender)
        self._recorder: Recorder | None = None
        if settings.replay_dir:
            self._recorder = Replay(settings.replay_dir, self._folder, on.clock, settings.replay_speed)
        self._source_done = self._recorder is None
        self._told_of: dict[Place, LeftOut] = {}
        self._shrunk = asyncio.Event()
        self._waits_for_room = False
        self._recorded = 0
        self._run_id, self._numbers = uuid4(), itertools.count()
        self._metrics = Metrics(on.metrics, self.spool)

    @asynccontextmanager
    async def at_work(self) -> AsyncIterator[None]:
        """Hold the spool as long as the service runs."""
        await asyncio.to_thread(self.spool.open)
        if self._recorder is None:
            log.info("nothing to record: set ESCOLTA_REPLAY_DIR to a folder of recordings")
        try:
            yield
        finally:
            await asyncio.to_thread(self.spool.close)

    async def record(self) -> None:
        """Put what the recorder gives into the spool, while there is room, and send it from there."""
        if self._recorder is None:
            return
        async for audio in self._recorder.audios():
            self._source_done = False
            await self._room()
            event = audio.event(self._on.settings.node_name, self._on.settings.clock_state)
            await asyncio.to_thread(self.spool.put, event, audio.data, audio.dating)
            self._recorded += 1
            log.info("recorded", extra={"audio_id": event.audio_id, "node": event.node})
            self._metrics.recorded.inc()
            self.sender.add(event.audio_id)
            await self.redating.look_at(event.audio_id, audio.dating)
        if not self._source_done:
            self._source_done = True
            log.info("the source has ended")
            await self.tell()

    async def forget(self, messages: Sequence[Message[AudioAccepted]]) -> None:
        """Remove what is cataloged: only now may the node forget it."""
        for message in messages:
            await asyncio.to_thread(self.spool.forget, message.event.audio_id)
            self.sender.settled(message.event.audio_id)
        accepted = [message.event.audio_id for message in messages]
        tell_of(log, "accepted %d audios", accepted, node=self._on.settings.node_name)
        await self._spool_has_shrunk()

    async def set_aside(self, messages: Sequence[Message[AudioRefused]]) -> None:
        """Keep what is refused in a folder of its own, with the reason, and never send it again."""
        for message in messages:
            event = message.event
            log.warning("audio %s is refused: %s", event.audio_id, event.reason, extra=_carried(event))
            gone = await asyncio.to_thread(self.spool.set_aside, event.audio_id, event.reason)
            self.sender.settled(event.audio_id)
            self._metrics.refused.inc()
            self._metrics.removed.inc(gone)
        await self._spool_has_shrunk()

    async def resend(self) -> None:
        """Send again what was refused and a person asked for with `escolta node resend`."""
        for audio_id in await asyncio.to_thread(self.spool.take_back):
            log.info("the refused audio %s is sent again", audio_id)
            self.sender.add(audio_id)

    async def tell(self) -> None:
        """Publish what the source left out, and the node's status. Without a source there is nothing."""
        if self._recorder is None and len(self.spool) == 0:
            return
        account = await asyncio.to_thread(self._recorder.account) if self._recorder else Account("", ())
        try:
            await self._tell_left_out(account)
            await self._on.bus.publish(self._status(account))
        except Transient as error:
            log.warning("the node's status is not sent, the next one is: %s", error)

    async def _tell_left_out(self, account: Account) -> None:
        """Each once, and all again after a start: the rows are the journal's, and a message may be lost."""
        for left_out in account.left_out:
            if self._told_of.get(left_out.place) != left_out:
                await self._on.bus.publish(left_out.event(self._on.settings.node_name))
                self._told_of[left_out.place] = left_out

    def _status(self, account: Account) -> NodeStatus:
        return NodeStatus(
            node=self._on.settings.node_name,
            at=self._on.clock.now(),
            spooled=len(self.spool),
            free_bytes=shutil.disk_usage(self._folder).free,
            version=version("escolta-node-agent"),
            source_done=self._source_done,
            source=" ".join(filter(None, (account.source, NO_ROOM if self._waits_for_room else ""))),
            recorded=self._recorded,
            clock_state=self._on.settings.clock_state,
            run_id=self._run_id,
            number=next(self._numbers),
        )

    async def _room(self) -> None:
        """Return once the disk has room for an audio more."""
        while not await asyncio.to_thread(self.spool.has_room, self._on.settings.spool_share):
            if not self._waits_for_room:
                self._waits_for_room = True
                log.warning("%s %d wait", NO_ROOM, len(self.spool))
            self._shrunk.clear()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(LOOK_AGAIN_S):
                    await self._shrunk.wait()
        self._waits_for_room = False

    async def _spool_has_shrunk(self) -> None:
        """Let the recording go on; the last one out says that everything has arrived."""
        self._shrunk.set()
        if len(self.spool) == 0 and self._source_done:
            await self.tell()


def _carried(event: AudioRefused) -> dict[str, object]:
    return {"audio_id": event.audio_id, "node": event.node}
