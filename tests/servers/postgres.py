"""Databases for the tests: a migrated template is made once, and copied for every test.

Services sign in to it with accounts of their own, as they do where they are deployed.
"""

import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import quote, urlsplit

import asyncpg

from escolta.catalog.embedded import ROLE, EmbeddedPostgres

PASSWORDS = {
    service: f"the password of {service} in tests"
    for service in ("ingest", "embedder", "al-engine", "label-gateway", "backup")
}
WHO = f"local all {ROLE} peer map={ROLE}\nlocal all,replication all scram-sha-256\n"
"""pg_hba.conf: the owner is known by the kernel, everybody else by a password."""
CARELESS = ("fsync", "synchronous_commit", "full_page_writes")


@asynccontextmanager
async def private_postgres(folder: Path) -> AsyncIterator[str]:
    """The URL of a private server, made faster by what only a power cut would punish."""
    server = EmbeddedPostgres(folder)
    async with server as url:
        (server.data / "pg_hba.conf").write_text(WHO, "utf-8")
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


def account(url: str, service: str) -> str:
    """The URL of the same database for a service, which signs in as itself; embedded, nobody signs in."""
    if url.startswith("embedded://"):
        return url
    parts = urlsplit(url)
    user = f"escolta_{service.replace('-', '_')}:{quote(PASSWORDS[service])}"
    return parts._replace(netloc=f"{user}@{parts.netloc.rpartition('@')[2]}").geturl()


def name_of(url: str) -> str:
    """The name of the database in a URL."""
    return urlsplit(url).path[1:]


async def _execute(server: str, statement: str) -> None:
    connection = await asyncpg.connect(server)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()
