"""The schema is changed by `escolta migrate` alone, beside services that go on with their work."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from uuid import uuid4

import asyncpg
import pytest

from escolta.catalog import migrate, migrating, open_catalog
from escolta.catalog.schema import Migration, shipped
from escolta.errors import Transient
from servers.postgres import database

PATIENCE_S = 240
MAY, JUNE = datetime(2024, 5, 1, tzinfo=UTC), datetime(2024, 6, 1, tzinfo=UTC)
ADDS = Migration("9001_adds.sql", "ALTER TABLE audio.audios ADD COLUMN loudness_db real;")
INDEX = Migration(
    "9002_index.sql",
    "-- escolta: one by one\nCREATE INDEX CONCURRENTLY audios_by_name ON audio.audios (file_name);",
)


@pytest.fixture(autouse=True)
def _quickly(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(migrating, "LOCK_TIMEOUT_MS", 50)
    monkeypatch.setattr(migrating, "LONGEST_PAUSE_S", 0.5)
    monkeypatch.setattr(migrating, "POLL_S", 0.05)


@pytest.fixture
async def empty_url(postgres_url: str) -> AsyncIterator[str]:
    """A database without any table."""
    async with database(postgres_url) as url:
        yield url


@pytest.fixture
async def house(catalog_url: str) -> AsyncIterator[asyncpg.Pool]:
    """A catalog with one node and two months, each with an audio."""
    async with open_catalog(catalog_url) as pool:
        await pool.execute("""
            INSERT INTO audio.projects (name) VALUES ('harbor');
            INSERT INTO audio.sources (name) VALUES ('test');
            INSERT INTO audio.node_types (name) VALUES ('test');
            INSERT INTO audio.nodes (name, project_id, source_id, node_type_id) VALUES ('quay-1', 1, 1, 1);
            INSERT INTO audio.paths (path) VALUES ('audio/');
        """)
        for month in (MAY, JUNE):
            await pool.execute("SELECT audio.ensure_month($1)", month)
            await add_audio(pool, month)
        yield pool


async def add_audio(db: asyncpg.Pool | asyncpg.Connection, start: datetime) -> None:
    await db.execute(
        "INSERT INTO audio.audios (audio_id, start_utc, node_id, path_id, object_name, file_name, rate_hz,"
        " bits_per_sample, samples, duration_s, channels, sha256, clock_state)"
        " VALUES ($1, $2, 1, 1, 'a', 'a', 16000, 16, 160000, 10, 1, $3, 'unknown')",
        uuid4(),
        start,
        bytes(32),
    )


class Screen:
    """What `escolta migrate` says."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def say(self, line: str) -> None:
        self.lines.append(line)

    async def until(self, words: str) -> None:
        async with asyncio.timeout(PATIENCE_S):
            while not any(words in line for line in self.lines):
                await asyncio.sleep(0.01)


@asynccontextmanager
async def under_way(url: str, *migrations: Migration) -> AsyncIterator[tuple[Screen, asyncio.Task[None]]]:
    """`escolta migrate`, with these beyond those that are shipped."""
    screen = Screen()
    task = asyncio.create_task(migrate(url, [*shipped(), *migrations], say=screen.say))
    try:
        yield screen, task
        async with asyncio.timeout(PATIENCE_S):
            await task
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def applied(url: str) -> list[str]:
    connection = await asyncpg.connect(url)
    try:
        return [
            row["name"]
            for row in await connection.fetch("SELECT name FROM public.escolta_migrations ORDER BY name")
        ]
    finally:
        await connection.close()


async def test_two_at_once_apply_each_migration_once(empty_url):
    screens = [Screen(), Screen()]
    await asyncio.gather(*(migrate(empty_url, say=screen.say) for screen in screens))
    said = [line for screen in screens for line in screen.lines]
    names = [migration.name for migration in shipped()]
    assert sorted(line for line in said if line in names) == names
    assert await applied(empty_url) == names


async def test_a_migration_that_fails_leaves_nothing_of_itself(catalog_url):
    half = Migration("9009_half.sql", "CREATE TABLE audio.half (); SELECT 1 / 0;")
    with pytest.raises(asyncpg.DivisionByZeroError):
        await migrate(catalog_url, [*shipped(), half])
    connection = await asyncpg.connect(catalog_url)
    assert await connection.fetchval("SELECT to_regclass('audio.half')") is None
    await connection.close()
    assert half.name not in await applied(catalog_url)


