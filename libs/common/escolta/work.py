"""Work in the background is a row: asked for once, done one after another, and seen while it is done.

A table of work has, beside its key and what is wanted, the columns `status` ('requested' until the work is
done, 'failed' where it never will be), `requested_at`, `attempts`, `stage`, `stage_done`, `stage_total`,
`waits_for`, `failure` and `canceled`. Whoever does the work writes its end, the status with it, together with
what came of it. Killed anywhere, it is done again.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from uuid import UUID

import asyncpg

from escolta.errors import EscoltaError, Misconfigured, Rejected, Transient, is_transient

MOST_ATTEMPTS = 5
TELL_EVERY_S = 0.5
LOOK_EVERY_S = 5.0


class Waits(Transient):
    """Raised by work that cannot be done yet, and holds nothing up; the sentence says what it waits for."""


class Busy(Transient):
    """Raised where another process, or another task of this one, is at work."""


@dataclass(frozen=True)
class WorkTable:
    """Where one kind of work stands. `name`: with its schema; `key`: the column of its id, a uuid.

    `lock`: the advisory lock that lets the whole deployment do one at a time. `order`: which is done first.
    """

    name: str
    key: str
    lock: int
    order: str = "requested_at"


@dataclass
class Doing:
    """A piece of work that is being done. `connection` holds the lock, and is the work's to use."""

    connection: asyncpg.Connection
    work_id: UUID
    _pool: asyncpg.Pool
    _table: WorkTable
    _last_told: tuple[str, float] = ("", 0.0)

    async def tell(self, stage: str, done: int | None = None, total: int | None = None) -> None:
        """Say how far it is to the person who waits, twice a second at most.

        Raises `Rejected` once the work was canceled.
        """
        now = asyncio.get_running_loop().time()
        if stage == self._last_told[0] and now - self._last_told[1] < TELL_EVERY_S:
            return
        self._last_told = (stage, now)
        canceled = await self._pool.fetchval(
            f"UPDATE {self._table.name} SET stage = $2, stage_done = $3, stage_total = $4, waits_for = NULL"
            f" WHERE {self._table.key} = $1 AND status = 'requested' RETURNING canceled",
            *(self.work_id, stage, done, total),
        )
        _stop_if(canceled)


