"""The embedded PostgreSQL is kept through every crash, and gone when its process is."""

import asyncio
import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import asyncpg
import pytest
from contract.embedded.servers import (
    alive,
    execute,
    launched,
    linux,
    owner,
    rows,
    until_gone,
)

from escolta.catalog.embedded import EmbeddedPostgres


async def test_a_half_made_catalog_is_made_anew(tmp_path: Path) -> None:
    (tmp_path / "data.new/base").mkdir(parents=True)
    (tmp_path / "data.new/PG_VERSION").write_text("half")
    async with EmbeddedPostgres(tmp_path) as dsn:
        await execute(dsn, "SELECT 1")
    assert not (tmp_path / "data.new").exists()


async def test_rows_survive_kill_9_of_the_server(root: Path) -> None:
    server = EmbeddedPostgres(root)
    await execute(await server.start(), "INSERT INTO kept VALUES ('committed')")
    assert server.pid
    os.kill(server.pid, signal.SIGKILL)
    await server.stop()
    assert await rows(await server.start()) == ["the first row", "committed"]
    await server.stop()


@linux
async def test_kill_9_of_the_process_ends_the_server_in_good_order(root: Path) -> None:
    with launched(root) as (process, dsn, pid):
        await execute(dsn, "INSERT INTO kept VALUES ('committed')")
        process.kill()
        await until_gone(pid)
    assert "database system is shut down" in (root / "postgres.log").read_text().splitlines()[-1]
    async with EmbeddedPostgres(root) as dsn:
        assert await rows(dsn) == ["the first row", "committed"]


@linux
async def test_rows_survive_kill_9_of_both(root: Path) -> None:
    with launched(root) as (process, dsn, pid):
        await execute(dsn, "INSERT INTO kept VALUES ('committed')")
        os.kill(pid, signal.SIGKILL)
        process.kill()
    async with EmbeddedPostgres(root) as dsn:
        assert await rows(dsn) == ["the first row", "committed"]


@linux
async def test_a_server_that_lost_its_process_is_ended_before_the_next_start(root: Path) -> None:
    with launched(root) as (process, dsn, pid):
        connection = await asyncpg.connect(dsn)
        os.kill(pid, signal.SIGSTOP)  # it cannot follow the kernel's signal yet
        process.kill()
        process.wait()
        server = EmbeddedPostgres(root)
        start = asyncio.create_task(server.start())
        await asyncio.sleep(0.3)
        assert not start.done()
        os.kill(pid, signal.SIGCONT)
        assert await rows(await start) == ["the first row"]
        assert not alive(pid)
        await server.stop()
        connection.terminate()


@contextmanager
def process_of_the_owner(root: Path, command: list[str]) -> Iterator[int]:
    """A stranger with the server's user."""
    who = {"user": owner(root), "extra_groups": []} if os.geteuid() == 0 else {}
    with subprocess.Popen(command, cwd="/", **who) as process:  # type: ignore[call-overload]
        yield process.pid
        process.kill()


@linux
@pytest.mark.parametrize("kind", ["a stranger", "a dead process that nobody has reaped"])
async def test_a_stale_pid_file_stops_no_start_and_harms_nobody(root: Path, kind: str) -> None:
    command = ["sleep", "600"] if kind == "a stranger" else ["true"]
    with process_of_the_owner(root, command) as pid:
        if kind != "a stranger":
            await until_gone(pid)
        for name in ("postmaster.pid", ".s.PGSQL.5432.lock"):
            stale = root / "data" / name
            stale.write_text(f"{pid}\n{root}/data\n1795470094\n5432\n{root}/data\n\n 1 1\nready   \n")
            os.chown(stale, owner(root), -1)
        async with EmbeddedPostgres(root) as dsn:
            assert await rows(dsn) == ["the first row"]
        assert alive(pid) == (kind == "a stranger")


async def test_an_empty_pid_file_stops_no_start(root: Path) -> None:
    (root / "data/postmaster.pid").touch()
    async with EmbeddedPostgres(root) as dsn:
        assert await rows(dsn) == ["the first row"]
