"""Starts PostgreSQL's programs as the user who owns the data, and sees to it that they end.

PostgreSQL refuses to run as root. Started by root its programs run as the owner of the data, at first
`postgres`, or `nobody` where that user does not exist. That user may be unable to walk to the data folder
(a clone below /root), so the programs get an open descriptor of the folder and call it /proc/self/fd/N: a
path that skips the permissions of the folders above, has no spaces and is never too long for a socket.
"""

import asyncio
import ctypes
import os
import pwd
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import IO, Any

from escolta.errors import Misconfigured

LOG_LIMIT_BYTES = 5_000_000
POLL_S = 0.02
STOP_TIMEOUT_S = 60.0
PR_SET_PDEATHSIG = 1


def owner_of(data: Path) -> pwd.struct_passwd | None:
    """The user that root must start PostgreSQL as; None for everybody else: they start it as themselves."""
    me = os.geteuid()
    if not _name(me):
        raise Misconfigured(
            f"The user number {me} has no name in /etc/passwd, without which PostgreSQL does not run: "
            "give it one, or set ESCOLTA_CATALOG_URL to a server (postgresql://…)."
        )
    owner = data.stat().st_uid if data.exists() else None
    if me != 0 and owner is not None and owner != me:
        raise Misconfigured(
            f"{data} belongs to another user ({_name(owner) or owner}): run Escolta as that user, or set "
            "ESCOLTA_CATALOG_URL to another folder (embedded://…)."
        )
    if me != 0:
        return None
    if owner == 0:
        raise Misconfigured(
            f"{data} belongs to root, as whom PostgreSQL does not run: give it to the user it was made by "
            "(`chown -R postgres`, or `nobody`)."
        )
    if owner is not None:
        return pwd.getpwuid(owner)
    try:
        return pwd.getpwnam("postgres")
    except KeyError:
        return pwd.getpwnam("nobody")


class Programs:
    """The programs in the folder `binaries`, run as `owner`; what they say goes to the file `log`."""

    def __init__(self, binaries: Path, owner: pwd.struct_passwd | None, log: Path) -> None:
        self._binaries = binaries
        self._owner = owner
        self.log = log

    def spawn(
        self, command: list[str], fds: tuple[int, ...], stdin: int = subprocess.DEVNULL
    ) -> subprocess.Popen[bytes]:
        """Start `command`; it inherits `fds` under the same numbers.

        It gets a session of its own, because Ctrl-C must not reach it before the services have drained.
        """
        who: dict[str, Any] = {}
        if self._owner:
            who = {"user": self._owner.pw_uid, "group": self._owner.pw_gid, "extra_groups": []}
        program = self._binaries / command[0]
        try:
            with self._open_log() as log:
                return subprocess.Popen(
                    [str(program), *command[1:]],
                    stdin=stdin,
                    stdout=log,
                    stderr=log,
                    cwd="/",
                    env=_ENVIRONMENT,
                    pass_fds=fds,
                    start_new_session=True,
                    preexec_fn=end_with_parent(signal.SIGINT),
                    **who,
                )
        except OSError as error:
            user = self._owner.pw_name if self._owner else _name(os.geteuid())
            raise Misconfigured(
                f"The user {user} cannot run {program} ({error.strerror}): "
                "set ESCOLTA_CACHE to a folder that every user can enter."
            ) from error

    async def run(self, command: list[str], fds: tuple[int, ...], text: str = "") -> None:
        """Run `command` to its end with `text` on its standard input; `Misconfigured` if it fails."""
        process = self.spawn(command, fds, stdin=subprocess.PIPE)
        try:
            assert process.stdin  # spawned with a pipe
            with suppress(BrokenPipeError), process.stdin:
                process.stdin.write(text.encode())
            await _ended(process)
        except BaseException:
            await end(process)
            raise
        if process.returncode:
            raise self.failed(command[0], process.returncode)

    def failed(self, program: str, status: int) -> Misconfigured:
        """The error for a program that ended by itself, with its last words."""
        last = self.log.read_text(errors="replace").splitlines()[-8:]
        return Misconfigured(f"{program} ended with status {status} (see {self.log}):\n" + "\n".join(last))

    def _open_log(self) -> IO[bytes]:
        if self.log.exists() and self.log.stat().st_size > LOG_LIMIT_BYTES:
            self.log.replace(self.log.with_name(self.log.name + ".1"))
        return open(self.log, "ab", opener=lambda path, flags: os.open(path, flags, 0o600))


async def end(process: subprocess.Popen[bytes]) -> None:
    """Stop a server or program: in good order, then at once, then by force."""
    for number in (signal.SIGINT, signal.SIGQUIT, signal.SIGKILL):
        if process.poll() is None:
            process.send_signal(number)
        try:
            async with asyncio.timeout(STOP_TIMEOUT_S):
                await _ended(process)
            return
        except TimeoutError:
            continue


async def _ended(process: subprocess.Popen[bytes]) -> None:
    while process.poll() is None:  # a thread in waitpid could not be cancelled
        await asyncio.sleep(POLL_S)


def end_with_parent(number: signal.Signals) -> Callable[[], None] | None:
    """A `preexec_fn` for Popen: the kernel sends the child signal `number` when its parent dies.

    It counts the parent's *thread* that called Popen. Outside Linux there is no such thing, and no function.
    The request comes after the change of user, which would cancel it; Popen sees to that.
    """
    if sys.platform != "linux":
        return None
    libc, parent = ctypes.CDLL(None), os.getpid()

    def before_exec() -> None:
        libc.prctl(PR_SET_PDEATHSIG, number)
        if os.getppid() != parent:  # it died before we asked
            os._exit(1)

    return before_exec


# Nothing of the caller's: PGPORT, PGDATA, LD_LIBRARY_PATH or a locale must not change what we start.
_ENVIRONMENT: Mapping[str, str] = {"PATH": os.defpath, "LC_ALL": "C"}


def _name(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return ""
