"""The node as a whole: memory bus, objects in files, and somebody who answers as ingest does."""

import asyncio
import subprocess
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from uuid import UUID

import pytest
from unit.node_agent.answering import NODE, Answering, answering, chosen, refused, waiting
from unit.node_agent.patience import until
from unit.node_agent.sounds import write_noise

from escolta.bus.memory import MemoryBus
from escolta.errors import Misconfigured
from escolta.events import (
    AudioAccepted,
    AudioHeld,
    AudioRefused,
    SoundLeftOut,
    UploadGranted,
)
from escolta.runtime import running
from escolta.service import Service
from escolta.settings import Settings
from node_agent.command import resend
from node_agent.node import NO_ROOM
from node_agent.recording.left_out import LeftOut
from node_agent.service import build


@pytest.fixture
def ingest() -> Answering:
    return Answering()


async def run_job(services: Sequence[Service], name: str) -> None:
    """Run a job of the node's at once, which would else come in its time."""
    await next(job for service in services for job in service.jobs if job.run.__name__ == name).run()


async def test_a_folder_is_played_sent_and_forgotten(tmp_path: Path, ingest: Answering) -> None:
    for number in range(12):
        write_noise(tmp_path / "in" / f"{number:02}.wav", 5, seed=number)
    write_noise(tmp_path / "in" / "long.flac", 25)

    async with running(chosen(tmp_path, replay_dir=tmp_path / "in"), [build, ingest.build]) as (on, _):
        await until(lambda: any(status.source_done and not status.spooled for status in ingest.statuses))
        assert on.metrics.get_sample_value("escolta_node_agent_recorded_total") == 15
        assert ingest.statuses[-1].recorded == 15

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
    assert set(map(str, again)) == set(map(str, once))  # ids and all


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


