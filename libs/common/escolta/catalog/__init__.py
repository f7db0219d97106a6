"""The catalog: always PostgreSQL. `open_catalog` gives an asyncpg pool over an up-to-date schema.

`embedded://folder` starts a private PostgreSQL whose data lie in the folder (escolta.catalog.embedded);
`postgresql://…` connects to a server.
"""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.resources import files
from pathlib import Path
from typing import Any

import asyncpg

from escolta.catalog.binaries import ROOTS_CACHE
from escolta.errors import Misconfigured, Transient
from escolta.url import scheme_of, split_url

MIGRATION_LOCK = 0x657363_6F6C7461  # "escolta": one process migrates, the others wait for it


@asynccontextmanager
async def open_catalog(
    url: str, *, cache: Path = ROOTS_CACHE, connections: int = 8, wait_s: float = 60.0, join: bool = False
) -> AsyncIterator[asyncpg.Pool]:
    """A pool over the migrated catalog that `url` names; a server that is still starting is waited for.

    `cache` is where an embedded server that root starts keeps a copy of its programs. `join`: where another
    process of this user has started the embedded server, use it, as long as that process lives.

    Raises `Misconfigured` for a URL of another kind, a refused password, or no server within `wait_s`.
    """
    scheme, rest = scheme_of(url), url.partition("://")[2]
    if scheme == "embedded" and rest:
        from escolta.catalog.embedded import EmbeddedPostgres, address_in_use

        if join and (dsn := address_in_use(Path(rest))):
            async with _pool(dsn, connections, wait_s) as pool:
                yield pool
            return
        async with EmbeddedPostgres(Path(rest), cache=cache) as dsn, _pool(dsn, connections, wait_s) as pool:
            yield pool
    elif scheme in ("postgresql", "postgres"):
        async with _pool(checked(url), connections, wait_s) as pool:
            yield pool
    else:
        raise Misconfigured(
            f"ESCOLTA_CATALOG_URL begins with {scheme!r}: use embedded://<folder> or postgresql://…"
        )


def checked(url: str) -> str:
    """`url` itself, of a server. Raises `Misconfigured`, without the URL, where it is no address."""
    split_url(url, "ESCOLTA_CATALOG_URL", "postgresql://user:password@host:port/database")
    return url


@asynccontextmanager
async def _pool(dsn: str, connections: int, wait_s: float) -> AsyncIterator[asyncpg.Pool]:
    await _wait_for_server(dsn, wait_s)
    await migrate(dsn)
    async with asyncpg.create_pool(
        dsn, min_size=1, max_size=connections, connect=_connect, init=_set_up_connection, command_timeout=300
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


async def migrate(dsn: str) -> None:
    """Bring the schema up to date: each numbered file once, in order, a transaction each.

    Several processes may start at once: the first migrates, the others wait and find nothing to do.
    """
    connection = await asyncpg.connect(dsn)
    try:
        await connection.execute("SELECT pg_advisory_lock($1)", MIGRATION_LOCK)
        # IF NOT EXISTS would want the right to make tables where there is nothing to make.
        if await connection.fetchval("SELECT to_regclass('public.escolta_migrations') IS NULL"):
            await connection.execute(
                "CREATE TABLE public.escolta_migrations ("
                "name text PRIMARY KEY, applied_at timestamptz NOT NULL DEFAULT now())"
            )
        applied = {
            row["name"] for row in await connection.fetch("SELECT name FROM public.escolta_migrations")
        }
        for name, sql in _migrations():
            if name not in applied:
                async with connection.transaction():
                    await connection.execute(sql)
                    await connection.execute("INSERT INTO public.escolta_migrations (name) VALUES ($1)", name)
    except asyncpg.InsufficientPrivilegeError as error:
        raise Misconfigured(
            f"ESCOLTA_CATALOG_URL: the user may not make or change the catalog's tables ({error}): "
            "let a start as their owner do it once"
        ) from None
    finally:
        await connection.close()


def _migrations() -> list[tuple[str, str]]:
    folder = files("escolta.catalog") / "migrations"
    found = [entry for entry in folder.iterdir() if entry.name.endswith(".sql")]
    return [(entry.name, entry.read_text("utf-8")) for entry in sorted(found, key=lambda entry: entry.name)]
