"""The node as a whole: memory bus, objects in files, and somebody who answers as ingest does."""

import asyncio
import hashlib
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr
from unit.node_agent.patience import until
from unit.node_agent.sounds import write_noise

from escolta import audio as sound
from escolta.errors import Misconfigured, Rejected
from escolta.events import AudioAccepted, AudioRecorded, AudioRefused, NodeStatus, SoundLeftOut
from escolta.runtime import running
from escolta.service import Message, Platform, Service, Subscription
from escolta.settings import Settings
from node_agent import node
from node_agent.service import build

NODE = "quay-1"


class Answering:
    """Answers for ingest: accepts what is a sound, refuses the rest; while `silent` it says nothing."""

    def __init__(self) -> None:
        self.silent = False
        self.heard: list[AudioRecorded] = []
        self.accepted: list[AudioRecorded] = []
        self.statuses: list[NodeStatus] = []
        self.left_out: list[SoundLeftOut] = []
        self._on: Platform

    def build(self, on: Platform) -> Service:
        self._on = on
        heard = [
            Subscription(AudioRecorded, self.recorded),
            Subscription(NodeStatus, self.status),
            Subscription(SoundLeftOut, self.leave_out),
        ]
        return Service("ingest", heard, uses_catalog=False)

    async def leave_out(self, messages: Sequence[Message[SoundLeftOut]]) -> None:
        self.left_out += [message.event for message in messages]

    async def status(self, messages: Sequence[Message[NodeStatus]]) -> None:
        self.statuses += [message.event for message in messages]

    async def recorded(self, messages: Sequence[Message[AudioRecorded]]) -> None:
        for message in messages:
            self.heard.append(message.event)
            if not self.silent:
                await self._answer(message.event)

    async def _answer(self, event: AudioRecorded) -> None:
        data = await self._on.objects.get(event.object_key)
        assert hashlib.sha256(data).hexdigest() == event.sha256
        try:
            found = sound.probe(data, event.file_name)
        except Rejected as error:
            refusal = AudioRefused(audio_id=event.audio_id, node=event.node, reason=str(error))
            await self._on.bus.publish(refusal)
            return
        assert (found.samples, found.rate_hz, found.channels) == (
            event.samples,
            event.rate_hz,
            event.channels,
        )
        self.accepted.append(event)
        await self._on.bus.publish(AudioAccepted(audio_id=event.audio_id, node=event.node))


@pytest.fixture
def ingest() -> Answering:
    return Answering()


def chosen(tmp_path: Path, **more: Any) -> Settings:
    return Settings(
        state_dir=tmp_path / "var",
        objects_url=f"file://{tmp_path}/objects",
        node_name=NODE,
        secret=SecretStr("a secret of the tests alone"),
        **more,
    )


def waiting(tmp_path: Path) -> list[Path]:
    return sorted((tmp_path / "var" / "spool" / NODE / "waiting").glob("*.json"))


def refused(tmp_path: Path) -> list[Path]:
    return sorted((tmp_path / "var" / "spool" / NODE / "refused").glob("*.json"))


async def test_a_folder_is_played_sent_and_forgotten(tmp_path: Path, ingest: Answering) -> None:
    for number in range(12):
        write_noise(tmp_path / "in" / f"{number:02}.wav", 5, seed=number)
    write_noise(tmp_path / "in" / "long.flac", 25)

    async with running(chosen(tmp_path, replay_dir=tmp_path / "in"), [build, ingest.build]) as (on, _):
        await until(lambda: any(status.source_done and not status.spooled for status in ingest.statuses))
        assert on.metrics.get_sample_value("escolta_node_recorded_total") == 15

    assert sorted(event.file_name for event in ingest.accepted) == [
        *(f"{number:02}.wav" for number in range(12)),
        *(f"long_000{second:02}s.flac" for second in (0, 10, 20)),
    ]
    assert waiting(tmp_path) == []
    first = min(ingest.accepted, key=lambda event: event.start)
    day = first.start.strftime("%Y/%m/%d")
    assert first.object_key == f"audio/{NODE}/{day}/{first.audio_id}.wav"


async def test_nothing_is_forgotten_before_it_is_accepted(tmp_path: Path, ingest: Answering) -> None:
    write_noise(tmp_path / "in" / "a.wav", 25)
    settings = chosen(tmp_path, replay_dir=tmp_path / "in")
    ingest.silent = True
    async with running(settings, [build, ingest.build]):
        await until(lambda: len(ingest.heard) == 3)
    assert len(waiting(tmp_path)) == 3

    ingest.silent = False
    async with running(settings, [build, ingest.build]):
        await until(lambda: len(ingest.accepted) == 3 and not waiting(tmp_path))
    once, again = ingest.heard[:3], ingest.heard[3:]
    assert sorted(map(str, again)) == sorted(map(str, once))  # ids and all


async def test_a_broken_file_is_told_of_and_stays_where_it_is(tmp_path: Path, ingest: Answering) -> None:
    write_noise(tmp_path / "in" / "a.wav", 5)
    (tmp_path / "in" / "b.wav").write_bytes(b"this is no sound")
    write_noise(tmp_path / "in" / "c.wav", 5, seed=1)
    async with running(chosen(tmp_path, replay_dir=tmp_path / "in"), [build, ingest.build]):
        await until(lambda: any(status.source_done for status in ingest.statuses))
        await until(lambda: len(ingest.accepted) == 2 and not waiting(tmp_path))
    [left_out] = ingest.left_out
    assert (left_out.node, left_out.file_name, left_out.size_bytes) == (NODE, "b.wav", 16)
    assert "begins as none of those that are read" in left_out.reason
    assert (tmp_path / "in" / "b.wav").read_bytes() == b"this is no sound"
    assert refused(tmp_path) == []