async def test_what_is_told_already_is_not_made_into_an_event_again(
    tmp_path: Path, ingest: Answering, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A node with thousands of them would answer nobody meanwhile."""
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "b.wav").write_bytes(b"this is no sound")
    made: list[str] = []
    event = LeftOut.event

    def counted(left_out: LeftOut, node: str) -> SoundLeftOut:
        made.append(node)
        return event(left_out, node)

    monkeypatch.setattr(LeftOut, "event", counted)
    async with running(chosen(tmp_path, replay_dir=tmp_path / "in"), [build, ingest.build]) as (_, services):
        await until(lambda: bool(ingest.left_out))
        await run_job(services, "tell")
    assert made == [NODE]


async def test_the_status_says_what_the_source_holds(tmp_path: Path, ingest: Answering) -> None:
    write_noise(tmp_path / "in" / "20240601_060000.wav", 12)
    (tmp_path / "in" / "notes.txt").write_text("no sound")
    async with running(chosen(tmp_path, replay_dir=tmp_path / "in"), [build, ingest.build]):
        await until(lambda: any(status.source_done for status in ingest.statuses))
    assert ingest.statuses[-1].source == (
        "1 sound in 2 audios. Times from file names (no offset is said: taken as UTC): 1. "
        "No sounds: 1 other file."
    )


async def test_the_replay_waits_while_the_disk_is_full_and_says_so(tmp_path: Path, ingest: Answering) -> None:
    for number in range(4):
        write_noise(tmp_path / "in" / f"{number}.wav", 1, seed=number)
    ingest.silent = True
    settings = chosen(tmp_path, replay_dir=tmp_path / "in", spool_share=1e-15)  # one audio is more than that
    async with running(settings, [build, ingest.build]) as (on, services):
        await until(lambda: len(ingest.heard) == 1)
        await asyncio.sleep(0.3)  # in which a replay that does not wait would go on
        assert len(waiting(tmp_path)) == len(ingest.heard) == 1
        await run_job(services, "tell")
        await until(lambda: any(status.source.endswith(NO_ROOM) for status in ingest.statuses))
        ingest.silent = False
        await on.bus.publish(AudioAccepted(**answering(ingest.heard[0])))
        await until(lambda: len(ingest.accepted) == 3 and not waiting(tmp_path))


async def test_answers_for_another_node_are_none_of_its_business(tmp_path: Path, ingest: Answering) -> None:
    write_noise(tmp_path / "in" / "a.wav", 5)
    ingest.silent = True
    async with running(chosen(tmp_path, replay_dir=tmp_path / "in"), [build, ingest.build]) as (on, _):
        await until(lambda: len(ingest.heard) == 1)
        await on.bus.publish(AudioAccepted(**answering(ingest.heard[0], node="quay-2")))
        await on.bus.publish(AudioRefused(**answering(ingest.heard[0]), reason="a test"))
        await until(lambda: not waiting(tmp_path))
    assert len(refused(tmp_path)) == 1


async def test_an_answer_that_does_not_know_the_audio_is_heeded_by_nobody(
    tmp_path: Path, ingest: Answering
) -> None:
    """Another node, or whoever else finds a way to this node's topics, can say what it likes."""
    write_noise(tmp_path / "in" / "a.wav", 5)
    ingest.silent = True
    async with running(chosen(tmp_path, replay_dir=tmp_path / "in"), [build, ingest.build]) as (on, _):
        await until(lambda: len(ingest.heard) == 1)
        forged = answering(ingest.heard[0], sha256="0" * 64)
        url = {"url": "http://127.0.0.1:9/", "headers": {}, "good_for_s": 60}
        for answer in (
            AudioAccepted(**forged),
            AudioRefused(**forged, reason="a test"),
            AudioHeld(**forged, kind="clock", reason="a test"),
            UploadGranted(**forged, **url),
        ):
            await on.bus.publish(answer)
        dead_letters = on.bus.dead_letters if isinstance(on.bus, MemoryBus) else []
        await until(lambda: len(dead_letters) == 4)
        assert all("ingest has not said that" in dead.reason for dead in dead_letters)
        assert (len(waiting(tmp_path)), len(refused(tmp_path))) == (1, 0)
        await on.bus.publish(AudioAccepted(**answering(ingest.heard[0])))
        await until(lambda: not waiting(tmp_path))


async def test_a_refused_audio_is_sent_again_when_a_person_asks_for_it(
    tmp_path: Path, ingest: Answering, capsys: pytest.CaptureFixture[str]
) -> None:
    beside = partial(resend, node=NODE, state_dir=tmp_path / "var")
    write_noise(tmp_path / "in" / "a.wav", 5)
    ingest.silent = True
    async with running(chosen(tmp_path, replay_dir=tmp_path / "in"), [build, ingest.build]) as (on, services):
        await until(lambda: len(ingest.heard) == 1)
        audio_id = ingest.heard[0].audio_id
        await on.bus.publish(AudioRefused(**answering(ingest.heard[0]), reason="a test"))
        await until(lambda: not waiting(tmp_path))
        beside()
        assert f"{audio_id}  a.wav: a test" in capsys.readouterr().out
        with pytest.raises(Misconfigured, match="is not among the refused"):
            beside([UUID(int=0)])
        ingest.silent = False
        beside(everything=True)
        await run_job(services, "resend")
        await until(lambda: len(ingest.accepted) == 1 and not waiting(tmp_path))
    assert refused(tmp_path) == []


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
        "import asyncio, itertools, sys, time; from pathlib import Path; from pydantic import SecretStr;"
        "from escolta.runtime import running; from escolta.settings import Settings;"
        "from node_agent.service import build; from node_agent.spool import Spool\n"
        "put, number = Spool.put, itertools.count()\n"
        "def held(*given):\n"
        "    if next(number) == 20: time.sleep(3600)\n"  # however late we kill it, there is something to do
        "    return put(*given)\n"
        "Spool.put = held\n"
        "async def main():\n"
        "    settings = Settings.model_validate_json(sys.argv[1])\n"
        "    async with running(settings.model_copy(update={'secret': SecretStr('x' * 30)}), [build]):\n"
        "        await asyncio.sleep(3600)\n"
        "asyncio.run(main())"
    )
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", program, settings.model_dump_json())
    try:
        await until(lambda: len(waiting(tmp_path)) >= 10 or process.returncode is not None)
        assert process.returncode is None
    finally:
        process.kill()
        await process.wait()
    assert len(waiting(tmp_path)) <= 20

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
