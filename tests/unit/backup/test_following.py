"""The log: to the last change before everything was lost, or to a moment that somebody names."""

from datetime import datetime
from pathlib import Path

import asyncpg
import pytest
from unit.backup.at_work import done, escolta, following, put_word, until


@pytest.fixture
def backups(tmp_path: Path) -> Path:
    return tmp_path / "backups"


async def test_what_came_after_the_backup_is_in_the_log(ours, empty, backups):
    async with ours.catalog() as catalog:
        await put_word(catalog, "before")
        await done("backup", "--to", backups, "--state-dir", ours.folder)
        async with following(backups, ours.folder, catalog):
            await put_word(catalog, "received")
        await put_word(catalog, "never received")
    await done("restore", "--from", backups, "--state-dir", empty.folder)
    assert await empty.words() == ["before", "received"]


async def test_a_moment_is_restored_as_it_was(ours, empty, backups):
    async with ours.catalog() as catalog:
        await done("backup", "--to", backups, "--state-dir", ours.folder)
        async with following(backups, ours.folder, catalog):
            await put_word(catalog, "good")
            moment = await next_second(catalog)
            await put_word(catalog, "a mistake")
    moments = ["--to-time", f"{moment:%Y-%m-%dT%H:%M:%S}"]
    await done("restore", "--from", backups, "--state-dir", empty.folder, *moments)
    assert await empty.words() == ["good"]


async def next_second(catalog: asyncpg.Pool) -> datetime:
    """A whole second of the server's clock that lies behind it."""
    moment = await catalog.fetchval("SELECT date_trunc('second', clock_timestamp()) + interval '1 s'")
    await until(catalog, f"SELECT clock_timestamp() > '{moment}'")
    return moment


async def test_a_moment_after_the_end_of_the_log_is_all_of_it(ours, empty, backups):
    async with ours.catalog() as catalog:
        await put_word(catalog, "before")
        await done("backup", "--to", backups, "--state-dir", ours.folder)
    said = await done(
        "restore", "--from", backups, "--state-dir", empty.folder, "--to-time", "2999-01-01T00:00:00"
    )
    assert "the log ends before that moment: all of it is taken" in said
    assert await empty.words() == ["before"]


async def test_a_moment_before_the_first_backup_is_refused(ours, empty, backups):
    async with ours.catalog():
        await done("backup", "--to", backups, "--state-dir", ours.folder)
    said = await escolta(
        "restore", "--from", backups, "--state-dir", empty.folder, "--to-time", "1999-01-01T00:00:00"
    )
    assert said.status == 2
    assert "holds no base backup that was whole by 1999-01-01 00:00:00 UTC" in said.err


async def test_a_gap_in_the_log_is_told_and_nothing_behind_it_is_taken(ours, empty, backups):
    async with ours.catalog() as catalog:
        await put_word(catalog, "before")
        await done("backup", "--to", backups, "--state-dir", ours.folder)
        async with following(backups, ours.folder, catalog):
            for word in ("one", "two", "three"):
                await catalog.execute("SELECT pg_switch_wal()")
                await put_word(catalog, word)
    received = sorted((backups / "catalog/wal").glob("0*"))
    received[-2].unlink()
    said = await done("restore", "--from", backups, "--state-dir", empty.folder)
    assert "the log has a gap before" in said
    assert "1 segments behind it are of no use" in said
    assert "three" not in await empty.words()
    assert (await empty.words())[0] == "before"
