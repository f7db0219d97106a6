"""Sending goes on until there is an answer, through outages and with the same id."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry
from unit.node_agent.patience import until

from escolta.bus import open_bus
from escolta.clock import ManualClock
from escolta.events import AudioHeld, AudioRecorded, SoundLeftOut, UploadGranted
from escolta.note import noted_event
from escolta.objects import open_objects
from escolta.service import Message, Platform, Subscription
from escolta.settings import Settings
from node_agent.recording.recorder import RecordedAudio
from node_agent.sender import Sender
from node_agent.spool import Spool

NOW = datetime(2024, 5, 1, 10, tzinfo=UTC)
NODE = "quay-1"


class Shore:
    """A node's platform, spool and sender, and ingest's side: what it hears, and what it grants."""

    def __init__(self, folder: Path) -> None:
        self.clock = ManualClock(NOW)
        metrics = CollectorRegistry()
        self.objects = open_objects(f"file://{folder}/objects")
        self.bus = open_bus("memory://", clock=self.clock, metrics=metrics)
        settings = Settings.model_validate({"state_dir": folder, "node_name": NODE})
        self.spool = Spool(folder / "spool")
        self.sender = Sender(Platform(settings, self.bus, self.objects, self.clock, metrics), self.spool)
        self.heard: list[AudioRecorded] = []
        self.stored: list[bool | None] = []
        self.left_out: list[SoundLeftOut] = []
        self.url: Callable[[AudioRecorded], str] | None = None

    async def hear_of_lost(self, messages: Sequence[Message[SoundLeftOut]]) -> None:
        self.left_out += [message.event for message in messages]

    async def hear(self, messages: Sequence[Message[AudioRecorded]]) -> None:
        for message in messages:
            event = message.event.model_copy(update={"stored": None})
            self.heard.append(event)
            self.stored.append(message.event.stored)
            if self.url and self.heard.count(event) == 1:
                await self.grant(event, self.url(event))

    async def grant(self, event: AudioRecorded, url: str, **headers: str) -> None:
        await self.bus.publish(
            UploadGranted(
                audio_id=event.audio_id,
                node=NODE,
                sha256=event.sha256,
                url=url,
                headers=headers,
                good_for_s=60,
            )
        )

    def put(self, number: int) -> AudioRecorded:
        start = NOW.replace(minute=number)
        recorded = RecordedAudio(start, 100, 10, 1, 16, f"{number}.wav", "wav", bytes([number]))
        event = recorded.event(NODE, "unknown")
        self.spool.put(event, recorded.data)
        self.sender.add(event.audio_id)
        return event

    async def pass_minutes(self, minutes: int) -> None:
        """Let the time go by in steps in which everybody has a look at it."""
        for _ in range(4 * minutes):
            await until(lambda: bool(self.clock._sleepers))
            await self.clock.advance(15)
            await asyncio.sleep(0.01)

    @asynccontextmanager
    async def sending(self) -> AsyncIterator[None]:
        self.spool.open()
        self.bus.subscribe("ingest", Subscription(AudioRecorded, self.hear))
        self.bus.subscribe("ingest", Subscription(SoundLeftOut, self.hear_of_lost))
        self.bus.subscribe("node-agent", Subscription(UploadGranted, self.sender.granted, node=NODE))
        self.bus.subscribe("node-agent", Subscription(AudioHeld, self.sender.held, node=NODE))
        await self.bus.start()
        sending = asyncio.create_task(self.sender.send())
        try:
            yield
        finally:
            sending.cancel()
            await asyncio.gather(sending, return_exceptions=True)
            await self.bus.stop()
            self.spool.close()


@pytest.fixture
def shore(tmp_path: Path) -> Shore:
    return Shore(tmp_path)


async def test_an_audio_is_told_of_uploaded_when_granted_and_told_of_again(
    shore: Shore, tmp_path: Path
) -> None:
    async with shore.sending():
        event = shore.put(1)
        await until(lambda: shore.heard == [event])
        assert not (tmp_path / "objects").exists()
        await shore.grant(event, "")
        await until(lambda: shore.heard == [event, event])
        assert shore.stored == [False, True]
        assert await shore.objects.get(event.object_key) == b"\x01"
        stored = await shore.objects.head(event.object_key)
        assert stored
        assert noted_event(event.object_key, stored.note) == event


async def test_what_waits_in_the_spool_at_a_start_is_sent(shore: Shore) -> None:
    shore.spool.open()
    event = shore.put(1)
    shore.spool.close()
    async with shore.sending():
        await until(lambda: shore.heard == [event])
    assert shore.stored == [None]  # it may have been uploaded before


async def test_what_had_no_answer_in_time_is_told_of_again_with_the_same_id(shore: Shore) -> None:
    async with shore.sending():
        event = shore.put(1)
        await until(lambda: len(shore.heard) == 1)
        await shore.pass_minutes(2)
        await until(lambda: shore.heard == [event, event])


async def test_an_audio_that_the_nodes_disk_has_lost_is_told_of_and_the_others_are_sent(
    shore: Shore, tmp_path: Path
) -> None:
    shore.url = lambda event: ""
    async with shore.sending():
        lost = shore.put(1)
        sound = tmp_path / "spool" / "waiting" / f"{lost.audio_id}.wav"
        sound.unlink()
        sound.symlink_to("/proc/self/mem")  # whose first byte cannot be read: a real EIO
        other = shore.put(2)
        await until(lambda: shore.heard.count(other) == 2 and bool(shore.left_out))
        await until(lambda: len(shore.spool) == 1)
    [told] = shore.left_out
    assert (told.file_name, told.node) == ("1.wav", NODE)
    assert "the node's disk cannot read it: Input/output error" in told.reason
    assert (tmp_path / "spool" / "refused" / f"{lost.audio_id}.json").exists()


async def test_what_is_settled_is_not_sent_again(shore: Shore) -> None:
    async with shore.sending():
        event = shore.put(1)
        await until(lambda: shore.heard == [event])
        shore.spool.forget(event.audio_id)
        shore.sender.settled(event.audio_id)
        await shore.pass_minutes(10)
        assert shore.heard == [event]


async def test_what_is_held_waits_and_the_log_says_why_once(
    shore: Shore, caplog: pytest.LogCaptureFixture
) -> None:
    async with shore.sending():
        events = [shore.put(number) for number in range(3)]
        await until(lambda: len(shore.heard) == 3)
        for event in events:
            held = AudioHeld(
                audio_id=event.audio_id,
                node=NODE,
                sha256=event.sha256,
                kind="unknown_node",
                reason="Register it.",
            )
            await shore.bus.publish(held)
        await until(lambda: len(shore.sender._asking._asked) == 0)
        await shore.pass_minutes(2)
        assert set(shore.heard[:3]) == set(events)
        assert shore.heard[3:] == [events[0]]
    assert caplog.text.count("Register it.") == 1


@asynccontextmanager
async def store(status: int) -> AsyncIterator[tuple[str, list[bytes]]]:
    """Something that answers `status` to every upload: the address of its objects, and what it was sent."""
    requests: list[bytes] = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        requests.append(head + await reader.read(1))
        writer.write(b"HTTP/1.1 %d Whatever\r\nLocation: /elsewhere\r\nContent-Length: 0\r\n\r\n" % status)
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/bucket/", requests


async def test_a_granted_upload_goes_to_its_address_with_its_headers(shore: Shore) -> None:
    async with store(200) as (address, requests), shore.sending():
        event = shore.put(1)
        await until(lambda: shore.heard == [event])
        await shore.grant(event, f"{address}key?signed", **{"if-none-match": "*", "content-length": "1"})
        await until(lambda: shore.heard == [event, event])
    [request] = requests
    assert request.startswith(b"PUT /bucket/key?signed HTTP/1.1\r\n")
    assert b"\r\nif-none-match: *\r\n" in request.lower()
    assert request.endswith(b"\r\n\r\n\x01")


async def test_that_an_upload_is_there_already_is_as_good(shore: Shore) -> None:
    async with store(412) as (address, _), shore.sending():
        shore.url = lambda event: f"{address}key"
        event = shore.put(1)
        await until(lambda: shore.heard == [event, event])


@pytest.mark.parametrize("status", [307, 403, 404, 500, 503])
async def test_an_upload_that_fails_is_asked_for_again_later_and_followed_nowhere(
    shore: Shore, caplog: pytest.LogCaptureFixture, status: int
) -> None:
    async with store(status) as (address, requests), shore.sending():
        shore.url = lambda event: f"{address}key?X-Amz-Signature=hunter"
        event = shore.put(1)
        await until(lambda: len(requests) == 1)
        await until(lambda: f"answered {status} to an upload" in caplog.text)
        assert shore.heard == [event]
        await shore.pass_minutes(2)
        await until(lambda: shore.heard == [event, event])
    assert len(requests) == 1
    assert "hunter" not in caplog.text


async def test_a_store_without_a_trusted_certificate_gets_nothing(
    shore: Shore, caplog: pytest.LogCaptureFixture
) -> None:
    untrusted = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    seen: list[bytes] = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        seen.append(await reader.read())

    async with await asyncio.start_server(answer, "127.0.0.1", 0, ssl=untrusted) as server, shore.sending():
        port = server.sockets[0].getsockname()[1]
        shore.url = lambda event: f"https://127.0.0.1:{port}/bucket/key?X-Amz-Signature=hunter"
        shore.put(1)
        await until(lambda: "127.0.0.1 cannot be reached" in caplog.text)
    assert seen == []
    assert "hunter" not in caplog.text


async def test_leave_that_ran_out_before_its_turn_is_not_used(
    shore: Shore, caplog: pytest.LogCaptureFixture
) -> None:
    async with store(200) as (address, requests), shore.sending():
        event = shore.put(1)
        await until(lambda: shore.heard == [event])
        grant = UploadGranted(
            audio_id=event.audio_id,
            node=NODE,
            sha256=event.sha256,
            url=f"{address}key",
            headers={},
            good_for_s=60,
        )
        assert shore.sender._asking.granted(event.audio_id, NOW)
        shore.sender._grants.put_nowait((grant, NOW.replace(hour=9)))
        await until(lambda: "ran out" in caplog.text)
        assert requests == []


async def test_only_a_few_audios_are_in_memory_at_once(shore: Shore, monkeypatch: pytest.MonkeyPatch) -> None:
    at_once = most = 0
    put = shore.objects.put

    async def counted(key: str, data: bytes, note: str = "") -> None:
        nonlocal at_once, most
        at_once, most = at_once + 1, max(most, at_once + 1)
        await asyncio.sleep(0)
        await put(key, data, note)
        at_once -= 1

    monkeypatch.setattr(shore.objects, "put", counted)
    shore.url = lambda event: ""
    async with shore.sending():
        events = [shore.put(number) for number in range(10)]
        await until(lambda: all(shore.heard.count(event) == 2 for event in events))
    assert 1 < most <= 4
