"""Sending goes on until there is an answer, through outages and with the same id."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry
from unit.node_agent.patience import until

from escolta.bus import open_bus
from escolta.clock import ManualClock
from escolta.errors import Transient
from escolta.events import AudioRecorded, SoundLeftOut
from escolta.objects import Objects, open_objects
from escolta.service import Message, Platform, Subscription
from escolta.settings import Settings
from node_agent.recording.recorder import RecordedAudio
from node_agent.sender import Sender
from node_agent.spool import Spool

NOW = datetime(2024, 5, 1, 10, tzinfo=UTC)


class Interrupted:
    """An object store that is away for a while."""

    def __init__(self, store: Objects) -> None:
        self._store = store
        self.away = False
        self.most_at_once = self._at_once = 0
        self.puts = 0

    async def put(self, key: str, data: bytes) -> None:
        self._at_once += 1
        self.most_at_once = max(self.most_at_once, self._at_once)
        await asyncio.sleep(0)
        self._at_once -= 1
        if self.away:
            raise Transient("the store is away")
        await self._store.put(key, data)
        self.puts += 1

    async def get(self, key: str) -> bytes:
        return await self._store.get(key)

    async def size(self, key: str) -> int | None:
        return await self._store.size(key)

    async def delete(self, key: str) -> None:
        await self._store.delete(key)


class Shore:
    """A node's platform, spool and sender, and what reaches the other side."""

    def __init__(self, folder: Path) -> None:
        self.clock = ManualClock(NOW)
        metrics = CollectorRegistry()
        self.objects = Interrupted(open_objects(f"file://{folder}/objects"))
        bus = open_bus("memory://", clock=self.clock, metrics=metrics)
        self.on = Platform(
            Settings.model_validate({"state_dir": folder}), bus, self.objects, self.clock, metrics
        )
        self.spool = Spool(folder / "spool")
        self.sender = Sender(self.on, self.spool)
        self.heard: list[AudioRecorded] = []
        self.left_out: list[SoundLeftOut] = []

    async def hear_of_lost(self, messages: Sequence[Message[SoundLeftOut]]) -> None:
        self.left_out += [message.event for message in messages]

    async def hear(self, messages: Sequence[Message[AudioRecorded]]) -> None:
        self.heard += [message.event for message in messages]

    def put(self, number: int) -> AudioRecorded:
        start = NOW.replace(minute=number)
        recorded = RecordedAudio(start, 100, 10, 1, 16, f"{number}.wav", "wav", bytes([number]))
        event = recorded.event("quay-1", "unknown")
        self.spool.put(event, recorded.data)
        return event

    @asynccontextmanager
    async def sending(self) -> AsyncIterator[None]:
        self.spool.open()
        self.on.bus.subscribe("ingest", Subscription(AudioRecorded, self.hear))
        self.on.bus.subscribe("ingest", Subscription(SoundLeftOut, self.hear_of_lost))
        await self.on.bus.start()
        sending = asyncio.create_task(self.sender.send())
        try:
            yield
        finally:
            sending.cancel()
            await asyncio.gather(sending, return_exceptions=True)
            await self.on.bus.stop()
            self.spool.close()


@pytest.fixture
def shore(tmp_path: Path) -> Shore:
    return Shore(tmp_path)


async def test_the_object_is_there_when_the_event_comes(shore: Shore) -> None:
    async with shore.sending():
        event = shore.put(1)
        shore.sender.add(event.audio_id)
        await until(lambda: shore.heard == [event])
        assert await shore.objects.get(event.object_key) == b"\x01"


async def test_what_had_no_answer_in_time_is_sent_again_with_the_same_id(shore: Shore) -> None:
    async with shore.sending():
        event = shore.put(1)
        await shore.sender.add_unanswered()
        await until(lambda: len(shore.heard) == 1)
        await shore.clock.advance(59)
        await shore.sender.add_unanswered()
        assert shore.sender._queue.empty()
        await shore.clock.advance(1)
        await shore.sender.add_unanswered()
        await until(lambda: len(shore.heard) == 2)
        assert shore.heard == [event, event]


async def test_what_is_sent_again_is_uploaded_again_only_if_the_store_has_lost_it(shore: Shore) -> None:
    async with shore.sending():
        kept, lost = shore.put(1), shore.put(2)
        await shore.sender.add_unanswered()
        await until(lambda: len(shore.heard) == 2)
        await shore.objects.delete(lost.object_key)
        await shore.clock.advance(60)
        await shore.sender.add_unanswered()
        await until(lambda: len(shore.heard) == 4)
    assert shore.objects.puts == 3
    assert await shore.objects.get(kept.object_key) == b"\x01"
    assert await shore.objects.get(lost.object_key) == b"\x02"


async def test_an_audio_that_the_nodes_disk_has_lost_is_told_of_and_the_others_are_sent(
    shore: Shore, tmp_path: Path
) -> None:
    async with shore.sending():
        lost, other = shore.put(1), shore.put(2)
        sound = tmp_path / "spool" / "waiting" / f"{lost.audio_id}.wav"
        sound.unlink()
        sound.symlink_to("/proc/self/mem")  # whose first byte cannot be read: a real EIO
        await shore.sender.add_unanswered()
        await until(lambda: shore.heard == [other] and bool(shore.left_out))
        await until(lambda: len(shore.spool) == 1)
    [told] = shore.left_out
    assert (told.file_name, told.node) == ("1.wav", "quay-1")
    assert "the node's disk cannot read it: Input/output error" in told.reason
    assert (tmp_path / "spool" / "refused" / f"{lost.audio_id}.json").exists()


async def test_what_is_accepted_is_not_sent_again(shore: Shore) -> None:
    async with shore.sending():
        event, other = shore.put(1), shore.put(2)
        await shore.sender.add_unanswered()
        await until(lambda: len(shore.heard) == 2)
        shore.spool.forget(event.audio_id)
        await shore.clock.advance(60)
        await shore.sender.add_unanswered()
        await until(lambda: len(shore.heard) == 3)
        assert shore.heard[2] == other


async def test_while_the_store_is_away_audios_wait_and_are_then_all_sent(
    shore: Shore, caplog: pytest.LogCaptureFixture
) -> None:
    async with shore.sending():
        shore.objects.away = True
        events = [shore.put(number) for number in range(10)]
        await shore.sender.add_unanswered()
        for _ in range(5):
            await until(lambda: len(shore.clock._sleepers) == 4)
            await shore.clock.advance(60)
        shore.objects.away = False
        for _ in range(4):
            await shore.clock.advance(60)
        await until(lambda: len(shore.heard) == 10)
        assert {event.audio_id for event in shore.heard} == {event.audio_id for event in events}
    assert caplog.text.count("the store is away") == 1


async def test_only_a_few_audios_are_in_memory_at_once(shore: Shore) -> None:
    async with shore.sending():
        for number in range(40):
            shore.put(number)
        await shore.sender.add_unanswered()
        await until(lambda: len(shore.heard) == 40)
    assert shore.objects.most_at_once <= 4


async def test_asking_twice_while_an_audio_is_in_the_queue_sends_it_once(shore: Shore) -> None:
    async with shore.sending():
        event = shore.put(1)
        for _ in range(3):
            await shore.sender.add_unanswered()
        await until(lambda: bool(shore.heard))
        await asyncio.sleep(0.05)
        assert shore.heard == [event]
