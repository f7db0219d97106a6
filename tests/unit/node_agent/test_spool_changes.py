"""Audios that leave the spool for `refused/` and come back, and audios that get another start."""

import os
from datetime import timedelta
from pathlib import Path

import pytest
from unit.node_agent.spooling import SOUND, START, audio, crash, ids, opened

from escolta.events import AudioRecorded
from node_agent import refused
from node_agent.recording.dating import Dating
from node_agent.recording.recorder import RecordedAudio
from node_agent.redated import ASIDE
from node_agent.spool import Spool

EARLY, RIGHT = Dating("a boot", 0.0), Dating("a boot", 1e9)


def test_a_refused_audio_that_is_asked_for_waits_again(tmp_path: Path) -> None:
    spool = opened(tmp_path)
    for number in (0, 1):
        spool.put(audio(number), SOUND)
        spool.set_aside(audio(number).audio_id, "too loud")
    Spool(tmp_path).ask_again(audio(1).audio_id)  # beside the process that holds the folder
    assert spool.take_back() == ids(1)
    assert spool.read(audio(1).audio_id) == (audio(1), SOUND)
    assert [refused.event for refused in spool.refused] == [audio(0)]
    assert spool.take_back() == []


@pytest.mark.parametrize("steps", range(14))
def test_a_power_cut_while_taking_back_leaves_the_audio_in_one_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, steps: int
) -> None:
    spool = opened(tmp_path)
    spool.put(audio(), SOUND)
    spool.set_aside(audio().audio_id, "too loud")
    spool.ask_again(audio().audio_id)
    spool.close()
    crash(tmp_path, Spool.take_back, steps, monkeypatch)
    spool = opened(tmp_path)
    in_refused = sorted(path.name for path in (tmp_path / "refused").iterdir())
    if len(spool):
        assert spool.read(audio().audio_id) == (audio(), SOUND)
        assert in_refused == []
    else:
        assert in_refused == [f"{audio().audio_id}.json", f"{audio().audio_id}.wav"]
        assert spool.take_back() == ids(0)
        assert spool.read(audio().audio_id) == (audio(), SOUND)


@pytest.mark.parametrize("bound", ["MOST_AUDIOS", "MOST_BYTES"])
def test_of_too_many_refused_audios_the_oldest_go(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, bound: str
) -> None:
    spool = opened(tmp_path)
    for number in range(3):
        spool.put(audio(number), SOUND)
    gone = [spool.set_aside(audio_id, "too loud") for audio_id in ids(0, 1)]
    for number in range(2):
        for path in (tmp_path / "refused").glob(f"{audio(number).audio_id}.*"):
            os.utime(path, (number, number))
    size_bytes = sum(path.stat().st_size for path in (tmp_path / "refused").iterdir())
    monkeypatch.setattr(refused, bound, 2 if bound == "MOST_AUDIOS" else size_bytes)
    gone.append(spool.set_aside(audio(2).audio_id, "too loud"))
    assert gone == [0, 0, 1]
    assert {kept.name for kept in spool.refused} == set(map(str, ids(1, 2)))
    assert len(list((tmp_path / "refused").iterdir())) == 4


def always(event: AudioRecorded) -> bool:
    return True


def later(number: int = 0) -> AudioRecorded:
    """An audio as it becomes when the clock is set from `EARLY` to `RIGHT`."""
    start = START + timedelta(seconds=10 * number) + timedelta(seconds=1e9) + ASIDE
    return RecordedAudio(start, 100, 10, 1, 16, f"{number}.wav", "wav", SOUND).event("quay-1", "unknown")


def test_an_audio_of_a_wrong_clock_gets_its_right_start_once_the_clock_has_it(tmp_path: Path) -> None:
    spool = opened(tmp_path)
    spool.put(audio(), SOUND, EARLY)
    assert spool.redate(audio().audio_id, RIGHT, always) == later().audio_id
    assert spool.read(later().audio_id) == (later(), SOUND)
    assert spool.redate(later().audio_id, RIGHT, always) is None
    spool.close()
    assert opened(tmp_path).waiting() == [later().audio_id]


@pytest.mark.parametrize(
    ("dated", "now", "may"),
    [
        (None, RIGHT, True),  # by its file's name
        (EARLY, Dating("another boot", 1e9), True),
        (EARLY, Dating("a boot", 1.5), True),  # no step: a clock that is kept right
        (EARLY, RIGHT, False),
    ],
)
def test_what_the_clock_cannot_put_right_stays_as_it_is(
    tmp_path: Path, dated: Dating | None, now: Dating, may: bool
) -> None:
    spool = opened(tmp_path)
    spool.put(audio(), SOUND, dated)
    assert spool.redate(audio().audio_id, now, lambda event: may) is None
    assert spool.waiting() == ids(0)


@pytest.mark.parametrize("steps", range(20))
def test_a_power_cut_while_redating_neither_loses_nor_doubles_the_audio(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, steps: int
) -> None:
    spool = opened(tmp_path)
    spool.put(audio(), SOUND, EARLY)
    spool.close()
    crash(tmp_path, lambda spool: spool.redate(audio().audio_id, RIGHT, always), steps, monkeypatch)
    spool = opened(tmp_path)
    [waiting] = spool.waiting()
    assert spool.read(waiting) in [(audio(), SOUND), (later(), SOUND)]
    spool.redate(waiting, RIGHT, always)
    assert spool.waiting() == [later().audio_id]
    assert len(list((tmp_path / "waiting").iterdir())) == 2
    assert list((tmp_path / "redating").iterdir()) == []
