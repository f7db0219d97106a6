"""Databases for the tests: a migrated template is made once, and copied for every test."""

import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import urlsplit

import asyncpg

from escolta.catalog.embedded import EmbeddedPostgres

CARELESS = ("fsync", "synchronous_commit", "full_page_writes")


@asynccontextmanager
async def private_postgres(folder: Path) -> AsyncIterator[str]:
    """The URL of a private server, made faster by what only a power cut would punish."""
    async with EmbeddedPostgres(folder) as url:
        connection = await asyncpg.connect(url)
        for setting in CARELESS:
            await connection.execute(f"ALTER SYSTEM SET {setting} = off")
        await connection.execute("SELECT pg_reload_conf()")
        await connection.close()
        yield url


@asynccontextmanager
async def database(server: str, template: str = "template0") -> AsyncIterator[str]:
    """The URL of a new database on `server`, a copy of the database `template`; it is dropped afterwards."""
    name = f"test_{uuid.uuid4().hex[:8]}"
    await _execute(server, f"CREATE DATABASE {name} TEMPLATE {template}")
    try:
        yield urlsplit(server)._replace(path=f"/{name}").geturl()
    finally:
        await _execute(server, f"DROP DATABASE {name} WITH (FORCE)")


def name_of(url: str) -> str:
    """The name of the database in a URL."""
    return urlsplit(url).path[1:]


async def _execute(server: str, statement: str) -> None:
    connection = await asyncpg.connect(server)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()
