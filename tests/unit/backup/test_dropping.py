"""A sound that was dropped or forgotten goes from the backups, too, after a while."""

from datetime import timedelta
from pathlib import Path
from uuid import UUID

import asyncpg
import pytest
from unit.backup.at_work import Installation, done, escolta, put_audio

from escolta.clock import SystemClock
from escolta.forgetting import audios
from escolta.forgetting.audios import Chosen
from escolta.retaining import sounds
from escolta.retaining.sounds import Policy

FOLDER = "audio/quay-1/2026/11/29"
OLD, NEW = (UUID(int=7 << 64 | number) for number in range(2))
LONG = 400
"""Days of grace by which nothing goes: what a test says was long ago is so only after the first backup."""


@pytest.fixture
async def catalog(ours: Installation):
    async with ours.catalog() as catalog:
        for audio_id, days_ago in ((OLD, 100), (NEW, 1)):
            await put_audio(catalog, ours.objects, f"{FOLDER}/{audio_id}.wav", audio_id.bytes, days_ago)
        await catalog.execute("UPDATE audio.nodes SET registered_at = now() - interval '1 year'")
        yield catalog


async def drop(ours: Installation, catalog: asyncpg.Pool, days_ago: float = 0) -> None:
    """Drop what is older than 30 days, as if that had been done so many days ago."""
    now = SystemClock().now()
    async with catalog.acquire() as db:
        await sounds.drop(db, ours.objects, Policy(now, 30, now), lambda _: None)
    await catalog.execute("UPDATE audio.drops SET at = at - $1::interval", timedelta(days_ago))


async def back_up(ours: Installation, *options: object, grace_days: int = 30) -> str:
    given = {"ESCOLTA_BACKUP_GRACE_DAYS": str(grace_days)}
    backups = ours.folder.parent / "backups"
    return await done("backup", "--to", backups, "--state-dir", ours.folder, *options, **given)


def copies(ours: Installation) -> set[UUID]:
    folder = ours.folder.parent / "backups/objects"
    return {UUID(path.stem) for path in folder.rglob("*.wav")}


async def test_what_was_dropped_long_ago_goes_and_the_backup_is_right(ours, catalog):
    await back_up(ours, grace_days=LONG)
    assert copies(ours) == {OLD, NEW}
    await drop(ours, catalog, days_ago=31)
    said = await back_up(ours)
    assert "1 copies of sounds that were dropped or forgotten are removed" in said
    assert copies(ours) == {NEW}
    assert '"right": true' in await done(
        "drill", "--from", ours.folder.parent / "backups", "--state-dir", ours.folder
    )
    assert "are removed" not in await back_up(ours)


async def test_what_was_dropped_lately_stays(ours, catalog):
    await back_up(ours, grace_days=LONG)
    await drop(ours, catalog, days_ago=29)
    await back_up(ours)
    assert copies(ours) == {OLD, NEW}


async def test_no_base_backup_loses_a_sound_that_was_not_dropped_then(ours, catalog):
    await back_up(ours, grace_days=0)
    await drop(ours, catalog)
    await back_up(ours, grace_days=0)
    assert copies(ours) == {OLD, NEW}
    await back_up(ours, "--keep", 1, grace_days=0)
    assert copies(ours) == {NEW}


async def test_what_was_proposed_stays(ours, catalog):
    await catalog.execute(
        "INSERT INTO al.al_preprocessing (iteration_id, status, nodes, window_start, window_end, batch,"
        " follow_ups) VALUES ($1, 'closed', '{}', now(), now(), 1, 0)",
        OLD,
    )
    await catalog.execute(
        "INSERT INTO al.wavs_proposed (iteration_id, audio_id, start_utc, node, file_name, rank,"
        " disjoint_set) SELECT $1, audio_id, start_utc, 'quay-1', 'a', 1, 1 FROM audio.audios"
        " WHERE audio_id = $1",
        OLD,
    )
    await back_up(ours, grace_days=LONG)
    await drop(ours, catalog, days_ago=31)
    await back_up(ours)
    assert copies(ours) == {OLD, NEW}


async def test_a_drop_that_was_broken_off_is_not_followed_before_it_is_done(ours, catalog):
    await back_up(ours, grace_days=LONG)
    await drop(ours, catalog, days_ago=31)
    await catalog.execute("UPDATE audio.drops SET done = false")
    await back_up(ours)
    assert copies(ours) == {OLD, NEW}
    await catalog.execute("UPDATE audio.drops SET done = true")
    await back_up(ours)
    assert copies(ours) == {NEW}


async def test_what_was_forgotten_goes_as_well(ours, catalog):
    await back_up(ours, grace_days=LONG)
    async with catalog.acquire() as db:
        await audios.forget(db, ours.objects, Chosen([NEW]))
    await catalog.execute("UPDATE audio.forgotten SET forgotten_at = now() - interval '31 days'")
    await back_up(ours)
    assert copies(ours) == {OLD}


async def test_what_has_moved_is_in_the_backup_and_comes_back_to_the_first_place(
    ours, catalog, empty, tmp_path: Path
):
    for folder in ("cold", "empty-cold"):
        (tmp_path / folder).mkdir()
    key = f"{FOLDER}/{OLD}.wav"
    (tmp_path / "cold" / FOLDER).mkdir(parents=True)
    (ours.folder / "objects" / key).rename(tmp_path / "cold" / key)
    given = {"ESCOLTA_COLD_OBJECTS_URL": f"file://{tmp_path}/cold"}
    await done("backup", "--to", tmp_path / "backups", "--state-dir", ours.folder, **given)
    assert copies(ours) == {OLD, NEW}
    given = {"ESCOLTA_COLD_OBJECTS_URL": f"file://{tmp_path}/empty-cold"}
    said = await escolta("restore", "--from", tmp_path / "backups", "--state-dir", empty.folder, **given)
    assert said.status == 0, said.err
    assert await empty.objects.get(key) == OLD.bytes
