"""Brings the catalog's schema up to date, beside services that are at work.

A migration asks for its locks only briefly, and tries again later: whoever waits for a lock on a table keeps
all who come after from that table, and cataloging would stand still behind a long reading.
"""

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from functools import partial
from typing import TypeVar

import asyncpg

from escolta.catalog.indexes import CONCURRENTLY, make_index
from escolta.catalog.schema import Migration, shipped
from escolta.errors import Misconfigured, Transient

MIGRATION_LOCK = 0x657363_6F6C7461  # "escolta": one process migrates, the others wait for it
LOCK_TIMEOUT_MS = 250
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.5, 15.0
PATIENCE_S = 1800.0
"""How long one migration is tried again before it is given up."""
POLL_S = 0.5

Say = Callable[[str], None]
Then = Callable[[asyncpg.Connection], Awaitable[None]]
Done = TypeVar("Done")


def _silent(_: str) -> None:
    pass


async def migrate(
    dsn: str, migrations: Sequence[Migration] | None = None, *, say: Say = _silent, then: Then | None = None
) -> None:
    """Apply those of `migrations`, by default of all that are shipped, that the catalog lacks, in order.

    Each once; several processes at once are no harm. `say` hears what goes on, a line each. `then` is what
    else has to be done with the same connection while nobody else migrates.

    Raises `Misconfigured` where the user of `dsn` may not do it, `Transient` where others held what a
    migration changes for half an hour.
    """
    connection = await asyncpg.connect(dsn)
    try:
        async with alone(connection, say):
            await _apply_missing(connection, shipped() if migrations is None else migrations, say)
            if then:
                await then(connection)
    except asyncpg.InsufficientPrivilegeError as error:
        raise Misconfigured(
            f"ESCOLTA_CATALOG_URL: the user may not make or change the catalog's tables or accounts ({error})"
            ": run `escolta migrate` as the owner of the database, who may make roles"
        ) from None
    finally:
        await connection.close()


@asynccontextmanager
async def alone(connection: asyncpg.Connection, say: Say) -> AsyncIterator[None]:
    """Nobody else migrates meanwhile. Who waits asks again and again: a statement that waited for the lock
    would be one that CREATE INDEX CONCURRENTLY waits for, in a circle."""
    has_said_so = False
    while not await connection.fetchval("SELECT pg_try_advisory_lock($1)", MIGRATION_LOCK):
        if not has_said_so:
            say("somebody else migrates the catalog: waiting for them")
            has_said_so = True
        await asyncio.sleep(POLL_S)
    try:
        await connection.execute(f"SET lock_timeout = {LOCK_TIMEOUT_MS}")
        yield
    finally:
        if not connection.is_closed():
            await connection.execute("SELECT pg_advisory_unlock($1)", MIGRATION_LOCK)


async def _apply_missing(connection: asyncpg.Connection, migrations: Sequence[Migration], say: Say) -> None:
    # IF NOT EXISTS would want the right to make tables where there is nothing to make.
    if await connection.fetchval("SELECT to_regclass('public.escolta_migrations') IS NULL"):
        await connection.execute(
            "CREATE TABLE public.escolta_migrations ("
            "name text PRIMARY KEY, applied_at timestamptz NOT NULL DEFAULT now(), contracts_since text)"
        )
    applied = {row["name"] for row in await connection.fetch("SELECT name FROM public.escolta_migrations")}
    missing = [migration for migration in migrations if migration.name not in applied]
    if missing and applied:
        add = "ALTER TABLE public.escolta_migrations ADD COLUMN IF NOT EXISTS contracts_since text"
        await again_and_again("the list of migrations", partial(connection.execute, add), say)
    for migration in missing:
        say(migration.name)
        await _apply(connection, migration, say)
    say(f"the schema is up to date: {len(missing)} of {len(migrations)} migrations were new")


async def _apply(connection: asyncpg.Connection, migration: Migration, say: Say) -> None:
    async def as_a_whole() -> None:
        async with connection.transaction():
            await connection.execute(migration.sql)
            await _record(connection, migration)

    if migration.says("one by one"):
        for statement in migration.statements:
            work = (
                partial(make_index, connection, statement, say)
                if CONCURRENTLY.match(statement)
                else partial(connection.execute, statement)
            )
            await again_and_again(migration.name, work, say)
        await _record(connection, migration)
    elif migration.says("in batches"):
        await _in_batches(connection, migration, say)
        await _record(connection, migration)
    else:
        await again_and_again(migration.name, as_a_whole, say)


async def _in_batches(connection: asyncpg.Connection, migration: Migration, say: Say) -> None:
    [statement] = migration.statements
    rows, told_rows = 0, 0
    while done := await again_and_again(migration.name, partial(_changed, connection, statement), say):
        rows += done
        if rows >= told_rows + 100_000:
            say(f"{migration.name}: {rows:,} rows")
            told_rows = rows


async def _changed(connection: asyncpg.Connection, statement: str) -> int:
    return int((await connection.execute(statement)).rpartition(" ")[2])


async def _record(connection: asyncpg.Connection, migration: Migration) -> None:
    await connection.execute(
        "INSERT INTO public.escolta_migrations (name, contracts_since) VALUES ($1, $2)",
        migration.name,
        migration.contracts_since,
    )


async def again_and_again(what: str, work: Callable[[], Awaitable[Done]], say: Say) -> Done:
    """Do `work` until nobody else is at it. Raises `Transient` when patience ends."""
    pause_s, waited_s = FIRST_PAUSE_S, 0.0
    while True:
        try:
            return await work()
        except (
            asyncpg.LockNotAvailableError,
            asyncpg.DeadlockDetectedError,
            asyncpg.InternalServerError,
        ) as error:
            # Two who change the rights or the definition of a thing at once: the later one has to come again.
            if isinstance(error, asyncpg.InternalServerError) and "concurrently" not in str(error):
                raise
            if waited_s > PATIENCE_S:
                raise Transient(
                    f"{what}: others have held what it changes for {waited_s / 60:.0f} minutes ({error}): "
                    "run it again when less goes on"
                ) from error
        say(f"{what}: others are at work on its tables; again in {pause_s:.1f} s")
        await asyncio.sleep(pause_s * random.uniform(0.5, 1.0))
        waited_s, pause_s = waited_s + pause_s, min(2 * pause_s, LONGEST_PAUSE_S)
