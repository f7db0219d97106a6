"""PostgreSQL's programs of the server's own version, and how one of them is run to its end."""

import asyncio
import os
import signal
import time
from collections.abc import Callable
from pathlib import Path
from urllib.parse import unquote, urlsplit

from escolta.catalog.binaries import installed_binaries
from escolta.catalog.programs import end_with_parent
from escolta.errors import Misconfigured, Transient

Say = Callable[[str], None]
OURS = 18
"""The version that comes with Escolta."""
DEBIAN = "/usr/lib/postgresql/{major}/bin"
TOLD_EVERY_S = 10.0
LAST_LINES = 8


def programs_of(major: int) -> Path:
    """The folder of the programs of this version. Raises `Misconfigured` where they are not here.

    The log and the data of one version are read by that version alone.
    """
    if major == OURS:
        return installed_binaries()
    folder = Path(DEBIAN.format(major=major))
    if all((folder / program).exists() for program in ("pg_basebackup", "pg_receivewal", "postgres")):
        return folder
    raise Misconfigured(
        f"The catalog's server is PostgreSQL {major}, and its programs are not here: install "
        f"postgresql-{major} (they are looked for in {folder}), or use a server of version {OURS}"
    )


async def run(program: Path, *arguments: str, dsn: str = "", say: Say | None = None) -> str:
    """Run `program` to its end; what it printed. Its standard error goes to `say`, a line now and then.

    The password of `dsn` goes in the environment: who lists processes does not see it.
    Raises `Transient` with its last words where it fails.
    """
    where, environment = _without_password(dsn)
    process = await asyncio.create_subprocess_exec(
        str(program),
        *arguments,
        *([f"--dbname={where}"] if dsn else []),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env=environment,
        preexec_fn=end_with_parent(signal.SIGTERM),
    )
    assert process.stdout
    assert process.stderr
    try:
        printed, lines = await asyncio.gather(process.stdout.read(), _heard(process.stderr, say))
        status = await process.wait()
    finally:
        if process.returncode is None:
            process.terminate()
            await process.wait()
    if status:
        raise Transient(f"{program.name} ended with status {status}: " + "; ".join(lines))
    return printed.decode(errors="replace")


async def _heard(stream: asyncio.StreamReader, say: Say | None) -> list[str]:
    """The last lines; progress is a line that is overwritten, which `say` hears now and then."""
    lines: list[str] = []
    rest, told_at = "", time.monotonic()
    while chunk := await stream.read(4096):
        *whole, rest = (rest + chunk.decode(errors="replace")).replace("\r", "\n").split("\n")
        lines = [*lines, *(line.strip() for line in whole if line.strip())][-LAST_LINES:]
        if say and lines and time.monotonic() > told_at + TOLD_EVERY_S:
            say(lines[-1])
            told_at = time.monotonic()
    return [*lines, *([rest.strip()] if rest.strip() else [])]


def _without_password(dsn: str) -> tuple[str, dict[str, str]]:
    environment = {"PATH": os.defpath, "LC_ALL": "C"}
    if not dsn:
        return "", environment
    parts = urlsplit(dsn)
    if parts.password is None:
        return dsn, environment
    user, host = parts.netloc.rpartition("@")[0].partition(":")[0], parts.netloc.rpartition("@")[2]
    return parts._replace(netloc=f"{user}@{host}").geturl(), environment | {
        "PGPASSWORD": unquote(parts.password)
    }
