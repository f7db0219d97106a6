"""`escolta drill`: a backup that is tried before it is needed."""

import asyncio
import json
import subprocess
from pathlib import Path

import asyncpg
import pytest
from unit.backup.at_work import Installation, done, escolta, put_audio

AUDIO = "audio/quay-1/2026/11/29/5a9e3c1e-4a6e-5b34-9b29-6f0c2f5a7a01.wav"


@pytest.fixture(scope="module")
async def backed_up(made: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of an installation with an audio, whose object is `a sound`, and of its backup."""
    folder = tmp_path_factory.mktemp("backed-up")
    ours = Installation(folder / "ours")
    ours.folder.mkdir()
    await asyncio.to_thread(lambda: subprocess.run(["cp", "-a", made, ours.folder], check=True))
    async with ours.catalog() as catalog:
        await put_audio(catalog, ours.objects, AUDIO, b"a sound")
        await done("backup", "--to", folder / "backups", "--state-dir", ours.folder)
    return folder


@pytest.fixture
def kept(backed_up: Path, tmp_path: Path) -> Installation:
    """A copy of it for one test."""
    subprocess.run(["cp", "-a", f"{backed_up}/.", tmp_path], check=True)
    return Installation(tmp_path / "ours")


@pytest.fixture
def backups(kept: Installation) -> Path:
    return kept.folder.with_name("backups")


async def told(catalog: asyncpg.Pool) -> dict[str, bool]:
    """What the catalog knows of its backups: whether the last of each kind was good."""
    rows = await catalog.fetch("SELECT what, good FROM audio.backups WHERE at > now() - interval '1 hour'")
    return {row["what"]: row["good"] for row in rows}


async def test_a_good_backup_is_right_and_nothing_is_left_of_the_drill(backups, tmp_path):
    place = tmp_path / "place"
    place.mkdir()
    options = ["--from", backups, "--state-dir", tmp_path / "ours", "--in", place]
    report = json.loads(await done("drill", *options))
    assert report["right"] is True
    assert report["rows"]["audio.audios"] == 1
    assert (report["audios"], report["audios_at_work"]) == (1, None)
    assert (report["objects"], report["sampled"]) == (1, 1)
    assert list(place.iterdir()) == []


async def test_the_catalog_at_work_is_compared(kept, backups):
    options = ["--from", backups, "--state-dir", kept.folder]
    async with kept.catalog() as catalog:
        assert json.loads(await done("drill", *options))["audios_at_work"] == 1
        assert await told(catalog) == {"catalog": True, "objects": True, "drill": True}
        other = AUDIO.replace("a01", "a02")
        await put_audio(catalog, kept.objects, other, b"another", days_ago=1)
        said = await escolta("drill", *options)
        assert await told(catalog) == {"catalog": True, "objects": True, "drill": False}
    assert said.status == 2
    assert json.loads(said.out)["right"] is False
    assert "1 audios from before the base backup are restored, and 2 are in the catalog at work" in said.err


@pytest.mark.parametrize(
    ("file", "words"),
    [
        (f"objects/{AUDIO}", "is damaged: its digest is another"),
        ("catalog/base/*/global/1260", "1260 is damaged: make another base backup"),
    ],
)
async def test_a_backup_that_rots_is_found_out(backups, tmp_path, file, words):
    [path] = backups.glob(file)
    path.write_bytes(path.read_bytes()[:-1] + b"?")
    said = await escolta("drill", "--from", backups, "--state-dir", tmp_path / "ours")
    assert said.status == 2
    assert words in said.out
    assert json.loads(said.out)["right"] is False


async def test_an_audio_without_a_copy_of_its_object_is_found_out(backups, tmp_path):
    (backups / "objects.sqlite").unlink()
    said = await escolta("drill", "--from", backups, "--state-dir", tmp_path / "ours")
    assert said.status == 2
    assert f"{AUDIO} has a row and no copy" in said.err


async def test_a_backup_that_was_begun_after_a_sound_was_dropped_is_right(ours, tmp_path):
    async with ours.catalog() as catalog:
        await put_audio(catalog, ours.objects, AUDIO, b"a sound")
        await catalog.execute("INSERT INTO audio.node_retention SELECT node_id, now() FROM audio.nodes")
        await ours.objects.delete(AUDIO)
        await done("backup", "--to", tmp_path / "backups", "--state-dir", ours.folder)
    report = json.loads(await done("drill", "--from", tmp_path / "backups", "--state-dir", ours.folder))
    assert (report["right"], report["audios"], report["objects"]) == (True, 1, 0)
