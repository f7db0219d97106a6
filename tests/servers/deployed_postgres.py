"""PostgreSQL as it is deployed. The wheel of the other tests speaks no TLS, so it is the machine's own."""

import os
import pwd
import secrets
import shutil
import subprocess
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path

import asyncpg

from servers.deployed import HOST, TLS, at, command_of, given
from servers.install import found_or_installed, missing
from servers.newer import newer
from servers.process import ServerProcess, free_ports

INSIDE = "127.0.0.1"
"""Its certificate is for those who call it within a deployment alone."""
OWNER = "postgres"
"""Who runs it where root runs the tests; Debian's package makes this user."""


@dataclass(frozen=True)
class DeployedPostgres:
    """Where it listens, and its owner's password."""

    port: int
    password: str
    process: ServerProcess

    @property
    def url(self) -> str:
        """The owner's, as `escolta migrate` has it."""
        return f"postgresql://escolta:{self.password}@{INSIDE}:{self.port}/escolta?sslmode=verify-full"


def _programs() -> str | None:
    """The folder of `initdb` and `postgres`, of the newest version."""
    root = newer() or Path("/")
    found = sorted((root / "usr/lib/postgresql").glob("*/bin/postgres"), key=lambda path: path.parts[-3])
    return str(found[-1].parent) if found else None


@asynccontextmanager
async def deployed_postgres(authority: Path) -> AsyncIterator[DeployedPostgres]:
    """A server that speaks TLS alone, with an empty database `escolta`."""
    programs = found_or_installed(_programs, "postgresql") or missing("postgresql is absent: install it")
    password, [port] = secrets.token_urlsafe(24), free_ports(1)
    with _own_folder() as folder:
        data, tls = _prepared(folder, authority, programs, password)
        places = {TLS: str(tls), "/etc/escolta/pg_hba.conf": str(tls / "pg_hba.conf")}
        program, *arguments = at(command_of("postgres"), places)
        here = [f"-c{name}" for name in (f"listen_addresses={INSIDE},{HOST}", f"port={port}", "fsync=off")]
        where = [f"-D{data}", f"-cunix_socket_directories={folder}", *here]
        server = ServerProcess(
            [*_AS_OWNER, f"{programs}/{program}", *arguments, *where], folder=folder / "log", environment={}
        )
        postgres = DeployedPostgres(port, password, server)

        async def ready() -> bool:
            try:
                socket = await asyncpg.connect(
                    host=str(folder), port=port, user="escolta", password=password, database="postgres"
                )
            except (OSError, asyncpg.CannotConnectNowError):
                return False
            await socket.execute("CREATE DATABASE escolta")
            await socket.close()
            return True

        try:
            await server.until(ready)
            yield postgres
        finally:
            await server.stop()


_AS_OWNER = ["setpriv", f"--reuid={OWNER}", f"--regid={OWNER}", "--clear-groups"] if os.geteuid() == 0 else []


@contextmanager
def _own_folder() -> Iterator[Path]:
    """One that the server's user can reach."""
    folder = Path(tempfile.mkdtemp(prefix="escolta-postgres-"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _prepared(folder: Path, authority: Path, programs: str, password: str) -> tuple[Path, Path]:
    """The data, and a folder with certificates and pg_hba.conf; all is the server's user's."""
    data, tls, secret = folder / "data", folder / "tls", folder / "password"
    shutil.copytree(authority.parent / "postgres", tls)
    (tls / "pg_hba.conf").write_text(given("pg_hba.conf"), "utf-8")
    secret.write_text(password, "utf-8")
    (folder / "log").mkdir()
    if os.geteuid() == 0:
        owner = pwd.getpwnam(OWNER)
        for path in (folder, *folder.rglob("*")):
            os.chown(path, owner.pw_uid, owner.pw_gid)
    initdb = [f"{programs}/initdb", "-D", str(data), "-U", "escolta", "--auth=scram-sha-256"]
    subprocess.run(
        [*_AS_OWNER, *initdb, f"--pwfile={secret}", "--locale=C.UTF-8", "--no-sync"],
        check=True,
        capture_output=True,
        cwd=folder,
    )
    return data, tls
