"""The embedded catalog: a private PostgreSQL that lives and ends with this process.

    <root>/lock           held while a process uses the catalog, and names that process and its server
    <root>/data           PostgreSQL's data folder, mode 700; `data.new` while it is being made
    <root>/postgres.log   what the server says

It listens on a Unix socket inside its data folder and on no port. The folder is closed to other users, and
the server asks the kernel who connects (`peer`): only the user who started it gets in. Every start writes
that into pg_hba.conf and pg_ident.conf, because root may start what an ordinary user made.
"""

import asyncio
import fcntl
import os
import pwd
import shutil
import subprocess
import sys
import tempfile
import threading
from contextlib import ExitStack, suppress
from pathlib import Path
from types import TracebackType
from typing import IO
from urllib.parse import quote

from escolta.catalog.binaries import ROOTS_CACHE, copied_binaries, installed_binaries
from escolta.catalog.leftovers import clear_leftovers
from escolta.catalog.programs import POLL_S, Programs, end, owner_of
from escolta.errors import Misconfigured, Transient

ROLE = DATABASE = MAP = "escolta"
WHO = f"local all all peer map={MAP}\nlocal replication all peer map={MAP}\n"
"""pg_hba.conf: by the kernel's word, who started it; a backup's connections are of another kind."""
SLOT_BYTES = "4GB"
"""How much log is kept for a backup that followed once and is away."""
READY_TIMEOUT_S = 600.0
"""Long, because crash recovery may replay a gigabyte of log from a slow disk; a dead server ends the wait."""


