"""The embedded PostgreSQL: kept through every crash, closed to others, and gone when its process is."""

import asyncio
import os
import pwd
import signal
import socket
import struct
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import asyncpg
import pytest

from escolta.catalog import binaries, open_catalog
from escolta.catalog.embedded import EmbeddedPostgres
from escolta.errors import Misconfigured

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


@pytest.fixture(scope="module")
async def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A catalog with one row, made once, stopped."""
    root = tmp_path_factory.mktemp("made") / "catalog"
    async with EmbeddedPostgres(root) as dsn:
        await execute(dsn, "CREATE TABLE kept (what text)")
        await execute(dsn, "INSERT INTO kept VALUES ('the first row')")
    return root


@pytest.fixture
def root(made: Path, tmp_path: Path) -> Path:
    """A copy of it for one test."""
    return copied(made, tmp_path / "catalog")


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
    async with asyncio.timeout(60):
        while alive(pid):
            await asyncio.sleep(0.02)


def content(path: str) -> str:
    return Path(path).read_text()


def owner(root: Path) -> int:
    return (root / "data").stat().st_uid


def test_a_new_catalog_has_the_mode_700(made: Path) -> None:
    assert (made / "data").stat().st_mode & 0o777 == 0o700
    assert sorted(path.name for path in made.iterdir()) == ["data", "lock", "postgres.log"]


async def test_rows_are_there_at_the_next_start(root: Path) -> None:
    for number in range(2):
        async with EmbeddedPostgres(root) as dsn:
            assert len(await rows(dsn)) == 1 + number
            await execute(dsn, "INSERT INTO kept VALUES ('another')")


async def test_a_half_made_catalog_is_made_anew(tmp_path: Path) -> None:
    (tmp_path / "data.new/base").mkdir(parents=True)
    (tmp_path / "data.new/PG_VERSION").write_text("half")
    async with EmbeddedPostgres(tmp_path) as dsn:
        await execute(dsn, "SELECT 1")
    assert not (tmp_path / "data.new").exists()


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


async def test_a_server_that_does_not_start_says_why(root: Path) -> None:
    with (root / "data/postgresql.conf").open("a") as settings:
        settings.write("no_such_setting = 1\n")
    with pytest.raises(Misconfigured, match='unrecognized configuration parameter "no_such_setting"'):
        await EmbeddedPostgres(root).start()
    with pytest.raises(Misconfigured, match="no_such_setting"):  # and the lock is free again
        await EmbeddedPostgres(root).start()


def knock(socket_file: str, uid: int) -> str:
    """What PostgreSQL answers to a process of the user `uid`: that it is let in, or refused, or nothing."""
    answers = {0: "let in", 1: "refused", 2: "out of reach"}
    child = os.fork()
    if child == 0:
        try:
            if uid != os.geteuid():
                os.setgroups([])
                os.setgid(pwd.getpwuid(uid).pw_gid)
                os.setuid(uid)
            with socket.socket(socket.AF_UNIX) as door:
                door.connect(socket_file)
                asked = b"user\0escolta\0database\0escolta\0\0"
                door.sendall(struct.pack("!ii", len(asked) + 8, 196608) + asked)
                os._exit(0 if door.recv(9) == b"R" + struct.pack("!ii", 8, 0) else 1)
        except OSError:
            os._exit(2)
        finally:
            os._exit(3)
    return answers[os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])]


@as_root
@linux
async def test_only_the_user_who_started_it_gets_in(root: Path) -> None:
    server = EmbeddedPostgres(root)
    host = parse_qs(urlsplit(await server.start()).query)["host"][0]
    door = f"/proc/{server.pid}/fd/{host.rpartition('/')[2]}/.s.PGSQL.5432"
    stranger = next(user.pw_uid for user in pwd.getpwall() if user.pw_uid not in (0, owner(root)))
    assert knock(door, 0) == "let in"
    assert knock(door, owner(root)) == "refused"
    assert knock(door, stranger) == "out of reach"
    assert knock(str(root / "data/.s.PGSQL.5432"), owner(root)) == "out of reach"
    await server.stop()


@as_root
@linux
async def test_root_in_a_closed_folder_runs_it_as_another_user_and_opens_nothing(
    made: Path, tmp_path: Path
) -> None:
    root = copied(made, tmp_path / "closed" / "clone" / "catalog")
    (tmp_path / "closed").chmod(0o700)
    above = {folder: folder.stat().st_mode for folder in root.parents}
    users = content("/etc/passwd")
    server = EmbeddedPostgres(root)
    assert await rows(await server.start()) == ["the first row"]
    status = content(f"/proc/{server.pid}/status")
    await server.stop()
    uids = next(line.split()[1:] for line in status.splitlines() if line.startswith("Uid:"))
    assert set(uids) == {str(owner(root))}
    assert "0" not in uids
    assert {folder: folder.stat().st_mode for folder in root.parents} == above
    assert content("/etc/passwd") == users


@as_root
async def test_data_that_belong_to_root_are_refused(root: Path) -> None:
    os.chown(root / "data", 0, 0)
    with pytest.raises(Misconfigured, match="belongs to root"):
        await EmbeddedPostgres(root).start()


@as_root
@linux
async def test_a_cache_that_the_other_user_cannot_enter_is_misconfigured(root: Path, tmp_path: Path) -> None:
    (tmp_path / "closed").mkdir(mode=0o700)
    with pytest.raises(Misconfigured, match="ESCOLTA_CACHE"):
        await EmbeddedPostgres(root, cache=tmp_path / "closed" / "cache").start()


def test_two_starts_at_once_make_one_copy_of_the_programs(tmp_path: Path) -> None:
    before = os.umask(0o077)
    try:
        with ThreadPoolExecutor(2) as threads:
            first, second = threads.map(binaries.copied_binaries, [tmp_path / "cache"] * 2)
    finally:
        os.umask(before)
    assert first == second
    assert "18." in subprocess.run([first / "postgres", "--version"], capture_output=True, text=True).stdout
    copies = [path for path in (tmp_path / "cache").iterdir() if path.name != "lock"]
    assert copies == [first.parents[2]]
    for path in [tmp_path / "cache", *copies[0].rglob("*")]:
        assert path.stat().st_mode & 0o044 == 0o044, f"{path} is closed to the user who runs PostgreSQL"


def test_a_cache_that_others_can_write_is_refused(tmp_path: Path) -> None:
    tmp_path.chmod(0o777)
    with pytest.raises(Misconfigured, match="ESCOLTA_CACHE"):
        binaries.copied_binaries(tmp_path)


def test_a_missing_wheel_is_misconfigured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(binaries, "MODULE", "no_such_wheel")
    with pytest.raises(Misconfigured, match="ESCOLTA_CATALOG_URL"):
        binaries.installed_binaries()


@linux
async def test_a_command_joins_the_server_of_another_process(root):
    url = f"embedded://{root}"
    with launched(root):
        async with open_catalog(url, join=True) as pool:
            assert await pool.fetchval("SELECT what FROM kept") == "the first row"
    async with open_catalog(url, join=True) as pool:
        assert await pool.fetchval("SELECT what FROM kept") == "the first row"
