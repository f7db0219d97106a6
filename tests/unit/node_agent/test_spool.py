"""The spool keeps every audio through a power cut at any of its steps."""

import os
import shutil
from itertools import count
from pathlib import Path

import pytest
from unit.node_agent.spooling import SOUND, audio, crash, ids, opened

from escolta.errors import Misconfigured
from node_agent.spool import Spool

TICK = count(10**18)


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


def test_what_waits_is_found_again_in_the_order_in_which_it_was_put(tmp_path: Path) -> None:
    spool = opened(tmp_path)
    for number in (2, 0, 1):
        spool.put(audio(number), SOUND)
        os.utime(tmp_path / "waiting" / f"{audio(number).audio_id}.json", ns=(next(TICK), next(TICK)))
    spool.close()
    assert opened(tmp_path).waiting() == ids(2, 0, 1)


def test_putting_an_audio_twice_keeps_it_once(tmp_path: Path) -> None:
    spool = opened(tmp_path)
    spool.put(audio(), SOUND)
    spool.put(audio(), SOUND)
    assert spool.waiting() == ids(0)


def test_forgetting_and_refusing_what_is_not_there_changes_nothing(tmp_path: Path) -> None:
    spool = opened(tmp_path)
    spool.put(audio(0), SOUND)
    spool.forget(audio(1).audio_id)
    spool.set_aside(audio(1).audio_id, "unknown")
    assert spool.waiting() == ids(0)
    assert list((tmp_path / "refused").iterdir()) == []


def test_a_note_that_the_disk_has_damaged_is_kept_with_its_sound(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    spool = opened(tmp_path)
    spool.put(audio(0), SOUND)
    spool.put(audio(1), SOUND)
    spool.close()
    (tmp_path / "waiting" / f"{audio(0).audio_id}.json").write_bytes(b"\0\0\0")
    spool = opened(tmp_path)
    assert spool.read(audio(0).audio_id) is None
    assert spool.waiting() == ids(1)
    assert (tmp_path / "refused" / f"{audio(0).audio_id}.wav").read_bytes() == SOUND
    assert str(audio(0).audio_id) in caplog.text


def test_a_sound_that_the_disk_has_changed_is_not_given(tmp_path: Path) -> None:
    """As with one that it cannot read: the sender tells of it, and sets it aside."""
    spool = opened(tmp_path)
    spool.put(audio(), SOUND)
    [sound] = (tmp_path / "waiting").glob("*.wav")
    sound.write_bytes(SOUND[:-1] + b"!")
    with pytest.raises(OSError, match="not those that it was given"):
        spool.read(audio().audio_id)


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
    spool = opened(tmp_path)
    with pytest.raises(OSError, match="Input/output error"):
        spool.read(audio(0).audio_id)
    spool.set_aside(audio(0).audio_id, "the disk cannot read it")
    assert spool.waiting() == ids(1)
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


@pytest.mark.parametrize("free_bytes", [0, 24, 25, 26, 1000])
def test_sounds_may_fill_a_share_of_what_others_leave_free(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, free_bytes: int
) -> None:
    spool = opened(tmp_path)
    for number in range(10):
        spool.put(audio(number), SOUND)  # 100 bytes
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: shutil._ntuple_diskusage(9999, 0, free_bytes))
    assert spool.has_room(0.8) == (free_bytes > 25)  # 100 of 125


def test_what_is_forgotten_or_refused_makes_room_also_after_a_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: shutil._ntuple_diskusage(9999, 0, 4))
    spool = opened(tmp_path)
    spool.put(audio(0), SOUND)
    spool.put(audio(1), SOUND)
    spool.close()
    spool = opened(tmp_path)
    assert not spool.has_room(0.8)
    spool.forget(audio(0).audio_id)
    spool.set_aside(audio(1).audio_id, "too loud")
    assert spool.has_room(0.8)
