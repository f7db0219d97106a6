"""The spool keeps every audio through a power cut at any of its steps."""

import os
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from escolta.errors import Misconfigured
from escolta.events import AudioRecorded
from node_agent.recording.recorder import RecordedAudio
from node_agent.spool import Spool

START = datetime(2024, 5, 1, 10, tzinfo=UTC)
SOUND = b"some sound"


class PowerCut(BaseException):
    """Not an Exception: nothing in the code may have a chance to tidy up after it."""


def audio(number: int = 0) -> AudioRecorded:
    start = START + timedelta(seconds=10 * number)
    recorded = RecordedAudio(start, 100, 10, 1, 16, f"{number}.wav", "wav", SOUND)
    return recorded.event("quay-1", "unknown")


def opened(folder: Path) -> Spool:
    spool = Spool(folder)
    spool.open()
    return spool


def cut_power_after(steps: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let `steps` changes reach the disk, and stop in the middle of the next one."""
    left = [steps]

    def counted(change: Callable[..., Any]) -> Callable[..., Any]:
        def run(*arguments: Any, **keywords: Any) -> Any:
            if left[0] == 0:
                raise PowerCut
            left[0] -= 1
            return change(*arguments, **keywords)

        return run

    for name in ("fsync", "replace", "unlink"):
        monkeypatch.setattr(os, name, counted(getattr(os, name)))


def crash(folder: Path, work: Callable[[Spool], None], steps: int, monkeypatch: pytest.MonkeyPatch) -> bool:
    """Do `work` on the spool and cut the power; True if the work was done before that."""
    spool = opened(folder)
    with monkeypatch.context() as cut:
        cut_power_after(steps, cut)
        try:
            work(spool)
            return True
        except PowerCut:
            return False
        finally:
            spool.close()  # as the kernel does when it ends a process: the lock is let go


@pytest.mark.parametrize("steps", range(8))
def test_a_power_cut_while_putting_leaves_a_whole_audio_or_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, steps: int
) -> None:
    done = crash(tmp_path, lambda spool: spool.put(audio(), SOUND), steps, monkeypatch)
    spool = opened(tmp_path)
    assert len(spool) == 1 or not done
    assert list((tmp_path / "refused").iterdir()) == []
    if len(spool):
        assert spool.read(audio().audio_id) == (audio(), SOUND)
    else:
        assert list((tmp_path / "waiting").iterdir()) == []
        spool.put(audio(), SOUND)  # the recorder gives it again
        assert spool.read(audio().audio_id) == (audio(), SOUND)


@pytest.mark.parametrize("steps", range(5))
def test_a_power_cut_while_forgetting_leaves_a_whole_audio_or_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, steps: int
) -> None:
    spool = opened(tmp_path)
    spool.put(audio(), SOUND)
    spool.close()
    crash(tmp_path, lambda spool: spool.forget(audio().audio_id), steps, monkeypatch)
    spool = opened(tmp_path)
    assert list((tmp_path / "refused").iterdir()) == []
    if len(spool):
        assert spool.read(audio().audio_id) == (audio(), SOUND)
    else:
        assert list((tmp_path / "waiting").iterdir()) == []


@pytest.mark.parametrize("steps", range(9))
def test_a_power_cut_while_setting_aside_loses_no_sound(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, steps: int
) -> None:
    spool = opened(tmp_path)
    spool.put(audio(), SOUND)
    spool.close()
    done = crash(tmp_path, lambda spool: spool.set_aside(audio().audio_id, "too loud"), steps, monkeypatch)
    spool = opened(tmp_path)
    if len(spool):
        assert not done
        assert spool.read(audio().audio_id) == (audio(), SOUND)
    else:
        refused = tmp_path / "refused"
        assert "too loud" in (refused / f"{audio().audio_id}.json").read_text()
        assert (refused / f"{audio().audio_id}.wav").read_bytes() == SOUND
        assert list((tmp_path / "waiting").iterdir()) == []


def test_a_folder_that_cannot_be_made_is_misconfigured(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    with pytest.raises(Misconfigured, match=r"file/node cannot be used \(Not a directory\)"):
        Spool(tmp_path / "file" / "node").open()


def test_what_waits_is_found_again_oldest_first(tmp_path: Path) -> None:
    spool = opened(tmp_path)
    for number in (2, 0, 1):
        spool.put(audio(number), SOUND)
    spool.close()
    assert opened(tmp_path).waiting() == [audio(0), audio(1), audio(2)]


def test_putting_an_audio_twice_keeps_it_once(tmp_path: Path) -> None:
    spool = opened(tmp_path)
    spool.put(audio(), SOUND)
    spool.put(audio(), SOUND)
    assert spool.waiting() == [audio()]


def test_forgetting_and_refusing_what_is_not_there_changes_nothing(tmp_path: Path) -> None:
    spool = opened(tmp_path)
    spool.put(audio(0), SOUND)
    spool.forget(audio(1).audio_id)
    spool.set_aside(audio(1).audio_id, "unknown")
    assert spool.waiting() == [audio(0)]
    assert list((tmp_path / "refused").iterdir()) == []


def test_a_note_that_the_disk_has_damaged_is_kept_with_its_sound(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    spool = opened(tmp_path)
    spool.put(audio(0), SOUND)
    spool.put(audio(1), SOUND)
    spool.close()
    (tmp_path / "waiting" / f"{audio(0).audio_id}.json").write_bytes(b"\0\0\0")
    assert opened(tmp_path).waiting() == [audio(1)]
    assert (tmp_path / "refused" / f"{audio(0).audio_id}.wav").read_bytes() == SOUND
    assert str(audio(0).audio_id) in caplog.text


def test_a_note_that_the_disk_cannot_read_does_not_keep_the_node_from_starting(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    spool = opened(tmp_path)
    spool.put(audio(0), SOUND)
    spool.put(audio(1), SOUND)
    spool.close()
    note = tmp_path / "waiting" / f"{audio(0).audio_id}.json"
    note.unlink()
    note.symlink_to("/proc/self/mem")  # whose first byte cannot be read: a real EIO
    assert opened(tmp_path).waiting() == [audio(1)]
    assert (tmp_path / "refused" / f"{audio(0).audio_id}.wav").read_bytes() == SOUND
    assert "cannot be read (Input/output error)" in caplog.text


def test_two_processes_cannot_use_one_spool(tmp_path: Path) -> None:
    spool = opened(tmp_path)
    with pytest.raises(Misconfigured, match="ESCOLTA_NODE_NAME"):
        Spool(tmp_path).open()
    spool.close()
    opened(tmp_path).close()


def test_a_full_disk_is_told_and_leaves_nothing_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spool = opened(tmp_path)

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", full)
        with pytest.raises(OSError, match="No space"):
            spool.put(audio(), SOUND)
    assert len(spool) == 0
    assert list((tmp_path / "waiting").iterdir()) == []
