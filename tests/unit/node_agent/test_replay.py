"""A folder is played as if it were recorded: each audio once, always at the same time."""

import asyncio
import os
import tempfile
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from unit.node_agent.patience import until
from unit.node_agent.sounds import write_noise

from escolta.clock import Clock, ManualClock, SystemClock
from escolta.errors import Misconfigured, Transient
from node_agent.recording.journal import Journal, SoundFile
from node_agent.recording.recorder import RecordedAudio
from node_agent.recording.replay import Replay

NOW = datetime(2024, 5, 1, 10, 0, 0, 500, tzinfo=UTC)


def replay_of(folder: Path, state: Path, *, speed: float = 0, clock: Clock | None = None) -> Replay:
    state.mkdir(exist_ok=True)
    return Replay(folder, state, clock or ManualClock(NOW), speed)


async def played(replay: Replay, most: int = 1000) -> list[RecordedAudio]:
    """The audios up to the `most`-th, which is taken but, as in a crash, never said to be safe."""
    audios = []
    async with asyncio.timeout(30):
        async for audio in replay.audios():
            audios.append(audio)
            if len(audios) == most:
                break
    return audios


def keys(audios: list[RecordedAudio]) -> list[tuple[datetime, str, bytes]]:
    return [(audio.start, audio.file_name, audio.data) for audio in audios]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Four files, which make seven audios."""
    write_noise(tmp_path / "in" / "b.wav", 5, seed=1)
    write_noise(tmp_path / "in" / "a" / "long.flac", 25, seed=2)
    write_noise(tmp_path / "in" / "a" / "Z.OGG", 4, rate_hz=8000, seed=3)
    write_noise(tmp_path / "in" / "c.wav", 12, seed=4)
    (tmp_path / "in" / "notes.txt").write_text("no sound")
    (tmp_path / "in" / "._b.wav").write_bytes(b"what a Mac leaves beside a file")
    return tmp_path / "in"


async def test_files_are_played_by_name_and_long_ones_are_cut(folder: Path, tmp_path: Path) -> None:
    audios = await played(replay_of(folder, tmp_path / "state"))
    assert [audio.file_name for audio in audios] == [
        "a/Z.OGG",
        "a/long_00000s.flac",
        "a/long_00010s.flac",
        "a/long_00020s.flac",
        "b.wav",
        "c_00000s.wav",
        "c_00010s.wav",
    ]
    assert [audio.samples for audio in audios] == [32000, 1000, 1000, 500, 500, 1000, 200]
    starts = [audio.start for audio in audios]
    assert starts == [starts[0] + timedelta(seconds=10 * slot) for slot in range(7)]


async def test_as_fast_as_it_goes_the_last_audio_ends_now_and_none_in_the_future(
    folder: Path, tmp_path: Path
) -> None:
    audios = await played(replay_of(folder, tmp_path / "state"))
    assert NOW - timedelta(seconds=1) <= audios[-1].start + timedelta(seconds=10) <= NOW


async def test_a_short_file_passes_unchanged(folder: Path, tmp_path: Path) -> None:
    audios = await played(replay_of(folder, tmp_path / "state"))
    assert audios[0].data == (folder / "a" / "Z.OGG").read_bytes()
    assert (audios[0].suffix, audios[0].bits_per_sample) == ("ogg", 16)
    assert audios[4].data == (folder / "b.wav").read_bytes()


async def test_what_has_been_played_is_not_played_again(folder: Path, tmp_path: Path) -> None:
    assert len(await played(replay_of(folder, tmp_path / "state"))) == 7
    assert await played(replay_of(folder, tmp_path / "state")) == []


@pytest.mark.parametrize("most", range(1, 8))
async def test_broken_off_anywhere_it_goes_on_with_the_same_audios(
    folder: Path, tmp_path: Path, most: int
) -> None:
    whole = keys(await played(replay_of(folder, tmp_path / "elsewhere")))
    before = keys(await played(replay_of(folder, tmp_path / "state"), most))
    later = ManualClock(NOW + timedelta(hours=5))
    after = keys(await played(replay_of(folder, tmp_path / "state", clock=later)))
    assert before == whole[:most]
    assert after == whole[most - 1 :]  # the one that was not yet safe comes again, and is the same


async def test_a_file_that_comes_later_is_played_then(folder: Path, tmp_path: Path) -> None:
    clock = ManualClock(NOW)
    replay = replay_of(folder, tmp_path / "state", clock=clock)
    first = await played(replay)
    write_noise(folder / "a" / "another.wav", 12)
    second = await played(replay)
    assert [audio.file_name for audio in second] == ["a/another_00000s.wav", "a/another_00010s.wav"]
    assert len({audio.start for audio in first + second}) == 9
    assert all(audio.start + timedelta(seconds=10) <= clock.now() for audio in second)


async def test_a_file_that_has_changed_is_played_anew_at_another_time(folder: Path, tmp_path: Path) -> None:
    replay = replay_of(folder, tmp_path / "state")
    first = await played(replay)
    write_noise(folder / "b.wav", 6)
    [again] = await played(replay)
    assert again.file_name == "b.wav"
    assert again.start not in [audio.start for audio in first]


async def test_a_file_that_changes_before_its_turn_is_played_once_as_it_is_now(
    folder: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    replay = replay_of(folder, tmp_path / "state")
    await played(replay, most=1)
    write_noise(folder / "c.wav", 35)
    of_it = [audio for audio in await played(replay) if audio.file_name.startswith("c")]
    assert [audio.samples for audio in of_it] == [1000, 1000, 1000, 500]
    assert "c.wav has changed" in caplog.text


async def test_a_file_that_is_gone_is_named_and_the_others_are_played(
    folder: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    replay = replay_of(folder, tmp_path / "state")
    await played(replay, most=2)
    (folder / "a" / "long.flac").unlink()
    assert [audio.file_name for audio in await played(replay)] == ["b.wav", "c_00000s.wav", "c_00010s.wav"]
    assert "long.flac is gone" in caplog.text


async def test_when_the_whole_folder_is_gone_nothing_is_given_up(folder: Path, tmp_path: Path) -> None:
    replay = replay_of(folder, tmp_path / "state")
    await played(replay, most=2)
    os.rename(folder, tmp_path / "unplugged")
    with pytest.raises(Transient, match="back"):
        await played(replay)
    os.rename(tmp_path / "unplugged", folder)
    assert len(await played(replay)) == 6


async def test_a_broken_file_is_sent_as_it_is_and_harms_no_other(
    folder: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (folder / "b.wav").write_bytes(b"this is no sound")
    audios = await played(replay_of(folder, tmp_path / "state"))
    broken = audios[4]
    assert (broken.file_name, broken.samples, broken.data) == ("b.wav", 0, b"this is no sound")
    assert len(audios) == 7
    assert "b.wav is not a sound file" in caplog.text


async def test_a_long_file_that_breaks_off_gives_its_sound_and_then_itself(
    folder: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = write_noise(folder / "a" / "long.flac", 40, rate_hz=8000)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    audios = await played(replay_of(folder, tmp_path / "state"))
    of_it = [audio for audio in audios if "long" in audio.file_name]
    assert of_it[-1].file_name == "a/long.flac"
    assert (of_it[-1].samples, of_it[-1].data) == (0, path.read_bytes())
    assert all(audio.samples > 0 for audio in of_it[:-1])
    assert sum(audio.samples for audio in of_it) >= 10 * 8000
    assert len(audios) - len(of_it) == 4
    assert "long.flac is truncated" in caplog.text


async def test_a_name_that_is_not_utf8_is_played_too(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    write_noise(tmp_path / "in" / "x.wav", 12)
    os.rename(tmp_path / "in" / "x.wav", os.fsencode(tmp_path / "in") + b"/\xe9t\xe9.wav")
    await played(replay_of(tmp_path / "in", tmp_path / "state"), most=1)
    audios = await played(replay_of(tmp_path / "in", tmp_path / "state"))
    assert [audio.file_name for audio in audios] == ["�t�_00000s.wav", "�t�_00010s.wav"]
    assert audios[0].event("quay-1", "unknown").model_dump_json()


async def test_in_real_time_an_audio_comes_when_it_would_be_over(folder: Path, tmp_path: Path) -> None:
    clock = ManualClock(NOW)
    audios: list[tuple[datetime, datetime]] = []

    def come(number: int) -> bool:
        return len(audios) == number

    async def play() -> None:
        async for audio in replay_of(folder, tmp_path / "state", speed=1, clock=clock).audios():
            audios.append((audio.start, clock.now()))

    playing = asyncio.create_task(play())
    for slot in range(7):
        await until(lambda: bool(clock._sleepers))
        await clock.advance(9.5)
        assert len(audios) == slot
        await clock.advance(0.5)
        await until(partial(come, slot + 1))
    await playing
    assert [at - start for start, at in audios] == [timedelta(seconds=10, microseconds=500)] * 7


async def test_twice_as_fast_takes_half_the_time_and_never_tells_of_the_future(
    folder: Path, tmp_path: Path
) -> None:
    clock = ManualClock(NOW)
    audios: list[RecordedAudio] = []

    def come(number: int) -> bool:
        return len(audios) == number

    async def play() -> None:
        async for audio in replay_of(folder, tmp_path / "state", speed=2, clock=clock).audios():
            audios.append(audio)
            assert audio.start + timedelta(seconds=10) <= clock.now()

    playing = asyncio.create_task(play())
    for slot in range(7):
        await until(lambda: bool(clock._sleepers))
        await clock.advance(5)
        await until(partial(come, slot + 1))
    await playing


@pytest.mark.parametrize("speed", [0, 5])
async def test_what_was_to_come_in_real_time_is_not_told_of_earlier_when_hurried(
    folder: Path, tmp_path: Path, speed: float
) -> None:
    clock = ManualClock(NOW)
    in_real_time = asyncio.create_task(played(replay_of(folder, tmp_path / "state", speed=1, clock=clock)))
    await until(lambda: bool(clock._sleepers))
    in_real_time.cancel()

    replay = replay_of(folder, tmp_path / "state", speed=speed, clock=clock)
    hurried = asyncio.create_task(played(replay, most=1))
    await until(lambda: len(clock._sleepers) == 2)
    await clock.advance(9)
    await asyncio.sleep(0.05)
    assert not hurried.done()
    await clock.advance(1)
    [first] = await hurried
    assert first.start + timedelta(seconds=10) <= clock.now()


def test_a_folder_that_is_not_there_is_a_wrong_setting(tmp_path: Path) -> None:
    with pytest.raises(Misconfigured, match="ESCOLTA_REPLAY_DIR"):
        Replay(tmp_path / "nowhere", tmp_path, SystemClock(), 0)


async def test_an_empty_folder_is_said_to_be_empty(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "in").mkdir()
    assert await played(replay_of(tmp_path / "in", tmp_path / "state")) == []
    assert "there is no WAV, FLAC or Ogg file" in caplog.text


@given(
    rows=st.lists(
        st.tuples(
            st.lists(st.integers(1, 500), min_size=1, max_size=5),  # audios of each file
            st.integers(0, 20_000),  # seconds since the last row
            st.sampled_from([0.0, 0.5, 1.0, 3.0, 100.0]),
        ),
        max_size=6,
    )
)
@settings(max_examples=60, deadline=None)
def test_no_two_audios_ever_get_the_same_place_in_time(rows: list[tuple[list[int], int, float]]) -> None:
    now = NOW
    with tempfile.TemporaryDirectory() as folder:
        for number, (audios, pause_s, speed) in enumerate(rows):
            now += timedelta(seconds=pause_s)
            journal = Journal(Path(folder))
            files = [(SoundFile(f"{number}/{index}", "x", 1), count) for index, count in enumerate(audios)]
            journal.plan(files, now, speed)
            if speed == 0:
                assert all(entry.end <= now for entry in journal.entries[-len(files) :])
        entries = Journal(Path(folder)).entries
    assert len(entries) == sum(len(audios) for audios, _, _ in rows)
    places = sorted((entry.start, entry.end) for entry in entries)
    assert all(end <= start for (_, end), (start, _) in pairwise(places))
