"""What a killed run leaves in a data folder: a server still shutting down, or files that name a dead one."""

import asyncio
import os
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

from escolta.errors import Transient

WAIT_S = 120.0
POLL_S = 0.05


async def clear_leftovers(data: Path) -> None:
    """Wait until no PostgreSQL works in `data`, then remove the files in which it named itself.

    The caller holds the folder's lock, so a server found here has lost its launcher: it is told to stop.
    A pid file is never believed: its number may be a dead process that nobody has reaped, or by now a
    stranger's, and PostgreSQL would refuse to start in both cases. What counts is who really works there.
    """
    stopped: set[int] = set()
    deadline = asyncio.get_running_loop().time() + WAIT_S
    while running := _processes_in(data):
        server = _pid_in(data / "postmaster.pid")
        if server in running and server not in stopped:
            stopped.add(server)
            with suppress(ProcessLookupError):
                os.kill(server, signal.SIGINT)
        if asyncio.get_running_loop().time() > deadline:
            raise Transient(
                f"PostgreSQL of an earlier run still works in {data} after {WAIT_S:.0f} s "
                f"(processes {sorted(running)}): wait, or end it."
            )
        await asyncio.sleep(POLL_S)
    for name in ("postmaster.pid", ".s.PGSQL.5432.lock"):
        (data / name).unlink(missing_ok=True)


def _pid_in(file: Path) -> int:
    try:
        return int(file.read_text().partition("\n")[0])
    except (FileNotFoundError, ValueError):
        return 0


def _processes_in(data: Path) -> set[int]:
    """The PostgreSQL processes that work in `data`: the server and its helpers."""
    return _by_working_folder(data) if sys.platform == "linux" else _by_command_line(data)


def _by_working_folder(data: Path) -> set[int]:
    found = set()
    here = data.stat()
    for process in Path("/proc").iterdir():
        # Others' processes cannot be looked at, and cannot work in a folder of ours with mode 700.
        with suppress(OSError):
            if (
                process.name.isdigit()
                and os.path.samestat((process / "cwd").stat(), here)
                and Path(os.readlink(process / "exe")).name.startswith("postgres")
            ):
                found.add(int(process.name))
    return found


def _by_command_line(data: Path) -> set[int]:
    listed = subprocess.run(["ps", "-axo", "pid=,command="], capture_output=True, text=True, check=True)
    lines = [line.split(maxsplit=1) for line in listed.stdout.splitlines()]
    return {int(pid) for pid, command in lines if "postgres" in command and f"-D {data} " in command}
