"""A catalog that is a server's: backed up by an account of its own, restored as a data folder."""

import asyncio
import os
from pathlib import Path
from urllib.parse import urlsplit

import asyncpg
import pytest
from unit.backup.at_work import done, escolta, put_word, words_in

from escolta.catalog.embedded import EmbeddedPostgres
from escolta.catalog.programs import owner_of
from escolta.errors import Misconfigured
from escolta_backup.programs import programs_of
from servers.postgres import account


@pytest.fixture
def environment(catalog_url: str, tmp_path: Path) -> dict[str, str]:
    (tmp_path / "objects").mkdir()
    return {
        "ESCOLTA_CATALOG_URL": account(catalog_url, "backup"),
        "ESCOLTA_OBJECTS_URL": f"file://{tmp_path}/objects",
        "ESCOLTA_STATE_DIR": str(tmp_path / "state"),
    }


async def test_its_own_account_is_enough_and_no_password_is_shown(environment, catalog_url, tmp_path):
    async with asyncpg.create_pool(catalog_url, min_size=1, max_size=1) as catalog:
        await put_word(catalog, "on a server")
    said = await escolta("backup", "--to", tmp_path / "backups", **environment)
    assert said.status == 0, said.err
    assert "password" not in said.out + said.err
    data = tmp_path / "pgdata"
    await done("restore", "--from", tmp_path / "backups", "--into", data, **environment)
    who = (data / "pg_hba.conf").read_text()
    assert "local all,replication all scram-sha-256" in who  # as the server's keeper has it
    assert not (data / "recovery.signal").exists()
    assert await words_of(data, urlsplit(catalog_url).path[1:]) == ["on a server"]


def as_embedded(data: Path) -> Path:
    root = data.with_name("a server")
    root.mkdir()
    data.rename(root / "data")
    return root


async def words_of(data: Path, database: str) -> list[str]:
    """What a server finds that is started on the folder."""
    root = as_embedded(data)
    async with (
        EmbeddedPostgres(root, database=database) as dsn,
        asyncpg.create_pool(dsn, min_size=1, max_size=1) as catalog,
    ):
        return await words_in(catalog)


async def test_a_data_folder_belongs_to_whom_the_server_runs_as(environment, tmp_path):
    await done("backup", "--to", tmp_path / "backups", **environment)
    await done("restore", "--from", tmp_path / "backups", "--into", tmp_path / "pgdata", **environment)
    owner = owner_of(tmp_path / "pgdata")
    expected = {owner.pw_uid if owner else os.geteuid()}
    assert await asyncio.to_thread(owners_in, tmp_path / "pgdata") == expected


def owners_in(folder: Path) -> set[int]:
    return {path.stat().st_uid for path in (folder, *folder.rglob("*"))}


async def test_a_folder_that_is_not_empty_and_a_server_at_work_are_left_alone(environment, tmp_path):
    await done("backup", "--to", tmp_path / "backups", **environment)
    taken = tmp_path / "taken"
    taken.mkdir()
    (taken / "PG_VERSION").write_text("18")
    said = await escolta("restore", "--from", tmp_path / "backups", "--into", taken, **environment)
    assert said.status == 2
    assert f"{taken} is not empty" in said.err
    said = await escolta("restore", "--from", tmp_path / "backups", **environment)
    assert said.status == 2
    assert "ESCOLTA_CATALOG_URL names a server: stop it, and say --into" in said.err


async def test_the_account_of_a_service_can_take_no_backup(environment, catalog_url, tmp_path):
    environment["ESCOLTA_CATALOG_URL"] = account(catalog_url, "ingest")
    said = await escolta("backup", "--to", tmp_path / "backups", **environment)
    assert said.status == 2
    assert "permission denied to start WAL sender" in said.err


def test_programs_that_are_not_here_are_named_with_their_package():
    with pytest.raises(Misconfigured, match="its programs are not here: install postgresql-11"):
        programs_of(11)
