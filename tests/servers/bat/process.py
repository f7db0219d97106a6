"""BAT in a process of its own: its address, its people, what it holds, and what is made to go wrong."""

import sqlite3
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from pathlib import Path

import httpx

from servers.bat.faults import Kind
from servers.bat.serve import SERVED, STATE
from servers.process import ServerProcess, free_ports

TESTS = Path(__file__).parents[2]
USER = "escolta"
PASSWORD = "escolta in BAT"


class BatProcess:
    """`url` is its address and stays the same; `USER` with `PASSWORD` is a superuser who is staff, too."""

    def __init__(self, folder: Path) -> None:
        [port] = free_ports(1)
        self.url = f"http://127.0.0.1:{port}"
        self.folder = folder
        self._port = port
        self._process: ServerProcess | None = None
        self._control = httpx.AsyncClient(base_url=self.url, trust_env=False, timeout=120)

    async def start(self) -> None:
        """At first, or again with what it had stored."""
        self._process = ServerProcess(
            [sys.executable, "-m", "servers.bat.serve", str(self._port), str(self.folder)],
            folder=self.folder,
            environment={"PYTHONPATH": str(TESTS)},
        )
        await self._process.until(self._answers)

    def kill(self) -> None:
        """kill -9."""
        assert self._process
        self._process.kill()

    def freeze(self) -> None:
        """It stands still with its connections open."""
        assert self._process
        self._process.freeze()

    def thaw(self) -> None:
        assert self._process
        self._process.thaw()

    async def close(self) -> None:
        if self._process:
            await self._process.stop()
        await self._control.aclose()

    async def be_as_new(self) -> None:
        """Forget everything and everybody but `USER`; start again where it was killed."""
        if not await self._answers():
            await self.start()
        await self._tell("forget")
        await self.add_user(USER, PASSWORD, superuser=True, staff=True)

    async def add_user(
        self, name: str, password: str, *, superuser: bool = False, staff: bool = False
    ) -> None:
        """As the operator does by `createsuperuser`, which makes both, or a person by signing up."""
        await self._tell("user", name=name, password=password, superuser=superuser, staff=staff)

    async def fault(
        self, kind: Kind, method: str = "", where: str = "", *, skip: int = 0, times: int = 1
    ) -> None:
        """See `faults.Fault`. What struck before waits for nobody any longer."""
        await self._tell("fault", kind=kind, method=method, where=where, skip=skip, times=times)

    async def mend(self, *, drop: bool = False) -> None:
        """No fault waits any longer. What is held goes on; with `drop` what was held before never does."""
        await self._tell("mend", drop=drop)

    async def run_with(self, **changes: object) -> None:
        """See `faults.Running`."""
        await self._tell("running", **changes)

    async def somebody_opens_a_page(self) -> None:
        """And takes away what another browser was about to fetch."""
        await self._tell("open page")

    async def struck(self) -> list[dict]:
        """Faults that came to be: their kind, method and path."""
        return (await self._tell("state"))["struck"]

    async def held(self) -> int:
        """How many requests are held just now."""
        return (await self._tell("state"))["held"]

    async def asked(self) -> list[dict]:
        """Every request since `forget_requests`: method, path with its query, user, status, toolbar_off."""
        return (await self._tell("asked"))["asked"]

    async def most_at_once(self) -> int:
        """Requests at the same time, at the most, since `forget_requests`."""
        return (await self._tell("state"))["most_at_once"]

    async def forget_requests(self) -> None:
        await self._tell("forget requests")

    def rows(self, query: str, *values: object) -> list[tuple]:
        """What it holds, by SQL (`state.SCHEMA`); also when it does not run."""
        with closing(sqlite3.connect(f"file:{self.folder / STATE}?mode=ro", uri=True, timeout=120)) as db:
            return db.execute(query, values).fetchall()

    def change(self, statement: str) -> None:
        """Change what it holds, by SQL, while it does not run."""
        with closing(sqlite3.connect(self.folder / STATE, timeout=120)) as db, db:
            db.execute(statement)

    def uploaded(self) -> list[Path]:
        """Every file of an upload that lies on its disk."""
        return sorted(path for path in (self.folder / SERVED / "media").rglob("*") if path.is_file())

    async def _answers(self) -> bool:
        try:
            await self._tell("state")
            return True
        except httpx.TransportError:
            return False

    async def _tell(self, what: str, **body: object) -> dict:
        return (await self._control.post(f"/_test/{what}", json=body)).raise_for_status().json()


@asynccontextmanager
async def bat_at_work(folder: Path) -> AsyncIterator[BatProcess]:
    """BAT, with the account that a deployment is told of."""
    bat = BatProcess(folder)
    try:
        await bat.start()
        await bat.be_as_new()
        yield bat
    finally:
        await bat.close()
