"""A folder is played as if it were recorded: each audio once, always at the same time."""

import asyncio
import os
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path

import pytest
from unit.node_agent.patience import until
from unit.node_agent.playing import NOW, keys, played, replay_of
from unit.node_agent.sounds import write_noise

from escolta.clock import ManualClock, SystemClock
from escolta.errors import Misconfigured, Transient
from node_agent.recording.recorder import RecordedAudio
from node_agent.recording.replay import Replay


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


async def test_files_of_one_stem_make_audios_of_different_names(tmp_path: Path) -> None:
    for number, name in enumerate(("rec1.FLAC", "rec1.ogg", "rec1.wav")):
        write_noise(tmp_path / "in" / name, 12, rate_hz=8000, seed=number)
    audios = await played(replay_of(tmp_path / "in", tmp_path / "state"))
    assert [audio.file_name for audio in audios] == [
        *("rec1_00000s.flac", "rec1_00010s.flac"),
        *("rec1.ogg_00000s.flac", "rec1.ogg_00010s.flac"),
        *("rec1_00000s.wav", "rec1_00010s.wav"),
    ]


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
    assert "a/long.flac cannot be read: No such file or directory (ENOENT)" in caplog.text


async def test_when_the_whole_folder_is_gone_nothing_is_given_up(folder: Path, tmp_path: Path) -> None:
    replay = replay_of(folder, tmp_path / "state")
    await played(replay, most=2)
    os.rename(folder, tmp_path / "unplugged")
    with pytest.raises(Transient, match="back"):
        await played(replay)
    os.rename(tmp_path / "unplugged", folder)
    assert len(await played(replay)) == 6


async def test_a_broken_file_is_left_out_with_its_reason_and_harms_no_other(
    folder: Path, tmp_path: Path
) -> None:
    (folder / "b.wav").write_bytes(b"RIFF\x10\0\0\0WAVE, but no sound")
    replay = replay_of(folder, tmp_path / "state")
    audios = await played(replay)
    assert len(audios) == 6
    [left_out] = replay.account().left_out
    assert (left_out.file_name, left_out.from_s, left_out.doubtful) == ("b.wav", None, False)
    assert left_out.reason.startswith("b.wav is ")
    assert replay.account().source.startswith("3 sounds in 6 audios.")


async def test_a_long_file_that_breaks_off_gives_its_sound_and_is_doubtful(
    folder: Path, tmp_path: Path
) -> None:
    path = write_noise(folder / "a" / "long.flac", 40, rate_hz=8000)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    replay = replay_of(folder, tmp_path / "state")
    audios = await played(replay)
    of_it = [audio for audio in audios if "long" in audio.file_name]
    assert sum(audio.samples for audio in of_it) > 19 * 8000
    assert len(audios) - len(of_it) == 4
    [doubt] = replay.account().left_out
    assert (doubt.file_name, doubt.from_s, doubt.doubtful) == ("a/long.flac", None, True)
    assert doubt.reason.startswith("a/long.flac is truncated: its header promises 320,000 samples")


async def test_what_is_damaged_in_a_row_is_left_out_as_one_and_the_rest_is_played(tmp_path: Path) -> None:
    path = write_noise(tmp_path / "in" / "card" / "long.flac", 60, rate_hz=8000)
    data = bytearray(path.read_bytes())
    for second in (25, 30.4, 39, 52):
        data[int(len(data) * second / 60)] ^= 1
    path.write_bytes(data)
    replay = replay_of(tmp_path / "in", tmp_path / "state")
    audios = await played(replay)
    assert [audio.file_name[10:15] for audio in audios] == ["00000", "00010", "00020", "00040", "00050"]
    one, other = replay.account().left_out
    assert one.from_s == pytest.approx(24.5, abs=0.6)
    assert (one.to_s, other.to_s) == (40, 60)
    assert one.reason.startswith("card/long.flac is damaged from 24.")
    assert "to 40.0 s" in one.reason
    assert not one.doubtful


async def test_a_piece_of_a_file_with_the_longest_path_can_be_told_of(tmp_path: Path) -> None:
    (deep := tmp_path / "in" / Path(*["x" * 250] * 8)).mkdir(parents=True)
    write_noise(tmp_path / "y.wav", 12).rename(deep / "y.wav")
    audios = await played(replay_of(tmp_path / "in", tmp_path / "state"))
    told = [audio.event("quay-1", "unknown").file_name for audio in audios]
    assert [name.rpartition("/")[2] for name in told] == ["y_00000s.wav", "y_00010s.wav"]


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
    assert "there is no sound to play" in caplog.text
