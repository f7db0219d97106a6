"""A look into a folder: each sound once, by its content; what is left out is named, and the rest counted."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from unit.node_agent.sounds import write_noise

from node_agent.recording.folder import Look, look

NOW = datetime(2024, 5, 1, tzinfo=UTC)
NOBODY = 65534


def names(seen: Look) -> list[str]:
    return [sound.name for sound in seen.sounds]


def reasons(seen: Look) -> dict[str, str]:
    assert len({one.file_name for one in seen.left_out}) == len(seen.left_out)
    return {one.file_name: one.reason for one in seen.left_out}


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that every user may enter."""
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


def test_a_sound_is_told_by_its_content_whatever_its_name(tmp_path: Path) -> None:
    write_noise(tmp_path / "a.wav", 1).rename(tmp_path / "no suffix")
    write_noise(tmp_path / "b.flac", 1).rename(tmp_path / "b.mp3")
    write_noise(tmp_path / "c.ogg", 1, rate_hz=8000).rename(tmp_path / "c.txt")
    assert names(look(tmp_path, NOW)) == ["b.mp3", "c.txt", "no suffix"]


def test_what_is_named_like_a_sound_and_is_none_is_named_and_other_files_are_counted(tmp_path: Path) -> None:
    (tmp_path / "note.WAV").write_text("this is my field note")
    (tmp_path / "lost.flac").write_bytes(b"")
    (tmp_path / "note.txt").write_text("this is no sound")
    os.mkfifo(tmp_path / "pipe")
    seen = look(tmp_path, NOW)
    assert "begins as none of those that are read (WAV, " in reasons(seen)["note.WAV"]
    assert "lost.flac is empty" in reasons(seen)["lost.flac"]
    assert (seen.sounds, len(seen.left_out), seen.others) == ([], 2, 2)


@pytest.mark.parametrize(
    "folder",
    [".Trashes/501", ".Trash-1000/files", "$RECYCLE.BIN/S-1-5-21", "$Recycle.Bin", "#recycle", "@eaDir/x.wav",
     "System Volume Information", "._AppleDouble", "Network Trash Folder", "Temporary Items",
     ".git/lfs", "__MACOSX", "card/.Spotlight-V100"],
)  # fmt: skip
def test_trash_hidden_and_system_folders_are_left_out_by_name(tmp_path: Path, folder: str) -> None:
    write_noise(tmp_path / folder / "deleted.wav", 1)
    write_noise(tmp_path / "card" / "kept.wav", 1)
    seen = look(tmp_path, NOW)
    assert names(seen) == ["card/kept.wav"]
    [name] = reasons(seen)
    assert folder.startswith(name)


def test_hidden_files_are_counted(tmp_path: Path) -> None:
    write_noise(tmp_path / "a.wav", 1)
    (tmp_path / "._a.wav").write_bytes(b"what a Mac leaves beside a file")
    (tmp_path / ".DS_Store").write_bytes(b"and in a folder")
    seen = look(tmp_path, NOW)
    assert (names(seen), seen.hidden, seen.left_out) == (["a.wav"], 2, [])


def test_links_are_followed_once_and_circles_end(tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    write_noise(elsewhere / "far.wav", 1)
    write_noise(elsewhere / "alone.wav", 1)
    folder = tmp_path / "in"
    write_noise(folder / "z" / "near.wav", 1)
    (folder / "a link").symlink_to(elsewhere)
    (folder / "again").symlink_to(elsewhere)
    (folder / "one.wav").symlink_to(elsewhere / "alone.wav")
    (folder / "inside").symlink_to(folder / "z")
    (folder / "z" / "circle").symlink_to("..")
    seen = look(folder, NOW)
    assert names(seen) == ["a link/alone.wav", "a link/far.wav", "z/near.wav"]
    for name in ("again", "inside", "one.wav", "z/circle"):
        assert reasons(seen)[name] == f"{name} is a link to what is played already."


@pytest.mark.parametrize("target", ["..", "../..", "/"])
def test_a_link_to_a_folder_that_holds_this_one_is_not_followed(tmp_path: Path, target: str) -> None:
    write_noise(tmp_path / "in" / "a.wav", 1)
    write_noise(tmp_path / "of somebody else.wav", 1)
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "z:").symlink_to(target)
    (tmp_path / "in" / "link").symlink_to(tmp_path / "elsewhere")
    seen = look(tmp_path / "in", NOW)
    assert names(seen) == ["a.wav"]
    assert reasons(seen) == {"link/z:": "link/z: is a link to a folder that holds this one."}


