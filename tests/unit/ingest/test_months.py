"""The catalog's months come one by one, beside everything else that goes on."""

import asyncio
from datetime import UTC, datetime
from uuid import uuid4

import asyncpg
import pytest

from escolta.catalog import open_catalog
from ingest import store

MAY, JUNE = datetime(2024, 5, 31, 23, 59, tzinfo=UTC), datetime(2024, 6, 1, tzinfo=UTC)


@pytest.fixture
async def catalog(catalog_url):
    async with open_catalog(catalog_url) as pool:
        await pool.execute("INSERT INTO audio.models VALUES ('placeholder-1', 'placeholder', 1, '{}')")
        await store.ensure_month(pool, MAY)
        yield pool


async def embed(catalog: asyncpg.Pool | asyncpg.Connection, start: datetime) -> None:
    await catalog.execute(
        "INSERT INTO audio.embeddings (audio_id, start_utc, model_id, vector, top_classes, top_probabilities)"
        " VALUES ($1, $2, 'placeholder-1', '\\x0000', '{}', '{}')",
        uuid4(),
        start,
    )


async def months(catalog: asyncpg.Pool) -> set[str]:
    """The partitions that have an embedding."""
    rows = await catalog.fetch("SELECT tableoid::regclass::text AS month FROM audio.embeddings")
    return {row["month"] for row in rows}


async def test_a_month_begins_at_midnight_utc(catalog):
    await store.ensure_month(catalog, JUNE)
    await embed(catalog, MAY)
    await embed(catalog, JUNE)
    assert await months(catalog) == {"audio.embeddings_2024_05", "audio.embeddings_2024_06"}


async def test_a_month_waits_for_nobody_who_reads_and_writes_another(catalog):
    async with catalog.acquire() as embedder, embedder.transaction():
        await embed(embedder, MAY)
        await embedder.fetch("SELECT * FROM audio.audios")
        async with asyncio.timeout(240):
            await store.ensure_month(catalog, JUNE)
            await embed(catalog, JUNE)


async def test_a_month_that_is_there_is_left_alone(catalog):
    await embed(catalog, MAY)
    await asyncio.gather(*(store.ensure_month(catalog, moment) for moment in (MAY, JUNE, MAY, JUNE)))
    assert await months(catalog) == {"audio.embeddings_2024_05"}


async def test_a_new_month_has_the_tables_keys_indexes_and_checks(catalog):
    async def of(table: str) -> tuple[list[str], list[str]]:
        constraints = await catalog.fetch(
            "SELECT pg_get_constraintdef(oid) AS it FROM pg_constraint WHERE conrelid = $1::regclass"
            " ORDER BY 1",
            table,
        )
        indexes = await catalog.fetch("SELECT indexdef FROM pg_indexes WHERE tablename = $1", table[6:])
        return [row["it"] for row in constraints], sorted(row["indexdef"].split("(")[1] for row in indexes)

    for table in ("audio.audios", "audio.embeddings"):
        assert await of(f"{table}_2024_05") == await of(table)
