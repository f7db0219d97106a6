"""The pool of connections to the catalog: what is asked is what a caller asks, and nothing stays behind."""

import re
from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import pytest

from escolta.catalog import open_catalog

ROOT = Path(__file__).parents[3]
OF_A_SESSION = re.compile(
    r"\bpg_(try_)?advisory_lock\b|\bSET (?!LOCAL\b)(SESSION )?\w+ (=|TO)\b|\bLISTEN \w|\bTEMP(ORARY)? TABLE\b"
)
"""What a session would keep after its transaction."""
LETS_GO = {"libs/common/escolta/work.py", "libs/common/escolta/catalog/migrating.py"}


@pytest.fixture
async def pool(catalog_url: str) -> AsyncIterator[asyncpg.Pool]:
    async with open_catalog(catalog_url, connections=1) as pool:
        yield pool


async def last_asked(pool: asyncpg.Pool, catalog_url: str) -> str:
    """The last that the server was asked over the pool's one connection, by its own account."""
    pid = await pool.fetchval("SELECT pg_backend_pid()")
    onlooker = await asyncpg.connect(catalog_url)
    try:
        return await onlooker.fetchval("SELECT query FROM pg_stat_activity WHERE pid = $1", pid)
    finally:
        await onlooker.close()


async def test_the_server_is_asked_what_the_caller_asks_and_no_more(pool, catalog_url):
    assert await last_asked(pool, catalog_url) == "SELECT pg_backend_pid()"


async def test_a_transaction_that_was_left_is_undone_before_somebody_else_has_its_connection(pool):
    async def leave() -> None:
        async with pool.acquire() as connection, connection.transaction():
            await connection.execute("SET LOCAL lock_timeout = '7s'")
            await connection.execute("INSERT INTO audio.projects (name) VALUES ('left')")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await leave()
    assert await pool.fetchval("SHOW lock_timeout") == "0"
    assert await pool.fetchval("SELECT count(*) FROM audio.projects") == 0


async def test_what_is_to_be_done_for_no_row_holds_no_table(pool, catalog_url):
    pid = await pool.fetchval("SELECT pg_backend_pid()")
    await pool.executemany("INSERT INTO audio.projects (name) VALUES ($1)", [])
    onlooker = await asyncpg.connect(catalog_url)
    held = await onlooker.fetch(
        "SELECT mode FROM pg_locks WHERE relation = 'audio.projects'::regclass AND pid = $1", pid
    )
    await onlooker.close()
    assert held == []


def test_nothing_of_ours_stays_with_a_session():
    found = {
        str(path.relative_to(ROOT))
        for folder in ("libs", "services")
        for path in (ROOT / folder).rglob("*.py")
        if OF_A_SESSION.search(path.read_text("utf-8"))
    }
    assert found == LETS_GO
