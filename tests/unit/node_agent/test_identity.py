"""A sound is told by its content, so it is played once, whatever its path is and whatever a path holds."""

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import soundfile
from unit.node_agent.playing import NOW, played, replay_of
from unit.node_agent.sounds import write_noise

from escolta.clock import ManualClock
from node_agent.recording import identity, planning
from node_agent.recording import replay as replay_module
from node_agent.recording.cut import Plan
from node_agent.recording.replay import Replay

SIX = datetime(2024, 1, 1, 6, tzinfo=UTC)


def fill_card(folder: Path, card: int, duration_s: float = 1) -> None:
    """Three recordings, with the names, sizes and times of change that every card has."""
    for hour in range(3):
        path = write_noise(folder / f"20240101_0{hour}0000.WAV", duration_s, seed=10 * card + hour)
        os.utime(path, (0, 1704067200 + hour))


async def names(replay: Replay) -> list[str]:
    return [audio.file_name for audio in await played(replay)]


def left_out(replay: Replay) -> dict[str, str]:
    return {one.file_name: one.reason for one in replay.account().left_out}


async def test_a_second_card_with_the_same_names_and_sizes_is_played(tmp_path: Path) -> None:
    """Of the same times of change, too, and long enough that the files' ends are not all there is."""
    replay = replay_of(tmp_path / "in", tmp_path / "state", make=True)
    fill_card(tmp_path / "in", 0, duration_s=100)
    first = await played(replay)
    fill_card(tmp_path / "in", 1, duration_s=100)
    second = await played(replay)
    assert [audio.file_name for audio in second] == [audio.file_name for audio in first]
    assert len({audio.data for audio in first + second}) == len(first + second) == 60
    assert len({audio.start for audio in first + second}) == 60
    fill_card(tmp_path / "in", 0, duration_s=100)
    assert await played(replay) == []  # the first card again


async def test_two_recorders_with_the_same_times_are_set_microseconds_apart(tmp_path: Path) -> None:
    for recorder in range(3):
        write_noise(tmp_path / "in" / str(recorder) / "20240101_060000.wav", 25, seed=recorder)
    replay = replay_of(tmp_path / "in", tmp_path / "state")
    audios = await played(replay)
    assert [audio.start - SIX for audio in audios] == [
        timedelta(seconds=10 * piece, microseconds=recorder) for recorder in range(3) for piece in range(3)
    ]
    assert "2 with the time of another, set some microseconds later" in replay.account().source


async def test_files_that_were_moved_and_renamed_are_not_played_twice(tmp_path: Path) -> None:
    replay = replay_of(tmp_path / "in", tmp_path / "state", make=True)
    fill_card(tmp_path / "in", 0)
    assert len(await played(replay)) == 3
    (tmp_path / "in" / "site a").mkdir()
    for number, path in enumerate(sorted((tmp_path / "in").glob("*.WAV"))):
        path.rename(tmp_path / "in" / "site a" / f"dawn {number}.wav")
    assert await played(replay) == []
    assert left_out(replay) == {}


async def test_files_that_are_moved_before_their_turn_are_played_from_where_they_are(tmp_path: Path) -> None:
    replay = replay_of(tmp_path / "in", tmp_path / "state", make=True)
    fill_card(tmp_path / "in", 0)
    [first] = await played(replay, most=1)
    (tmp_path / "in").rename(tmp_path / "moved")
    (tmp_path / "in").mkdir()
    (tmp_path / "moved").rename(tmp_path / "in" / "site a")
    rest = await played(replay)
    assert [audio.start.hour for audio in rest] == [0, 1, 2]
    assert rest[0].data == first.data
    assert left_out(replay) == {}


async def test_a_repaired_file_is_played_anew(tmp_path: Path) -> None:
    replay = replay_of(tmp_path / "in", tmp_path / "state", make=True)
    path = write_noise(tmp_path / "in" / "a.wav", 100)
    first = await played(replay)
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 255  # far from both ends
    path.write_bytes(content)
    assert len(await played(replay)) == len(first) == 10