class Work:
    """Does one kind of work. `do` raises `Waits`, or `Rejected` where trying again cannot help.

    `failed` is told of every piece that is given up.
    """

    def __init__(
        self,
        table: WorkTable,
        pool: Callable[[], asyncpg.Pool],
        log: logging.Logger,
        do: Callable[[Doing], Awaitable[None]],
        failed: Callable[[UUID], None] = lambda work_id: None,
    ) -> None:
        self._table, self._pool, self._log, self._do, self._failed = table, pool, log, do, failed
        self._asked = asyncio.Event()

    def wake(self) -> None:
        """Somebody has written a row: `for_ever` looks at once."""
        self._asked.set()

    async def for_ever(self) -> None:
        """Do what is asked for, at once after `wake`, and in a moment what another process has written."""
        while True:
            self._asked.clear()
            with suppress(Busy):
                await self.do_all()
            with suppress(TimeoutError):
                async with asyncio.timeout(LOOK_EVERY_S):
                    await self._asked.wait()

    async def do_all(self) -> None:
        """Do every piece that waits. One that fails, or waits for something, lets the next have its turn.

        Raises `Busy`, and what only time can mend: then everything is still asked for.
        """
        looked_at: list[UUID] = []
        async with alone(self._pool(), self._table.lock) as connection:
            while work_id := await self._next(connection, looked_at):
                looked_at.append(work_id)
                await self._do_next(connection, work_id)

    async def cancel(self, work_id: UUID) -> bool:
        """Let it fail at its next word, or before it begins; False where it is not asked for any more."""
        row = await self._pool().fetchrow(
            f"UPDATE {self._table.name} SET canceled = true"
            f" WHERE {self._table.key} = $1 AND status = 'requested' RETURNING 1",
            work_id,
        )
        self.wake()
        return row is not None

    async def _next(self, connection: asyncpg.Connection, but: list[UUID]) -> UUID | None:
        return await connection.fetchval(
            f"SELECT {self._table.key} FROM {self._table.name} WHERE status = 'requested'"
            f" AND {self._table.key} <> ALL ($1) ORDER BY {self._table.order}, {self._table.key} LIMIT 1",
            but,
        )

    async def _do_next(self, connection: asyncpg.Connection, work_id: UUID) -> None:
        try:
            await self._begin(connection, work_id)
            await self._do(Doing(connection, work_id, self._pool(), self._table))
        except Waits as error:
            await self._wait(connection, work_id, str(error))
        except (Rejected, Misconfigured) as error:
            await self._fail(connection, work_id, error)
        except asyncio.CancelledError:
            await self._forget_attempt(work_id)
            raise
        except Exception as error:
            if isinstance(error, EscoltaError) or was_cut_off(error):
                await self._forget_attempt(work_id)
                raise
            if is_transient(error):
                raise
            await self._fail(connection, work_id, error)

    async def _begin(self, connection: asyncpg.Connection, work_id: UUID) -> None:
        row = await connection.fetchrow(
            f"UPDATE {self._table.name} SET attempts = attempts + 1"
            f" WHERE {self._table.key} = $1 RETURNING attempts, canceled",
            work_id,
        )
        _stop_if(row["canceled"])
        if row["attempts"] > MOST_ATTEMPTS:
            raise Rejected(
                f"it was begun {MOST_ATTEMPTS} times and never ended: the log says why, or the memory was not"
                " enough and the process was killed (set ESCOLTA_MAX_SAMPLES lower), then ask again"
            )

    async def _wait(self, connection: asyncpg.Connection, work_id: UUID, what_for: str) -> None:
        waited_for = await connection.fetchval(
            f"UPDATE {self._table.name} AS new SET waits_for = $2, attempts = new.attempts - 1, stage = NULL"
            f" FROM {self._table.name} AS old WHERE new.{self._table.key} = $1"
            f" AND old.{self._table.key} = $1 RETURNING old.waits_for",
            *(work_id, what_for),
        )
        if waited_for != what_for:
            self._log.warning("it waits: %s", what_for, extra={self._table.key: work_id})

    async def _fail(self, connection: asyncpg.Connection, work_id: UUID, error: Exception) -> None:
        expected = isinstance(error, EscoltaError)
        why = str(error) if expected else f"{type(error).__name__}: {error}"
        extra = {self._table.key: work_id}
        self._log.error("given up: %s", why, exc_info=None if expected else error, extra=extra)
        await connection.execute(
            f"UPDATE {self._table.name} SET status = 'failed', failure = $2, stage = NULL, waits_for = NULL"
            f" WHERE {self._table.key} = $1",
            *(work_id, why),
        )
        self._failed(work_id)

    async def _forget_attempt(self, work_id: UUID) -> None:
        """This attempt ended for a reason that has nothing to do with the work.

        Where the catalog is still away it stays counted: what ended the attempt is to be told, and not this.
        """
        with suppress(OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
            await self._pool().execute(
                f"UPDATE {self._table.name} SET attempts = attempts - 1 WHERE {self._table.key} = $1", work_id
            )


@asynccontextmanager
async def alone(pool: asyncpg.Pool, lock: int) -> AsyncIterator[asyncpg.Connection]:
    """A connection that holds the advisory lock; PostgreSQL releases it if we are killed.

    Raises `Busy` where somebody else of the deployment holds it.
    """
    async with pool.acquire() as connection:
        try:
            if not await connection.fetchval("SELECT pg_try_advisory_lock($1)", lock):
                raise Busy("another process is at it; this starts when it is done")
            yield connection
        finally:
            await _let_go(connection)


async def _let_go(connection: asyncpg.Connection) -> None:
    """Release the lock, also one of which nobody has read that it was given; else the pool would keep it."""
    try:
        await connection.execute("SELECT pg_advisory_unlock_all()")
    except BaseException:
        connection.terminate()
        raise


def was_cut_off(error: Exception) -> bool:
    """Whether the database went away in mid-work.

    Unlike `is_transient`, not that it took too long or had no room: that may be so at every attempt.
    """
    if isinstance(error, asyncpg.InterfaceError):  # a closed connection, and slips of ours
        return is_transient(error)
    return isinstance(
        error,
        ConnectionError
        | asyncpg.PostgresConnectionError
        | asyncpg.AdminShutdownError
        | asyncpg.CrashShutdownError
        | asyncpg.CannotConnectNowError,
    )


def _stop_if(canceled: bool | None) -> None:
    if canceled:
        raise Rejected("it was canceled")
