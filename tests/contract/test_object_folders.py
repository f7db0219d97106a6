"""Objects in a folder: what its disk may do to them."""

import os
from pathlib import Path

import pytest
from contract.stores import KEY, VERBS, names_in

from escolta.errors import Rejected, Transient
from escolta.objects import open_objects


async def test_a_key_below_another_key_is_rejected_by_files(tmp_path: Path) -> None:
    objects = open_objects(f"file://{tmp_path}")
    await objects.put("audio", b"sound")
    with pytest.raises(Rejected, match="audio/one"):
        await objects.put("audio/one", b"sound")
    await objects.put("other/one", b"sound")
    with pytest.raises(Rejected, match="other"):
        await objects.put("other", b"sound")


async def test_of_a_folder_that_was_never_there_no_object_is_said_to_be_missing(tmp_path: Path) -> None:
    for verb in VERBS[2:]:
        with pytest.raises(Transient, match="is not there: mount its disk"):
            await verb(open_objects(f"file://{tmp_path}/disk/objects"), KEY)  # type: ignore[misc]
    assert names_in(tmp_path) == []


async def test_a_folder_that_is_gone_is_trouble_with_every_object_until_it_is_back(tmp_path: Path) -> None:
    folder, away = tmp_path / "objects", tmp_path / "away"
    objects = open_objects(f"file://{folder}")
    await objects.put(KEY, b"sound")
    folder.rename(away)
    for verb in VERBS:
        with pytest.raises(Transient, match="is not there"):
            await verb(objects, KEY)  # type: ignore[misc]
    assert not folder.exists()
    away.rename(folder)
    assert await objects.get(KEY) == b"sound"


async def test_a_put_that_fails_leaves_no_object(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    objects = open_objects(f"file://{tmp_path}")

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(Transient, match="No space left"):
        await objects.put("one", b"sound")
    assert names_in(tmp_path) == []


async def test_a_file_that_its_disk_cannot_read_is_not_tried_for_ever(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    objects = open_objects(f"file://{tmp_path}")

    def broken(*_: object) -> None:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(Path, "read_bytes", broken)
    with pytest.raises(OSError, match="Input/output error"):
        await objects.get("one")


async def test_a_relative_folder_is_one_of_the_working_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    objects = open_objects("file://var/objects")
    monkeypatch.chdir("/")
    await objects.put("one", b"sound")
    assert (tmp_path / "var/objects/one").read_bytes() == b"sound"