async def test_a_file_that_was_only_touched_is_not_played_again(tmp_path: Path) -> None:
    replay = replay_of(tmp_path / "in", tmp_path / "state", make=True)
    path = write_noise(tmp_path / "in" / "a.wav", 100)
    await played(replay)
    os.utime(path, (1, 1))
    assert await played(replay) == []


async def test_a_copy_is_taken_once_and_told(tmp_path: Path) -> None:
    write_noise(tmp_path / "in" / "1" / "a.wav", 5)
    write_noise(tmp_path / "in" / "2" / "a.wav", 5)
    write_noise(tmp_path / "in" / "a copy.wav", 5)
    replay = replay_of(tmp_path / "in", tmp_path / "state")
    assert await names(replay) == ["1/a.wav"]
    for name in ("2/a.wav", "a copy.wav"):
        assert left_out(replay)[name] == f"{name} is the same as 1/a.wav, byte for byte: that is taken once."
    assert await names(replay) == []
    (tmp_path / "in" / "1" / "a.wav").unlink()
    assert await names(replay) == []


async def test_copies_whose_first_sample_cannot_be_read_are_compared_by_the_rest(tmp_path: Path) -> None:
    """A FLAC without seven bytes of its header: one sample is not read, but the block that it begins."""
    whole = write_noise(tmp_path / "whole.flac", 0.1, rate_hz=16_000).read_bytes()
    damaged = whole[:30] + whole[37:]
    for name in ("a.flac", "b.flac"):
        (tmp_path / "in").mkdir(exist_ok=True)
        (tmp_path / "in" / name).write_bytes(damaged)
    replay = replay_of(tmp_path / "in", tmp_path / "state")
    assert await names(replay) == ["a.flac"]
    assert "byte for byte" in left_out(replay)["b.flac"]


async def test_recordings_of_digital_silence_are_told_apart_by_their_names(tmp_path: Path) -> None:
    """A recorder with a dead microphone writes the same bytes, night after night."""
    (tmp_path / "in" / "copy").mkdir(parents=True)
    for name in ("a.wav", "b.wav", "c.wav", "copy/a.wav"):
        soundfile.write(tmp_path / "in" / name, np.zeros(500), 100)
    replay = replay_of(tmp_path / "in", tmp_path / "state")
    assert await names(replay) == ["a.wav", "b.wav", "c.wav"]
    assert set(left_out(replay)) == {"copy/a.wav"}
    assert await names(replay) == []


