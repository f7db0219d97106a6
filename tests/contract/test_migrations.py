"""Every migration runs while services of the version before are at work, so it may not stand in their way.

PostgreSQL counts what a migration reads, writes and locks of a large table; nothing is timed.
"""

import asyncpg
import pytest
from contract.footprint import FILL, faults

from escolta.catalog import migrate
from escolta.catalog.schema import Migration, shipped
from servers.postgres import database, name_of

BASE = 18
"""Those up to here are older than the rule: no installation of before has them to come."""
LATER = [migration for migration in shipped() if int(migration.name[:4]) > BASE]


def named(sql: str) -> Migration:
    return Migration("9001_planted.sql", sql)


@pytest.fixture
async def filled(postgres_url: str):
    """The URL of a catalog of the base, with some rows in each large table."""
    async with database(postgres_url) as url:
        await migrate(url, [one for one in shipped() if one not in LATER])
        connection = await asyncpg.connect(url)
        await connection.execute(FILL)
        yield url, connection
        await connection.close()


async def test_each_migration_lets_services_work_on(filled):
    url, connection = filled
    assert {
        migration.name: found for migration in LATER if (found := await faults(connection, url, migration))
    } == {}


async def test_a_table_in_months_that_comes_later_has_those_that_there_are(filled):
    url, connection = filled
    # A month is one in UTC, wherever the server is.
    await connection.execute(f"ALTER DATABASE {name_of(url)} SET timezone = 'Pacific/Auckland'")
    await migrate(url)
    bounds = "SELECT pg_get_expr(relpartbound, oid) FROM pg_class WHERE relname = $1"
    for month in ("2024_05", "2024_06"):
        of_audios = await connection.fetchval(bounds, f"audios_{month}")
        assert await connection.fetchval(bounds, f"patches_{month}") == of_audios is not None


@pytest.mark.parametrize(
    "sql",
    [
        "ALTER TABLE audio.audios ADD COLUMN loudness_db real",
        "ALTER TABLE audio.embeddings ADD COLUMN speech real NOT NULL DEFAULT 0",
        "ALTER TABLE audio.quarantine ADD COLUMN mended boolean, ADD COLUMN held_by text",
        "CREATE TABLE audio.held (node_id integer REFERENCES audio.nodes, kind text NOT NULL)",
        "-- escolta: one by one\nCREATE INDEX CONCURRENTLY by_rate ON audio.audios (rate_hz)",
        "-- escolta: one by one\nCREATE INDEX CONCURRENTLY by_reason ON audio.quarantine (reason)",
        "-- escolta: in batches\nUPDATE audio.quarantine SET body = 'x' WHERE message_id IN"
        " (SELECT message_id FROM audio.quarantine WHERE body = '' LIMIT 500)",
        "-- escolta: contracts since 0018\nALTER TABLE audio.audios DROP COLUMN channels_heard",
        "-- escolta: contracts since 0018\nDROP TABLE audio.embedding_windows",
    ],
)
async def test_what_disturbs_nobody_is_let_through(filled, sql):
    url, connection = filled
    assert await faults(connection, url, named(sql)) == []


@pytest.mark.parametrize(
    ("sql", "fault"),
    [
        ("CREATE INDEX by_rate ON audio.audios (rate_hz)", "reads audio.audios while nobody"),
        ("CREATE INDEX by_reason ON audio.quarantine (reason)", "reads audio.quarantine while"),
        ("ALTER TABLE audio.audios ALTER COLUMN bits_per_sample TYPE bigint", "reads audio.audios while"),
        (
            "ALTER TABLE audio.audios ADD COLUMN loud real NOT NULL DEFAULT random()",
            "reads audio.audios while",
        ),
        (
            "ALTER TABLE audio.audios ADD COLUMN bytes bigint GENERATED ALWAYS AS (samples * 2) STORED",
            "reads audio.audios while",
        ),
        ("ALTER TABLE audio.quarantine ADD CHECK (attempts < 99)", "reads audio.quarantine while"),
        (
            "ALTER TABLE audio.audios ALTER COLUMN channels_heard SET DEFAULT ''; UPDATE audio.audios"
            " SET channels_heard = ''",
            "changes many rows of audio.audios",
        ),
        ("DELETE FROM audio.embedding_queue", "changes many rows of audio.embedding_queue"),
        (
            "ALTER TABLE audio.patch_scores ADD FOREIGN KEY (model_id) REFERENCES audio.models",
            "reads audio.patch_",
        ),
        (
            "ALTER TABLE audio.audios DROP COLUMN channels_heard",
            "takes away audio.audios.channels_heard text",
        ),
        ("ALTER TABLE audio.labelers RENAME COLUMN enabled TO active", "takes away audio.labelers.enabled"),
        ("DROP TABLE audio.embedding_windows", "takes away audio.embedding_windows.model_id"),
        ("DROP FUNCTION audio.cutoff()", "takes away audio.cutoff()"),
        ("ALTER TABLE audio.nodes ADD CHECK (length(name) < 20) NOT VALID", "demands of audio.nodes: CHECK"),
        (
            "ALTER TABLE label.groups ADD COLUMN color text NOT NULL",
            "demands of label.groups: color is given",
        ),
        ("CREATE UNIQUE INDEX ON audio.nodes (lower(name))", "demands of audio.nodes: unique"),
    ],
)
async def test_what_stands_in_the_way_is_seen(filled, sql, fault):
    url, connection = filled
    assert any(one.startswith(fault) for one in await faults(connection, url, named(sql)))


@pytest.mark.parametrize("migration", LATER, ids=lambda one: one.name)
def test_a_contract_names_a_migration_that_was_there_before(migration):
    since = migration.contracts_since
    assert since is None or since < migration.name[:4]
