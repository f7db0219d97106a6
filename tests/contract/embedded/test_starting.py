"""The embedded PostgreSQL starts wherever its folder lies, once at a time, and keeps its rows."""

import asyncio
import os
from pathlib import Path

import pytest
from contract.embedded.servers import (
    copied,
    execute,
    launched,
    linux,
    rows,
)

from escolta.catalog import open_catalog
from escolta.catalog.embedded import EmbeddedPostgres
from escolta.errors import Misconfigured


async def test_rows_are_there_at_the_next_start(root: Path) -> None:
    for number in range(2):
        async with EmbeddedPostgres(root) as dsn:
            assert len(await rows(dsn)) == 1 + number
            await execute(dsn, "INSERT INTO kept VALUES ('another')")


async def test_a_long_path_with_spaces_and_odd_letters(made: Path, tmp_path: Path) -> None:
    root = copied(made, tmp_path / "a folder, of 'Núria'" / ("far away " * 15) / "catalog")
    async with EmbeddedPostgres(root) as dsn:
        assert await rows(dsn) == ["the first row"]


async def test_what_the_caller_has_set_for_postgresql_changes_nothing(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {"PGPORT": "1", "PGDATA": "/nowhere", "PGHOST": "nowhere", "PGUSER": "nobody"}.items():
        monkeypatch.setenv(name, value)
    async with EmbeddedPostgres(root) as dsn:
        assert await rows(dsn) == ["the first row"]


async def test_a_second_start_is_refused_and_says_who_has_the_catalog(root: Path) -> None:
    async with EmbeddedPostgres(root) as dsn:
        with pytest.raises(Misconfigured, match=rf"in use by process {os.getpid()} \("):
            await EmbeddedPostgres(root).start()
        assert await rows(dsn) == ["the first row"]


@linux
async def test_a_second_process_is_refused_too(root: Path) -> None:
    with launched(root) as (process, _, _), pytest.raises(Misconfigured, match=rf"process {process.pid} \("):
        await EmbeddedPostgres(root).start()


async def test_another_thread_cannot_start_it(root: Path) -> None:
    with pytest.raises(RuntimeError, match="main thread"):
        await asyncio.to_thread(lambda: asyncio.run(EmbeddedPostgres(root).start()))


async def test_a_server_that_does_not_start_says_why(root: Path) -> None:
    with (root / "data/postgresql.conf").open("a") as settings:
        settings.write("no_such_setting = 1\n")
    with pytest.raises(Misconfigured, match='unrecognized configuration parameter "no_such_setting"'):
        await EmbeddedPostgres(root).start()
    with pytest.raises(Misconfigured, match="no_such_setting"):  # and the lock is free again
        await EmbeddedPostgres(root).start()


async def test_a_folder_that_cannot_be_made_is_misconfigured(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    with pytest.raises(Misconfigured, match=r"file/catalog cannot be written \(Not a directory\)"):
        await EmbeddedPostgres(tmp_path / "file" / "catalog").start()


async def test_an_address_without_a_folder_is_refused_and_leaves_nothing(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(Misconfigured, match="use embedded://<folder>"):
        async with open_catalog("embedded://"):
            pass
    assert os.listdir(tmp_path) == []


@linux
async def test_a_command_joins_the_server_of_another_process(root):
    url = f"embedded://{root}"
    with launched(root):
        async with open_catalog(url, join=True) as pool:
            assert await pool.fetchval("SELECT what FROM kept") == "the first row"
    async with open_catalog(url, join=True) as pool:
        assert await pool.fetchval("SELECT what FROM kept") == "the first row"
