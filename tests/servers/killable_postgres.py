"""A private PostgreSQL that can be killed, frozen and started again, always at the same address."""

import os
import signal
from contextlib import suppress
from pathlib import Path
from urllib.parse import parse_qs, quote, urlsplit

from escolta.catalog.embedded import EmbeddedPostgres
from servers.postgres import WHO


class KillablePostgres:
    """`url` is its owner's. Unlike that of most tests, it writes to the disk by PostgreSQL's defaults."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._server = EmbeddedPostgres(folder / "server")
        self._sockets = folder / "at"
        self._frozen: list[int] = []

    @property
    def url(self) -> str:
        return f"postgresql://escolta@/escolta?host={quote(str(self._sockets))}&port=5432"

    async def start(self) -> None:
        """Start it, at first or again: recovery included. The folder of its sockets is behind a link."""
        url = await self._server.start()
        [sockets] = parse_qs(urlsplit(url).query)["host"]
        self._sockets.unlink(missing_ok=True)
        self._sockets.symlink_to(sockets)
        (self._server.data / "pg_hba.conf").write_text(WHO, "utf-8")
        os.kill(self.pid, signal.SIGHUP)

    def kill(self) -> None:
        """kill -9, to the server and to the processes of its connections."""
        process, self._server._process = self._server._process, None
        if process:
            pids = [process.pid, *_children(process.pid)]
            for pid in pids:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            process.wait()
        self._server._held.close()

    def freeze(self) -> None:
        """It stands still with its connections open; the kernel takes further ones, nobody answers them."""
        self._frozen = [self.pid]
        os.kill(self.pid, signal.SIGSTOP)  # first: it makes the others
        self._frozen += _children(self.pid)
        for pid in self._frozen[1:]:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it go on."""
        for pid in reversed(self._frozen):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)
        self._frozen = []

    @property
    def pid(self) -> int:
        """Of the process that has started all others."""
        assert self._server.pid is not None, "the server does not run"
        return self._server.pid


def _children(pid: int) -> list[int]:
    """The processes whose parent is `pid`."""
    found = Path(f"/proc/{pid}/task/{pid}/children").read_text("ascii")
    return [int(child) for child in found.split()]
