"""`escolta bat push` and `pull`, each in a process of its own that can be killed at any of its requests."""

import asyncio
import os
import signal
import subprocess
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from servers.bat.faults import Kind
from servers.bat.process import PASSWORD, USER, BatProcess
from system.deployments import ESCOLTA, PATIENCE_S

Verb = Literal["push", "pull"]


@dataclass(frozen=True)
class Request:
    """One that a round makes: `where` is searched in path and query."""

    method: str
    where: str


@dataclass(frozen=True)
class Used:
    """What a command took: how it ended, how long it ran, the most memory that it had."""

    status: int
    seconds: float
    peak_bytes: int


class Commands:
    """The commands of an installation, which is at `catalog_url` and `folder`."""

    def __init__(self, bat: BatProcess, catalog_url: str, folder: Path, **more: str) -> None:
        self._bat = bat
        self.log = folder / "bat-commands.log"
        self._environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(folder),
            "ESCOLTA_CATALOG_URL": catalog_url,
            "ESCOLTA_OBJECTS_URL": f"file://{folder}/objects",
            "ESCOLTA_STATE_DIR": str(folder),
            "ESCOLTA_BAT_URL": bat.url,
            "ESCOLTA_BAT_USER": USER,
            "ESCOLTA_BAT_PASSWORD": PASSWORD,
            "ESCOLTA_BAT_SETTLE_S": "0",
            "ESCOLTA_BAT_TIMEOUT_S": "20",
            **more,
        }

    async def run(self, verb: Verb, **more: str) -> Used:
        """Let it come to its end, with `more` in its environment."""
        loop = asyncio.get_running_loop()
        begun = loop.time()
        process = self._start(verb, **more)
        status, usage = await asyncio.to_thread(_end_of, process.pid)
        process.returncode = status
        return Used(status, loop.time() - begun, usage.ru_maxrss * 1024)

    async def killed(
        self, verb: Verb, at: Request, when: Literal["before", "after"], *, skip: int = 0, drop: bool = False
    ) -> bool:
        """Kill it -9 while BAT holds a request of it; whether it made that request.

        `when`: before BAT has done what was asked, which with `drop` it never does, or after.
        """
        kind: Kind = "held before" if when == "before" else "held after"
        await self._bat.fault(kind, at.method, at.where, skip=skip)
        process = self._start(verb)
        async with asyncio.timeout(PATIENCE_S):
            while not (held := await self._bat.held()) and process.poll() is None:
                await asyncio.sleep(0.02)
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        await self._bat.mend(drop=drop)
        return bool(held)

    def said(self) -> str:
        """The last words of the commands so far."""
        return self.log.read_text("utf-8", "replace")[-4000:]

    def _start(self, verb: Verb, **more: str) -> subprocess.Popen:
        with self.log.open("ab") as log:
            return subprocess.Popen(
                [str(ESCOLTA), "bat", verb],
                env=self._environment | more,
                stdout=log,
                stderr=log,
                stdin=subprocess.DEVNULL,
                start_new_session=True,
            )


def _end_of(pid: int):
    _, status, usage = os.wait4(pid, 0)
    return os.waitstatus_to_exitcode(status), usage
