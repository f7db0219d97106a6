"""The catalog's server, as a backup sees it: where it is, and which it is."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import asyncpg

from escolta.catalog import checked
from escolta.catalog.embedded import EmbeddedPostgres, address_in_use
from escolta.errors import Misconfigured, Transient
from escolta.settings import Settings
from escolta.url import scheme_of


@dataclass(frozen=True)
class Server:
    """What is the same as long as it is the same catalog, and the server's time."""

    major: int
    system: str
    database: str
    owner: str
    segment_bytes: int
    now: datetime


def embedded_folder(settings: Settings) -> Path | None:
    """The folder of an embedded catalog; None where the catalog is a server's."""
    kind, rest = scheme_of(settings.catalog_url), settings.catalog_url.partition("://")[2]
    return Path(rest).absolute() if kind == "embedded" and rest else None


def address(settings: Settings) -> str | None:
    """The DSN of the catalog; None for an embedded one that nobody has started."""
    folder = embedded_folder(settings)
    return address_in_use(folder) if folder else checked(settings.catalog_url)


@asynccontextmanager
async def started(settings: Settings) -> AsyncIterator[str]:
    """The DSN of the catalog, which is started for the length of the block where nobody uses it."""
    if dsn := address(settings):
        yield dsn
        return
    folder = embedded_folder(settings)
    if folder is None or not (folder / "data").exists():
        raise Misconfigured(f"There is no catalog in {folder}: set ESCOLTA_CATALOG_URL, or say --state-dir")
    async with EmbeddedPostgres(folder, cache=settings.cache) as dsn:
        yield dsn


@asynccontextmanager
async def connected(dsn: str) -> AsyncIterator[asyncpg.Connection]:
    """A connection to the catalog, for the length of the block."""
    connection = await asyncpg.connect(dsn, timeout=30)
    try:
        yield connection
    finally:
        await connection.close()


async def look_at(dsn: str) -> Server:
    """Which server it is. Raises `Transient` where it does not answer, `Misconfigured` if it refuses us."""
    try:
        connection = await asyncpg.connect(dsn, timeout=10)
    except (asyncpg.InvalidPasswordError, asyncpg.InvalidAuthorizationSpecificationError) as error:
        raise Misconfigured(f"ESCOLTA_CATALOG_URL: the server refuses the user: {error}") from None
    except (OSError, TimeoutError, asyncpg.PostgresError) as error:
        raise Transient(f"The catalog does not answer: {error}") from error
    try:
        row = await connection.fetchrow(
            "SELECT current_setting('server_version_num')::integer / 10000 AS major,"
            " (SELECT system_identifier::text FROM pg_control_system()) AS system,"
            " current_database() AS database,"
            " (SELECT rolname FROM pg_roles WHERE oid = 10) AS owner,"
            " pg_size_bytes(current_setting('wal_segment_size')) AS segment_bytes,"
            " clock_timestamp() AS now"
        )
    finally:
        await connection.close()
    return Server(**row)