def test_what_is_the_systems_own_is_not_gone_through(tmp_path: Path) -> None:
    write_noise(tmp_path / "a.wav", 1)
    (tmp_path / "process").symlink_to("/proc/self")
    seen = look(tmp_path, NOW)
    assert names(seen) == ["a.wav"]
    assert reasons(seen) == {"process": "process is a link to the system's own."}


def test_a_sound_that_two_links_lead_to_is_found_once_and_the_other_name_is_told(tmp_path: Path) -> None:
    write_noise(tmp_path / "elsewhere" / "far.wav", 1)
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.wav").symlink_to(tmp_path / "elsewhere" / "far.wav")
    (tmp_path / "in" / "b").symlink_to(tmp_path / "elsewhere")
    seen = look(tmp_path / "in", NOW)
    assert names(seen) == ["a.wav"]
    assert reasons(seen) == {"b/far.wav": "b/far.wav is played already, under the name of a link."}


def test_links_that_lead_nowhere_or_to_themselves_are_named_with_the_systems_words(tmp_path: Path) -> None:
    write_noise(tmp_path / "good.wav", 1)
    (tmp_path / "broken.wav").symlink_to("nowhere")
    (tmp_path / "self.wav").symlink_to("self.wav")
    seen = look(tmp_path, NOW)
    assert names(seen) == ["good.wav"]
    assert "No such file or directory (ENOENT)" in reasons(seen)["broken.wav"]
    assert "Too many levels of symbolic links (ELOOP)" in reasons(seen)["self.wav"]


def test_a_file_that_the_disk_cannot_read_is_named_and_the_others_are_found(tmp_path: Path) -> None:
    write_noise(tmp_path / "good.wav", 1)
    (tmp_path / "bad.wav").symlink_to("/proc/self/mem")  # whose first byte cannot be read: a real EIO
    seen = look(tmp_path, NOW)
    assert names(seen) == ["good.wav"]
    assert "bad.wav cannot be read: Input/output error (EIO)" in reasons(seen)["bad.wav"]


def test_a_path_that_is_too_long_is_named_by_its_end(tmp_path: Path) -> None:
    write_noise(tmp_path / "good.wav", 1)
    here = os.getcwd()
    os.chdir(tmp_path)
    try:
        for _ in range(20):  # 20 * 250 characters are more than a path may have
            os.mkdir("x" * 249)
            os.chdir("x" * 249)
    finally:
        os.chdir(here)
    seen = look(tmp_path, NOW)
    assert names(seen) == ["good.wav"]
    [left_out] = seen.left_out
    assert "File name too long (ENAMETOOLONG)" in left_out.reason
    assert len(left_out.file_name) == 980


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
def test_what_another_user_may_not_read_is_named_and_the_others_are_found(open_folder: Path) -> None:
    write_noise(open_folder / "good.wav", 1)
    write_noise(open_folder / "secret.wav", 1).chmod(0o600)
    write_noise(open_folder / "locked" / "x.wav", 1).parent.chmod(0o700)
    write_noise(open_folder / "listable" / "y.wav", 1).parent.chmod(0o744)
    os.seteuid(NOBODY)
    try:
        seen = look(open_folder, NOW)
    finally:
        os.seteuid(0)
    assert names(seen) == ["good.wav"]
    assert set(reasons(seen)) == {"secret.wav", "locked", "listable/y.wav"}
    assert all("Permission denied (EACCES)" in reason for reason in reasons(seen).values())
    assert reasons(seen)["locked"].startswith("the folder locked cannot be read")


def test_a_folder_that_is_gone_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="No such file"):
        look(tmp_path / "gone", NOW)
