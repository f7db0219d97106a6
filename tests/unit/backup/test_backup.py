"""`escolta backup` and `escolta restore`, from one folder to another."""

import json
from pathlib import Path

import pytest
from unit.backup.at_work import Installation, done, escolta, put_word

KEY = "audio/quay-1/2026/11/29/one.wav"


@pytest.fixture
def backups(tmp_path: Path) -> Path:
    return tmp_path / "backups"


async def test_what_was_there_at_the_backup_is_there_again(ours, empty, backups):
    await ours.objects.put(KEY, b"a sound", "a-note")
    async with ours.catalog() as catalog:
        await put_word(catalog, "before")
        said = await done("backup", "--to", backups, "--state-dir", ours.folder)
        assert "objects: 1 of 1 were new" in said
        await put_word(catalog, "after")
    said = await done("restore", "--from", backups, "--state-dir", empty.folder)
    assert "objects: 1 of 1 were missing and are back" in said
    assert await empty.words() == ["before"]
    assert await empty.objects.get(KEY) == b"a sound"
    stored = await empty.objects.head(KEY)
    assert stored
    assert stored.note == "a-note"


async def test_a_catalog_that_nobody_has_started_is_backed_up_too(ours, empty, backups):
    async with ours.catalog() as catalog:
        await put_word(catalog, "asleep")
    await done("backup", "--to", backups, "--state-dir", ours.folder)
    await done("restore", "--from", backups, "--state-dir", empty.folder)
    assert await empty.words() == ["asleep"]


async def test_a_restored_catalog_is_backed_up_and_restored_again(ours, empty, backups, tmp_path):
    async with ours.catalog() as catalog:
        await put_word(catalog, "one")
    await done("backup", "--to", backups, "--state-dir", ours.folder)
    await done("restore", "--from", backups, "--state-dir", empty.folder)
    async with empty.catalog() as catalog:
        await put_word(catalog, "two")
    await done("backup", "--to", backups, "--state-dir", empty.folder)
    again = Installation(tmp_path / "again")
    await done("restore", "--from", backups, "--state-dir", again.folder)
    assert await again.words() == ["one", "two"]


async def test_a_place_that_holds_something_is_left_as_it_is(ours, backups):
    async with ours.catalog() as catalog:
        await put_word(catalog, "one")
        await done("backup", "--to", backups, "--state-dir", ours.folder)
        await put_word(catalog, "two")
    said = await escolta("restore", "--from", backups, "--state-dir", ours.folder)
    assert said.status == 2
    assert "holds a catalog already: restore into an empty folder" in said.err
    assert await ours.words() == ["one", "two"]


async def test_only_what_is_new_is_copied_and_what_the_store_lost_is_kept(ours, empty, backups):
    async with ours.catalog():
        for name in ("one", "two"):
            await ours.objects.put(f"audio/{name}.wav", name.encode())
        await done("backup", "--to", backups, "--state-dir", ours.folder)
        await ours.objects.delete("audio/one.wav")
        await ours.objects.put("audio/three.wav", b"three")
        said = await done("backup", "--to", backups, "--state-dir", ours.folder)
    assert "objects: 1 of 2 were new" in said
    assert "1 that are gone from the store are kept" in said
    await done("restore", "--from", backups, "--state-dir", empty.folder)
    assert [key async for key in empty.objects.keys("audio/")] != []
    assert {key async for key in empty.objects.keys("")} == {
        "audio/one.wav",
        "audio/two.wav",
        "audio/three.wav",
    }


async def test_a_damaged_copy_of_an_object_is_told_and_not_brought_back(ours, empty, backups):
    async with ours.catalog():
        await ours.objects.put("audio/one.wav", b"one")
        await ours.objects.put("audio/two.wav", b"two")
        await done("backup", "--to", backups, "--state-dir", ours.folder)
    (backups / "objects/audio/two.wav").write_bytes(b"2wo")
    said = await escolta("restore", "--from", backups, "--state-dir", empty.folder)
    assert said.status == 2
    assert "wrong: the copy of audio/two.wav is damaged" in said.err
    assert [key async for key in empty.objects.keys("")] == ["audio/one.wav"]


async def test_only_the_newest_base_backups_are_kept(ours, empty, backups):
    async with ours.catalog() as catalog:
        for word in ("one", "two", "three"):
            await put_word(catalog, word)
            said = await done("backup", "--to", backups, "--state-dir", ours.folder, "--keep", 2)
    assert "1 old base backups are removed; 2 are kept" in said
    bases = [path.name for path in (backups / "catalog/base").iterdir()]
    assert sorted(Path(name).suffix for name in bases) == ["", "", ".json", ".json"]
    await done("restore", "--from", backups, "--state-dir", empty.folder)
    assert await empty.words() == ["one", "two", "three"]


async def test_a_folder_of_another_catalog_is_refused(ours, empty, backups):
    async with ours.catalog(), empty.catalog():
        await done("backup", "--to", backups, "--state-dir", ours.folder)
        said = await escolta("backup", "--to", backups, "--state-dir", empty.folder)
    assert said.status == 2
    assert "the folder holds backups of another catalog" in said.err


async def test_a_backup_that_was_broken_off_leaves_nothing_in_the_way(ours, empty, backups):
    async with ours.catalog() as catalog:
        await put_word(catalog, "one")
        half = backups / "catalog/base/.2026-11-29T22-30-00Z.part"
        half.mkdir(parents=True)
        (half / "PG_VERSION").write_text("18")
        await done("backup", "--to", backups, "--state-dir", ours.folder)
    assert not half.exists()
    [record] = (backups / "catalog/base").glob("*.json")
    assert json.loads(record.read_text())["major"] == 18


async def test_nothing_to_restore_from_is_a_sentence(empty, tmp_path):
    said = await escolta("restore", "--from", tmp_path / "nowhere", "--state-dir", empty.folder)
    assert said.status == 2
    assert "nowhere is no folder of backups" in said.err
    assert not empty.folder.exists()
