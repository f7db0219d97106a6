"""Files that are written whole or not at all."""

import os
import stat
from pathlib import Path
from threading import Barrier, Thread

import pytest

from escolta.disk import put_first, whole_file, write_whole


def test_a_file_is_there_with_all_of_it_and_for_its_user_alone(tmp_path: Path):
    with whole_file(tmp_path / "one") as file:
        file.write(b"half ")
        assert not (tmp_path / "one").exists()
        file.write(b"and half")
    assert (tmp_path / "one").read_bytes() == b"half and half"
    assert stat.S_IMODE((tmp_path / "one").stat().st_mode) == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["one"]


@pytest.mark.parametrize("failing", ["fsync", "replace"])
def test_what_fails_leaves_the_file_as_it_was_and_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, failing: str
):
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    write_whole(tmp_path / "one", b"before")
    monkeypatch.setattr(os, failing, full)
    with pytest.raises(OSError, match="No space"):
        write_whole(tmp_path / "one", b"after")
    assert (tmp_path / "one").read_bytes() == b"before"
    assert [path.name for path in tmp_path.iterdir()] == ["one"]


@pytest.mark.parametrize("hard_links", [True, False])
def test_of_many_at_once_one_is_first_and_is_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, hard_links: bool
):
    def no_links(*_: object) -> None:
        raise OSError(95, "Operation not supported")

    if not hard_links:
        monkeypatch.setattr(os, "link", no_links)
    start, path = Barrier(8), tmp_path / "secret"

    def write(number: int) -> None:
        start.wait()
        with whole_file(path, put=put_first) as file:
            file.write(bytes([number]) * 10_000)

    threads = [Thread(target=write, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert path.read_bytes() in [bytes([number]) * 10_000 for number in range(8)]
    assert [found.name for found in tmp_path.iterdir()] == ["secret"]
    if hard_links:
        before = path.read_bytes()
        with whole_file(path, put=put_first) as file:
            file.write(b"later")
        assert path.read_bytes() == before
