"""A catalog as it is deployed: over TLS, and of the version that the machine has."""

import asyncio
import json
from pathlib import Path

import asyncpg
import pytest
from unit.backup.at_work import done, escolta, put_word

from escolta_backup.tunnel import plain
from servers.deployed import certificates
from servers.deployed_postgres import DeployedPostgres, deployed_postgres
from servers.postgres import PASSWORDS, account


@pytest.fixture
async def deployed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    authority = certificates(tmp_path / "tls")
    monkeypatch.setenv("PGSSLROOTCERT", str(authority))
    monkeypatch.chdir(tmp_path)
    async with deployed_postgres(authority) as postgres:
        await done(
            "migrate",
            ESCOLTA_CATALOG_URL=postgres.url,
            ESCOLTA_CATALOG_PASSWORDS=json.dumps(PASSWORDS),
        )
        yield postgres


def words_in_rows(folder: Path, word: str) -> bool:
    """Whether a table's file in the data folder holds the word."""
    return any(word.encode() in path.read_bytes() for path in folder.glob("base/*/[0-9]*"))


async def test_a_deployed_catalog_is_backed_up_over_tls(deployed: DeployedPostgres, tmp_path):
    async with asyncpg.create_pool(deployed.url, min_size=1, max_size=1) as catalog:
        await put_word(catalog, "over the wire")
    (tmp_path / "objects").mkdir()
    environment = {
        "ESCOLTA_CATALOG_URL": account(deployed.url, "backup"),
        "ESCOLTA_OBJECTS_URL": f"file://{tmp_path}/objects",
    }
    await done("backup", "--to", tmp_path / "backups", **environment)
    report = json.loads(await done("drill", "--from", tmp_path / "backups", **environment))
    assert report["rows"]["audio.sources"] == 1
    assert report["audios_at_work"] == 0
    await done("restore", "--from", tmp_path / "backups", "--into", tmp_path / "pgdata", **environment)
    assert await asyncio.to_thread(words_in_rows, tmp_path / "pgdata", "over the wire")


async def test_a_server_with_a_certificate_of_others_gets_no_password(
    deployed: DeployedPostgres, tmp_path, monkeypatch
):
    other = certificates(tmp_path / "others")
    monkeypatch.setenv("PGSSLROOTCERT", str(other))
    said = await escolta(
        "backup", "--to", tmp_path / "backups", ESCOLTA_CATALOG_URL=account(deployed.url, "backup")
    )
    assert said.status == 2
    assert "certificate verify failed" in said.err
    # The tunnel checks for itself: whoever comes through it reaches nobody.
    async with plain(deployed.url) as door:
        with pytest.raises((ConnectionError, asyncpg.PostgresError)):
            await asyncpg.connect(door, ssl=False, timeout=240)