async def test_what_cannot_be_read_to_its_end_is_told_and_played_once_it_can(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(3):
        write_noise(tmp_path / "in" / f"{number}.wav", 5, seed=number)
    real = replay_module.identity_of

    def failing(path: str) -> str:
        if path.endswith("1.wav"):
            raise OSError(5, "Input/output error")
        return real(path)

    monkeypatch.setattr(replay_module, "identity_of", failing)
    replay = replay_of(tmp_path / "in", tmp_path / "state")
    assert await names(replay) == ["0.wav", "2.wav"]
    [one] = replay.account().left_out
    assert one.reason == "1.wav cannot be read: Input/output error (EIO). It is tried again by itself."

    monkeypatch.setattr(planning, "identity_of", failing)  # nor can it at the next look
    assert await names(replay) == []
    assert list(replay.account().left_out) == [one]

    monkeypatch.undo()
    assert await names(replay) == ["1.wav"]
    [still_one] = replay.account().left_out
    assert still_one.doubtful
    assert still_one.event("quay-1").left_out_id == one.event("quay-1").left_out_id


@pytest.mark.parametrize(
    ("module", "step"), [(planning, "audios_of"), (planning, "said_time"), (identity, "identity_of")]
)
async def test_a_file_that_fails_when_it_is_found_is_told_and_the_others_are_played(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, module: ModuleType, step: str
) -> None:
    for number in range(3):
        path = write_noise(tmp_path / "in" / f"{number}.wav", 100, seed=number)
        content = path.read_bytes()
        path.write_bytes(content[:44] + bytes(9000) + content[9044:-9000] + bytes(9000))  # with the same ends
    real = getattr(module, step)

    def failing(path: object, *more: object) -> object:
        if str(path).endswith("1.wav"):
            raise OSError(5, "Input/output error")
        return real(path, *more)

    monkeypatch.setattr(module, step, failing)
    replay = replay_of(tmp_path / "in", tmp_path / "state")
    assert {name.partition("_")[0] for name in await names(replay)} == {"0", "2"}
    assert left_out(replay)["1.wav"].startswith("1.wav cannot be read: Input/output error (EIO)")
    monkeypatch.undo()
    assert {name.partition("_")[0] for name in await names(replay)} == {"1"}


async def test_a_disk_that_fails_in_mid_file_loses_only_what_cannot_be_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_noise(tmp_path / "in" / "long.wav", 45)
    write_noise(tmp_path / "in" / "other.wav", 5)
    real = replay_module.cut

    def failing(path: Path, made: Plan, index: int) -> object:
        if path.name == "long.wav" and index == 2:
            raise OSError(5, "Input/output error")
        return real(path, made, index)

    monkeypatch.setattr(replay_module, "cut", failing)
    replay = replay_of(tmp_path / "in", tmp_path / "state")
    assert await names(replay) == ["long_00000s.wav", "long_00010s.wav", "other.wav"]
    [one] = replay.account().left_out
    assert (one.file_name, one.from_s) == ("long.wav", 20)

    def failing_again(_: str) -> str:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(planning, "identity_of", failing_again)
    assert await names(replay) == []
    assert list(replay.account().left_out) == [one]
    monkeypatch.undo()
    assert await names(replay) == [f"long_000{second}s.wav" for second in (20, 30, 40)]


async def test_a_file_that_others_may_not_read_is_played_once_they_may(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.wav").symlink_to("/proc/self/mem")  # which gives a real EIO
    replay = replay_of(tmp_path / "in", tmp_path / "state")
    assert await names(replay) == []
    assert await names(replay) == []
    [before] = replay.account().left_out
    assert not before.doubtful
    (tmp_path / "in" / "a.wav").unlink()
    write_noise(tmp_path / "in" / "a.wav", 5)
    assert await names(replay) == ["a.wav"]
    [after] = replay.account().left_out
    assert after.doubtful
    assert "was read later, and is taken" in after.reason


async def test_a_sound_that_is_known_is_not_left_out_for_ever_once_it_could_not_be_opened(
    tmp_path: Path,
) -> None:
    path = write_noise(tmp_path / "in" / "card" / "a.wav", 5)
    replay = replay_of(tmp_path / "in", tmp_path / "state")
    assert await names(replay) == ["card/a.wav"]
    path.rename(tmp_path / "a.wav")
    path.symlink_to("/proc/self/mem")  # which gives a real EIO
    assert await names(replay) == []
    [before] = replay.account().left_out
    assert not before.doubtful
    (tmp_path / "a.wav").replace(path)
    assert await names(replay) == []
    [after] = replay.account().left_out
    assert after.doubtful


async def test_the_times_are_those_of_the_recorders_and_the_others_are_of_the_replay(tmp_path: Path) -> None:
    write_noise(tmp_path / "in" / "20240101_060000.wav", 25, seed=1)
    write_noise(tmp_path / "in" / "ZOOM0001.wav", 25, seed=2)
    replay = replay_of(tmp_path / "in", tmp_path / "state", clock=ManualClock(NOW))
    audios = await played(replay)
    assert [audio.start for audio in audios[:3]] == [SIX + timedelta(seconds=10 * k) for k in range(3)]
    assert audios[-1].start + timedelta(seconds=10) <= NOW
    assert [audio.event("quay-1", "synchronized").clock_state for audio in audios] == (
        ["unknown"] * 3 + ["synchronized"] * 3
    )
    assert replay.account().source == (
        "2 sounds in 6 audios. Times from file names (no offset is said: taken as UTC): 1, "
        "from the replay (nothing says when): 1."
    )
