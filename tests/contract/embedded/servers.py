"""What the tests of the embedded PostgreSQL stand on: its rows, its processes, and one of another process."""

import asyncio
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import asyncpg
import pytest

linux = pytest.mark.skipif(sys.platform != "linux", reason="needs /proc and the kernel's signal to orphans")


as_root = pytest.mark.skipif(os.geteuid() != 0, reason="needs root, who may become another user")


LAUNCHER = """
import asyncio, sys
from pathlib import Path
from escolta.catalog.embedded import EmbeddedPostgres

async def main():
    server = EmbeddedPostgres(Path(sys.argv[1]))
    print(await server.start(), server.pid, flush=True)
    await asyncio.sleep(600)

asyncio.run(main())
"""


def copied(made: Path, root: Path) -> Path:
    root.parent.mkdir(parents=True, exist_ok=True)
    subprocess.run(["cp", "-a", made, root], check=True)
    return root


async def execute(dsn: str, statement: str) -> None:
    connection = await asyncpg.connect(dsn)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()


async def rows(dsn: str) -> list[str]:
    connection = await asyncpg.connect(dsn)
    try:
        return [row["what"] for row in await connection.fetch("SELECT what FROM kept")]
    finally:
        await connection.close()


@contextmanager
def launched(root: Path) -> Iterator[tuple[subprocess.Popen[str], str, int]]:
    """The catalog started by a process of its own: the process, the DSN, and the server's process id."""
    command = [sys.executable, "-c", LAUNCHER, str(root)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        try:
            dsn, pid = process.stdout.readline().split()
            yield process, dsn, int(pid)
        finally:
            process.kill()


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


async def until_gone(pid: int) -> None:
    async with asyncio.timeout(240):
        while alive(pid):
            await asyncio.sleep(0.02)


def content(path: str) -> str:
    return Path(path).read_text()


def owner(root: Path) -> int:
    return (root / "data").stat().st_uid