async def test_what_is_left_out_is_told_again_after_a_start_with_the_same_id(
    tmp_path: Path, ingest: Answering
) -> None:
    write_noise(tmp_path / "in" / "a.wav", 5)
    (tmp_path / "in" / "b.wav").write_bytes(b"this is no sound")
    for _ in range(2):
        ingest.statuses.clear()
        async with running(chosen(tmp_path, replay_dir=tmp_path / "in"), [build, ingest.build]):
            await until(lambda: any(status.source_done for status in ingest.statuses))
            await until(lambda: bool(ingest.left_out))
    once, again = ingest.left_out
    assert once == again


async def test_the_status_says_what_the_source_holds(tmp_path: Path, ingest: Answering) -> None:
    write_noise(tmp_path / "in" / "20240601_060000.wav", 12)
    (tmp_path / "in" / "notes.txt").write_text("no sound")
    async with running(chosen(tmp_path, replay_dir=tmp_path / "in"), [build, ingest.build]):
        await until(lambda: any(status.source_done for status in ingest.statuses))
    assert ingest.statuses[-1].source == (
        "1 sound in 2 audios. Times from file names (no offset is said: taken as UTC): 1. "
        "No sounds: 1 other file."
    )


async def test_the_replay_waits_while_the_spool_is_full(
    tmp_path: Path, ingest: Answering, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(node, "MOST_WAITING", 3)
    for number in range(10):
        write_noise(tmp_path / "in" / f"{number}.wav", 1, seed=number)
    ingest.silent = True
    async with running(chosen(tmp_path, replay_dir=tmp_path / "in"), [build, ingest.build]) as (on, _):
        await until(lambda: len(ingest.heard) == 3)
        await asyncio.sleep(0.3)  # in which a replay that does not wait would go on
        assert len(waiting(tmp_path)) == len(ingest.heard) == 3
        ingest.silent = False
        for event in ingest.heard[:3]:
            await on.bus.publish(AudioAccepted(audio_id=event.audio_id, node=NODE))
        await until(lambda: len(ingest.accepted) == 7 and not waiting(tmp_path))


async def test_answers_for_another_node_are_none_of_its_business(tmp_path: Path, ingest: Answering) -> None:
    write_noise(tmp_path / "in" / "a.wav", 5)
    ingest.silent = True
    async with running(chosen(tmp_path, replay_dir=tmp_path / "in"), [build, ingest.build]) as (on, _):
        await until(lambda: len(ingest.heard) == 1)
        await on.bus.publish(AudioAccepted(audio_id=ingest.heard[0].audio_id, node="quay-2"))
        await on.bus.publish(AudioRefused(audio_id=ingest.heard[0].audio_id, node=NODE, reason="a test"))
        await until(lambda: not waiting(tmp_path))
    assert len(refused(tmp_path)) == 1


async def test_without_a_source_the_node_idles_and_says_so_once(
    tmp_path: Path, ingest: Answering, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", logger="escolta")
    async with running(chosen(tmp_path), [build, ingest.build]):
        await asyncio.sleep(0.2)
    assert caplog.text.count("nothing to record") == 1
    assert ingest.statuses == []


def test_a_name_that_no_node_can_have_is_a_wrong_setting(tmp_path: Path) -> None:
    with pytest.raises(Misconfigured, match="ESCOLTA_NODE_NAME"):
        asyncio.run(_start(chosen(tmp_path).model_copy(update={"node_name": "Quay 1"})))


async def _start(settings: Settings) -> None:
    async with running(settings, [build]):
        pass


async def test_killed_in_mid_replay_it_goes_on_and_no_audio_is_lost_or_double(
    tmp_path: Path, ingest: Answering
) -> None:
    """A process of its own is killed with SIGKILL while it replays; this one then goes on in its place."""
    for number in range(60):
        write_noise(tmp_path / "in" / f"{number:02}.wav", 5, seed=number)
    settings = chosen(tmp_path, replay_dir=tmp_path / "in")
    program = (
        "import asyncio, sys; from pathlib import Path; from pydantic import SecretStr;"
        "from escolta.runtime import running; from escolta.settings import Settings;"
        "from node_agent.service import build\n"
        "async def main():\n"
        "    settings = Settings.model_validate_json(sys.argv[1])\n"
        "    async with running(settings.model_copy(update={'secret': SecretStr('x' * 30)}), [build]):\n"
        "        await asyncio.sleep(60)\n"
        "asyncio.run(main())"
    )
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", program, settings.model_dump_json())
    try:
        await until(lambda: len(waiting(tmp_path)) >= 10 or process.returncode is not None)
        assert process.returncode is None
    finally:
        process.kill()
        await process.wait()
    assert len(waiting(tmp_path)) < 60  # else nothing was left to do, and the test says nothing

    async with running(settings, [build, ingest.build]):
        await until(lambda: any(status.source_done and not status.spooled for status in ingest.statuses))
    assert sorted({event.file_name for event in ingest.accepted}) == [f"{n:02}.wav" for n in range(60)]
    assert len({event.audio_id for event in ingest.accepted}) == 60


def test_a_small_node_needs_no_database_driver_and_no_machine_learning() -> None:
    """A Raspberry Pi has none of them, nor the room for them."""
    heavy = {"asyncpg", "torch", "sklearn", "scipy", "onnxruntime", "minio", "aio_pika"}
    program = f"import sys, node_agent.service; print(*({heavy!r} & set(sys.modules)))"
    imported = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert imported.stdout.split() == []
