"""What the replay dates as if it were recorded now follows the node's clock, when somebody sets that."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from unit.node_agent.playing import played, replay_of
from unit.node_agent.sounds import write_noise

from escolta.clock import ManualClock
from node_agent.recording import dating

UNSET = datetime(1970, 1, 1, 0, 30, tzinfo=UTC)
NOW = datetime(2024, 5, 1, 10, tzinfo=UTC)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for number in range(3):
        write_noise(tmp_path / "in" / f"{number}.wav", 5, seed=number)
    write_noise(tmp_path / "in" / "20230601_060000.wav", 5, seed=3)
    return tmp_path / "in"


async def test_what_is_still_to_play_follows_the_clock(folder: Path, tmp_path: Path) -> None:
    clock = ManualClock(UNSET)
    starts = {}
    async for audio in replay_of(folder, tmp_path / "state", clock=clock).audios():
        starts[audio.file_name] = audio.start
        if audio.file_name == "0.wav":
            clock.set(NOW)
    step = NOW - UNSET
    assert starts["1.wav"] == starts["0.wav"] + timedelta(seconds=10) + step
    assert starts["2.wav"] == starts["1.wav"] + timedelta(seconds=10)
    assert starts["20230601_060000.wav"] == datetime(2023, 6, 1, 6, tzinfo=UTC)  # its own word


async def test_time_that_goes_by_moves_nothing_even_by_a_clock_that_was_never_set(
    folder: Path, tmp_path: Path
) -> None:
    clock = ManualClock(UNSET)
    replay = replay_of(folder, tmp_path / "state", clock=clock)
    journal = replay._up_to_date()
    await clock.advance(15)
    found = replay._next(journal)
    assert found is not None
    assert found[0].start == UNSET - timedelta(seconds=40)


async def test_a_clock_that_is_set_back_keeps_nothing_waiting(folder: Path, tmp_path: Path) -> None:
    clock = ManualClock(datetime(2040, 1, 1, tzinfo=UTC))
    replay = replay_of(folder, tmp_path / "state", clock=clock, speed=1e9)
    starts = []
    async for audio in replay.audios():
        starts.append(audio.start)
        clock.set(NOW)
    assert len(starts) == 4
    assert max(starts[-2:]) <= NOW


async def test_what_an_earlier_boot_dated_so_that_it_cannot_be_true_becomes_recent(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await played(replay_of(folder, tmp_path / "state", clock=ManualClock(UNSET)), most=2)
    monkeypatch.setattr(dating, "boot_id", lambda: "another boot")
    audios = await played(replay_of(folder, tmp_path / "state", clock=ManualClock(NOW)))
    starts = {audio.file_name: audio.start for audio in audios}
    assert starts["2.wav"] == starts["1.wav"] + timedelta(seconds=10) <= NOW - timedelta(seconds=10)
    assert starts["1.wav"] > NOW - timedelta(minutes=1)
    assert starts["20230601_060000.wav"] == datetime(2023, 6, 1, 6, tzinfo=UTC)


async def test_what_an_earlier_boot_dated_as_may_be_true_stays(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = await played(replay_of(folder, tmp_path / "elsewhere", clock=ManualClock(NOW)))
    await played(replay_of(folder, tmp_path / "state", clock=ManualClock(NOW)), most=2)
    monkeypatch.setattr(dating, "boot_id", lambda: "another boot")
    later = ManualClock(NOW + timedelta(hours=5))
    audios = await played(replay_of(folder, tmp_path / "state", clock=later))
    assert [audio.start for audio in audios] == [audio.start for audio in whole[1:]]


@pytest.mark.parametrize("most", [4, 7, 9])
async def test_a_clock_that_is_set_back_gives_no_two_audios_the_same_start(tmp_path: Path, most: int) -> None:
    """Broken off before a sound, and in the midst of one, whose first audios have their starts already."""
    for number in range(4):
        write_noise(tmp_path / "in" / f"{number}.wav", 5, seed=number)
    write_noise(tmp_path / "in" / "5.wav", 75, seed=5)
    clock = ManualClock(NOW)
    before = await played(replay_of(tmp_path / "in", tmp_path / "state", clock=clock), most=most)
    clock.set(clock.now() - timedelta(seconds=30) + timedelta(milliseconds=1))
    after = await played(replay_of(tmp_path / "in", tmp_path / "state", clock=clock))
    write_noise(tmp_path / "in" / "6.wav", 75, seed=6)
    later = await played(replay_of(tmp_path / "in", tmp_path / "state", clock=clock))
    starts = [audio.start for audio in (*before[:-1], *after, *later)]
    assert len(starts) == 4 + 8 + 8
    assert len(set(starts)) == len(starts)


async def test_what_is_left_of_a_sound_takes_no_start_that_its_beginning_had(tmp_path: Path) -> None:
    write_noise(tmp_path / "in" / "long.wav", 115)
    clock = ManualClock(NOW)
    before = await played(replay_of(tmp_path / "in", tmp_path / "state", clock=clock), most=5)
    clock.set(clock.now() - timedelta(seconds=20) + timedelta(milliseconds=1))
    after = await played(replay_of(tmp_path / "in", tmp_path / "state", clock=clock))
    assert len({audio.start for audio in (*before[:-1], *after)}) == 12