class EmbeddedPostgres:
    """Starts and stops the server in the folder `root`: `async with EmbeddedPostgres(root) as dsn`.

    Start it from the main thread: on Linux the kernel stops the server, in good order, when the *thread* that
    started it ends, so that even kill -9 of this process leaves nothing running. The DSN is good for asyncpg
    in this process and, on Linux, in any process of the same user, as long as this one lives.
    """

    def __init__(
        self,
        root: Path,
        *,
        cache: Path = ROOTS_CACHE,
        role: str = ROLE,
        database: str = DATABASE,
        binaries: Path | None = None,
        patience_s: float = READY_TIMEOUT_S,
    ) -> None:
        """`cache` is where root keeps a copy of PostgreSQL's programs that other users can run.

        Of a restored backup: `role` and `database` of the DSN, the programs of another version, and how long
        to wait for it.
        """
        self.root = root.absolute()
        self.data = self.root / "data"
        self._cache = cache
        self._role, self._database = role, database
        self._binaries = binaries
        self._patience_s = patience_s
        self._held = ExitStack()
        self._process: subprocess.Popen[bytes] | None = None

    async def __aenter__(self) -> str:
        return await self.start()

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.stop()

    @property
    def pid(self) -> int | None:
        """The server's process id while it runs."""
        return self._process.pid if self._process else None

    async def start(self) -> str:
        """Start the server and return its DSN once it takes connections.

        1. Take the lock; `Misconfigured` names the process that has it.
        2. End what an earlier, killed run left, or make the data folder if there is none.
        3. Start the server and wait until it is ready, crash recovery included.
        """
        if threading.current_thread() is not threading.main_thread():
            raise RuntimeError("the embedded catalog must be started from the main thread")
        try:
            lock = self._lock()
            owner = owner_of(self.data)
            binaries = copied_binaries(self._cache) if owner else installed_binaries()
            programs = Programs(self._binaries or binaries, owner, self.root / "postgres.log")
            if self.data.exists():
                await clear_leftovers(self.data)
            else:
                await self._make_data(programs, owner)
            dsn = await self._serve(programs)
            lock.write(f"{dsn}\n")
            lock.flush()
            return dsn
        except BaseException:
            await self.stop()
            raise

    async def stop(self) -> None:
        """Stop the server: connections end, what was committed is kept. Harmless when it does not run."""
        process, self._process = self._process, None
        try:
            if process:
                await end(process)
        finally:
            self._held.close()

    def _lock(self) -> IO[str]:
        try:
            self.root.mkdir(mode=0o700, parents=True, exist_ok=True)
            lock = self._held.enter_context((self.root / "lock").open("a+"))
        except OSError as error:
            raise Misconfigured(
                f"{error.filename} cannot be written ({error.strerror}): run Escolta as the user it belongs "
                "to, or set ESCOLTA_CATALOG_URL to another folder (embedded://…)."
            ) from error
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            lock.seek(0)
            user = lock.readline().strip() or "another process"
            raise Misconfigured(
                f"The catalog in {self.root} is in use by {user}: stop "
                "that first, or set ESCOLTA_CATALOG_URL to another folder (embedded://…)."
            ) from error
        lock.truncate(0)
        lock.write(f"process {os.getpid()} ({Path(sys.argv[0]).name})\n")
        lock.flush()
        return lock

    async def _make_data(self, programs: Programs, owner: pwd.struct_passwd | None) -> None:
        """Make the data folder beside its place and rename it when it is whole."""
        new = self.root / "data.new"
        shutil.rmtree(new, ignore_errors=True)
        new.mkdir(mode=0o700)
        if owner:
            os.chown(new, owner.pw_uid, owner.pw_gid)
        with ExitStack() as held:
            folder, fds = _opened(new, held)
            rights = [f"--username={ROLE}", "--auth=peer", "--no-instructions"]
            locale = ["--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
            await programs.run(["initdb", "-D", folder, "--encoding=UTF8", *rights, *locale], fds)
            single = ["postgres", "--single", "-D", folder, "postgres"]
            await programs.run(single, fds, text=f"CREATE DATABASE {DATABASE};\n")
        new.rename(self.data)

    async def _serve(self, programs: Programs) -> str:
        user = pwd.getpwuid(os.geteuid()).pw_name
        _overwrite(self.data / "pg_hba.conf", WHO)
        _overwrite(self.data / "pg_ident.conf", f'{MAP} "{user}" "{self._role}"\n')
        folder, fds = _opened(self.data, self._held)
        sockets, seen_from_here = folder, f"/proc/{os.getpid()}/fd/{fds[0]}" if fds else ""
        if not fds:
            temporary = tempfile.TemporaryDirectory(prefix="escolta-")
            sockets = seen_from_here = self._held.enter_context(temporary)
        settings = {
            "listen_addresses": "",
            "port": "5432",
            "unix_socket_directories": sockets,
            "unix_socket_permissions": "0700",
            "timezone": "UTC",
            "log_timezone": "UTC",
            "max_slot_wal_keep_size": SLOT_BYTES,
        }
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        self._process = programs.spawn(["postgres", "-D", folder, *options], fds)
        await self._until_ready(self._process, programs)
        who, what = quote(self._role, safe=""), quote(self._database, safe="")
        return f"postgresql://{who}@/{what}?host={quote(seen_from_here)}&port=5432"

    async def _until_ready(self, process: subprocess.Popen[bytes], programs: Programs) -> None:
        deadline = asyncio.get_running_loop().time() + self._patience_s
        while process.poll() is None:
            with suppress(FileNotFoundError, IndexError):
                lines = (self.data / "postmaster.pid").read_text().splitlines()
                if lines[0] == str(process.pid) and lines[7].strip() == "ready":
                    return
            if asyncio.get_running_loop().time() > deadline:
                raise Transient(
                    f"PostgreSQL in {self.root} is not ready after {self._patience_s:.0f} s: "
                    f"see {programs.log}"
                )
            await asyncio.sleep(POLL_S)
        raise programs.failed("postgres", process.returncode)


def address_in_use(root: Path) -> str | None:
    """The DSN of the server that another process has started in `root`; None where none is ready."""
    try:
        with (root / "lock").open("r+") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        lines = (root / "lock").read_text().splitlines()
        return lines[1] if len(lines) > 1 else None
    except OSError:
        pass
    return None


def catalogs_in_use(below: Path) -> list[Path]:
    """Folders `catalog`, up to two folders below `below`, whose server another process has started."""
    locks = (lock for depth in ("", "*/", "*/*/") for lock in below.glob(f"{depth}catalog/lock"))
    return sorted(lock.parent for lock in locks if address_in_use(lock.parent))


def _opened(folder: Path, held: ExitStack) -> tuple[str, tuple[int, ...]]:
    """A path of `folder` that PostgreSQL can use whatever lies above it, and the descriptor behind it.

    Outside Linux it is the plain path, and no descriptor.
    """
    if sys.platform != "linux":
        return str(folder), ()
    fd = os.open(folder, os.O_PATH | os.O_DIRECTORY)
    held.callback(os.close, fd)
    return f"/proc/self/fd/{fd}", (fd,)


def _overwrite(file: Path, text: str) -> None:
    """Write into a file of the data's owner; root follows no link that this user may have put there."""
    fd = os.open(file, os.O_WRONLY | os.O_TRUNC | os.O_NOFOLLOW)
    with open(fd, "w") as stream:
        stream.write(text)
