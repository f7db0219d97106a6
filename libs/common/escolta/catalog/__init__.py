"""The catalog: always PostgreSQL. `open_catalog` gives an asyncpg pool over a schema that this program knows.

`embedded://folder` starts a private PostgreSQL whose data lie in the folder (escolta.catalog.embedded), and
brings its schema up to date; `postgresql://…` connects to a server, whose schema is `escolta migrate`'s.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

import asyncpg

from escolta.catalog.accounts import grant
from escolta.catalog.binaries import ROOTS_CACHE
from escolta.catalog.connection import Connection
from escolta.catalog.migrating import migrate
from escolta.catalog.schema import shipped, unmet
from escolta.errors import Misconfigured, Transient
from escolta.url import scheme_of, split_url

__all__ = ["checked", "migrate", "migrate_server", "open_catalog", "why_unusable"]

SCHEMA_POLL_S = 2.0
Waits = Callable[[str], AbstractAsyncContextManager[None]]


@asynccontextmanager
async def open_catalog(
    url: str,
    *,
    cache: Path = ROOTS_CACHE,
    connections: int = 8,
    wait_s: float = 60.0,
    join: bool = False,
    waits: Waits | None = None,
) -> AsyncIterator[asyncpg.Pool]:
    """A pool over the catalog that `url` names; a server that is still starting is waited for.

    `cache` is where an embedded server that root starts keeps a copy of its programs. `join`: where another
    process of this user has started the embedded server, use it, as long as that process lives. `waits(why)`
    is entered while the schema of a server is not yet as this program needs it.

    Raises `Misconfigured` for a URL of another kind, a refused password, no server within `wait_s`, or,
    without `waits`, a schema that `escolta migrate` has yet to change.
    """
    scheme, rest = scheme_of(url), url.partition("://")[2]
    if scheme == "embedded" and rest:
        from escolta.catalog.embedded import EmbeddedPostgres, address_in_use

        if join and (dsn := address_in_use(Path(rest))):
            await migrate(dsn)
            async with _pool(dsn, connections) as pool:
                yield pool
            return
        async with EmbeddedPostgres(Path(rest), cache=cache) as dsn:
            await migrate(dsn)
            async with _pool(dsn, connections) as pool:
                yield pool
    elif scheme in ("postgresql", "postgres"):
        await _usable(checked(url), wait_s, waits)
        async with _pool(url, connections) as pool:
            yield pool
    else:
        raise Misconfigured(
            f"ESCOLTA_CATALOG_URL begins with {scheme!r}: use embedded://<folder> or postgresql://…"
        )


def checked(url: str) -> str:
    """`url` itself, of a server. Raises `Misconfigured`, without the URL, where it is no address."""
    split_url(url, "ESCOLTA_CATALOG_URL", "postgresql://user:password@host:port/database")
    return url


async def migrate_server(url: str, passwords: Mapping[str, str], say: Callable[[str], None]) -> None:
    """Bring the server at `url` up to date: schema, accounts, rights. One that still starts is waited for.

    `passwords`, by service, are what these sign in with from now on. Raises `Misconfigured`, also for an
    embedded catalog, which is brought up to date where it is started.
    """
    if scheme_of(url) not in ("postgresql", "postgres"):
        raise Misconfigured(
            "ESCOLTA_CATALOG_URL names no server (postgresql://…), and an embedded catalog needs no migrating"
        )
    await _wait_for_server(checked(url), 60.0)
    await migrate(url, say=say, then=partial(grant, passwords=passwords, say=say))


async def why_unusable(dsn: str) -> str:
    """Why this program cannot use the schema before somebody runs `escolta migrate`; empty where it can."""
    connection = await asyncpg.connect(dsn, timeout=10)
    try:
        return await unmet(connection, shipped())
    finally:
        await connection.close()


async def _usable(dsn: str, wait_s: float, waits: Waits | None) -> None:
    await _wait_for_server(dsn, wait_s)
    why = await why_unusable(dsn)
    if not why:
        return
    if waits is None:
        raise Misconfigured(f"ESCOLTA_CATALOG_URL: {why}: run `escolta migrate`")
    async with waits(why):
        while why:
            await asyncio.sleep(SCHEMA_POLL_S)
            await _wait_for_server(dsn, wait_s)
            why = await why_unusable(dsn)


@asynccontextmanager
async def _pool(dsn: str, connections: int) -> AsyncIterator[asyncpg.Pool]:
    async with asyncpg.create_pool(
        dsn,
        min_size=1,
        max_size=connections,
        connect=_connect,
        connection_class=Connection,
        init=_set_up_connection,
        reset=_as_it_is,
        command_timeout=300,
    ) as pool:
        yield pool


async def _connect(*where: Any, **how: Any) -> asyncpg.Connection:
    """A connection for the pool; a server whose socket in the file system is gone is away like any other."""
    try:
        return await asyncpg.connect(*where, **how)
    except FileNotFoundError as error:
        raise Transient(f"The catalog does not answer: {error}") from error


async def _wait_for_server(dsn: str, wait_s: float) -> None:
    """Return when the server takes connections; a server beside us may need longer to start than we."""
    deadline = asyncio.get_running_loop().time() + wait_s
    while True:
        try:
            await (await asyncpg.connect(dsn, timeout=10)).close()
            return
        except (
            OSError,
            TimeoutError,
            asyncpg.CannotConnectNowError,
            asyncpg.TooManyConnectionsError,
        ) as error:
            if asyncio.get_running_loop().time() > deadline:
                raise Misconfigured(
                    f"ESCOLTA_CATALOG_URL: no PostgreSQL answered within {wait_s:.0f} s ({error})"
                ) from error
            await asyncio.sleep(0.5)
        except (asyncpg.InvalidPasswordError, asyncpg.InvalidAuthorizationSpecificationError) as error:
            raise Misconfigured(f"ESCOLTA_CATALOG_URL: the server refuses the user: {error}") from None
        except asyncpg.InvalidCatalogNameError as error:
            raise Misconfigured(f"ESCOLTA_CATALOG_URL: {error}: make it, or correct the name") from None
        except (asyncpg.PostgresError, asyncpg.ClientConfigurationError) as error:
            raise Misconfigured(f"ESCOLTA_CATALOG_URL: {error}") from None
        except ValueError:  # its message quotes what it cannot read
            raise Misconfigured(
                "ESCOLTA_CATALOG_URL has a parameter that cannot be read, such as a port that is no number"
            ) from None


async def _set_up_connection(connection: asyncpg.Connection) -> None:
    await connection.set_type_codec("jsonb", encoder=json.dumps, decoder=json.loads, schema="pg_catalog")


async def _as_it_is(connection: asyncpg.Connection) -> None:
    """What a connection needs when it comes back to the pool, its transaction ended: nothing.

    asyncpg would have the server forget each time what a session may hold: half of all that a request asks.
    Nothing of ours is the session's: settings are of a transaction (`SET LOCAL`), and `escolta.work` lets
    go of its lock or of the connection.
    """