async def test_cataloging_goes_on_while_a_migration_waits_for_a_long_reading(house, catalog_url):
    async with house.acquire() as reader, reader.transaction():
        await reader.fetch("SELECT * FROM audio.audios")
        async with under_way(catalog_url, ADDS) as (screen, task):
            await screen.until("9001_adds.sql: others are at work")
            async with asyncio.timeout(PATIENCE_S):
                await add_audio(house, MAY)
            assert not task.done()
            await reader.execute("ROLLBACK; BEGIN")
    assert ADDS.name in await applied(catalog_url)


async def test_who_is_never_let_through_says_so_at_last(house, catalog_url, monkeypatch):
    monkeypatch.setattr(migrating, "PATIENCE_S", 0.1)
    async with house.acquire() as reader, reader.transaction():
        await reader.fetch("SELECT * FROM audio.audios")
        with pytest.raises(Transient, match=r"9001_adds.sql: others have held what it changes"):
            await migrate(catalog_url, [*shipped(), ADDS])


async def indexes_of(pool: asyncpg.Pool, name: str) -> tuple[bool, int]:
    """Whether the index of the whole table is valid, and of how many parts it consists."""
    valid = await pool.fetchval("SELECT indisvalid FROM pg_index WHERE indexrelid = $1::regclass", name)
    parts = await pool.fetchval("SELECT count(*) FROM pg_inherits WHERE inhparent = $1::regclass", name)
    return valid, parts


async def test_an_index_is_made_of_every_month_while_others_write(house, catalog_url):
    async with house.acquire() as reader, reader.transaction(isolation="repeatable_read"):
        await reader.fetch("SELECT * FROM audio.audios")
        async with under_way(catalog_url, INDEX) as (screen, task):
            await screen.until("audios_2024_05, 1 of 2")
            await add_audio(house, MAY)
            assert not task.done()
            await reader.execute("COMMIT; BEGIN")
    assert await indexes_of(house, "audio.audios_by_name") == (True, 2)
    await house.execute("SELECT audio.ensure_month('2024-07-01Z'::timestamptz)")
    assert await indexes_of(house, "audio.audios_by_name") == (True, 3)


async def test_an_index_that_was_interrupted_is_made_whole_later(house, catalog_url):
    async with house.acquire() as reader, reader.transaction(isolation="repeatable_read"):
        await reader.fetch("SELECT * FROM audio.paths")
        screen = Screen()
        task = asyncio.create_task(migrate(catalog_url, [*shipped(), INDEX], say=screen.say))
        await screen.until("audios_2024_05, 1 of 2")
        async with asyncio.timeout(PATIENCE_S):
            while not await house.fetchval("SELECT to_regclass('audio.audios_2024_05_audios_by_name')"):
                await asyncio.sleep(0.01)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    assert not (await indexes_of(house, "audio.audios_by_name"))[0]
    await migrate(catalog_url, [*shipped(), INDEX])
    assert await indexes_of(house, "audio.audios_by_name") == (True, 2)


async def test_long_work_is_done_in_batches_to_its_end(house, catalog_url):
    for _ in range(6):
        await add_audio(house, MAY)
    batches = Migration(
        "9003_names.sql",
        "-- escolta: in batches\n"
        "UPDATE audio.audios SET file_name = 'b' WHERE (audio_id, start_utc) IN ("
        "SELECT audio_id, start_utc FROM audio.audios WHERE file_name = 'a' LIMIT 3);",
    )
    before = await house.fetchval("SELECT pg_current_xact_id()::text::bigint")
    await migrate(catalog_url, [*shipped(), batches])
    assert await house.fetchval("SELECT count(*) FROM audio.audios WHERE file_name = 'a'") == 0
    wrote = await house.fetchval(
        "SELECT count(DISTINCT xmin::text) FROM audio.audios WHERE xmin::text::bigint >= $1", before
    )
    assert wrote == 3  # eight audios, three at most in a transaction
