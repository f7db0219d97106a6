"""A server as a child process that ends with the tests."""

import asyncio
import os
import secrets
import signal
import socket
import subprocess
import sys
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from pathlib import Path

from escolta.catalog.programs import end_with_parent

READY_TIMEOUT_S = 600.0
STOP_TIMEOUT_S = 20.0
LOWEST_PORT = 20_000

_claims: list[socket.socket] = []


def free_ports(count: int) -> list[int]:
    """Loopback ports that nobody listens on: for this process, and what it starts, alone until it ends.

    The kernel gives none of them to a connection, or the port of a server that is killed might be taken when
    it starts again.
    """
    found: list[int] = []
    while len(found) < count:
        port = LOWEST_PORT + secrets.randbelow(_first_of_connections() - LOWEST_PORT)
        if _is_for_us(port) and _is_free(port):
            found.append(port)
    return found


def _first_of_connections() -> int:
    """The lowest port that the kernel chooses for a connection; Linux tells it."""
    told = Path("/proc/sys/net/ipv4/ip_local_port_range")
    first = int(told.read_text().split()[0]) if told.exists() else 0
    return first if first > LOWEST_PORT + 1000 else 2**15


def _is_for_us(port: int) -> bool:
    """Whether no other process of tests has it. A name that no file has is given back with its process."""
    if sys.platform != "linux":  # which alone has such names
        return True
    claim = socket.socket(socket.AF_UNIX)
    try:
        claim.bind(f"\0escolta-tests-port-{port}")
    except OSError:
        claim.close()
        return False
    _claims.append(claim)
    return True


def _is_free(port: int) -> bool:
    with socket.socket() as listener:
        try:
            listener.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


class ServerProcess:
    """Runs `command` in `folder`, its output in the file `log`.

    Make it in the main thread: the kernel ends it when the thread that made it ends.
    """

    def __init__(
        self,
        command: list[str],
        *,
        folder: Path,
        environment: Mapping[str, str],
        stop_signal: signal.Signals = signal.SIGTERM,
        stdin: int = subprocess.DEVNULL,
    ) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.log = folder / f"{Path(command[0]).name}.log"
        self._stop_signal = stop_signal
        with self.log.open("ab") as log:
            # A session of its own: Ctrl-C must not reach it before the fixtures have ended, and what it
            # starts can be ended with it.
            self._process = subprocess.Popen(
                command,
                cwd=folder,
                env={"PATH": f"{os.environ['PATH']}:/usr/sbin:/sbin", "HOME": str(folder), **environment},
                stdin=stdin,
                stdout=log,
                stderr=log,
                start_new_session=True,
                preexec_fn=end_with_parent(stop_signal),
            )

    @property
    def session(self) -> int:
        """Of the process and of all that it starts."""
        return self._process.pid

    def kill(self) -> None:
        """kill -9, to the whole process group."""
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()

    def freeze(self) -> None:
        """It stands still with its connections open: nothing is refused, and nothing is answered."""
        os.killpg(self._process.pid, signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it go on."""
        os.killpg(self._process.pid, signal.SIGCONT)

    async def stop(self) -> None:
        """Ask it to stop; kill what does not."""
        if self._process.poll() is None:
            self._process.send_signal(self._stop_signal)
        with suppress(TimeoutError):
            async with asyncio.timeout(STOP_TIMEOUT_S):
                while self._process.poll() is None:
                    await asyncio.sleep(0.02)
        self.kill()

    async def until(self, ready: Callable[[], Awaitable[bool]]) -> None:
        """Wait until `ready` says so; fails with the server's last words when it ends or takes too long."""
        deadline = asyncio.get_running_loop().time() + READY_TIMEOUT_S
        while not await ready():
            ended = self._process.poll() is not None
            if ended or asyncio.get_running_loop().time() > deadline:
                self.kill()
                words = self.log.read_text(errors="replace")[-3000:]
                raise RuntimeError(f"{self._process.args!r} {'ended' if ended else 'is not ready'}:\n{words}")
            await asyncio.sleep(0.05)
