"""What a migration does to services that are at work, as PostgreSQL itself counts it."""

from dataclasses import dataclass

import asyncpg

from escolta.catalog.migrating import migrate
from escolta.catalog.schema import Migration

LARGE = (
    "audio.audios",
    "audio.embeddings",
    "audio.patch_scores",
    "audio.patches",
    "audio.embedding_failures",
    "audio.embedding_queue",
    "audio.quarantine",
)
"""Tables with a row for each audio or message: to read one takes minutes."""

FILL = """
    INSERT INTO audio.projects (name) VALUES ('harbor');
    INSERT INTO audio.sources (name) VALUES ('test');
    INSERT INTO audio.node_types (name) VALUES ('test');
    INSERT INTO audio.nodes (name, project_id, source_id, node_type_id) VALUES ('quay-1', 1, 1, 1);
    INSERT INTO audio.paths (path) VALUES ('audio/');
    INSERT INTO audio.models (model_id, name, dim, class_names) VALUES ('m', 'm', 1, '{a}');
    SELECT audio.ensure_month('2024-05-01Z'), audio.ensure_month('2024-06-01Z');
    INSERT INTO audio.audios (audio_id, start_utc, node_id, path_id, object_name, file_name, rate_hz,
                              bits_per_sample, samples, duration_s, channels, sha256, clock_state)
        SELECT gen_random_uuid(), '2024-05-01Z'::timestamptz + n * interval '1 hour', 1, 1, 'a', 'a', 16000,
               16, 160000, 10, 1, sha256(n::text::bytea), 'unknown' FROM generate_series(1, 1200) AS n;
    INSERT INTO audio.embeddings (audio_id, start_utc, model_id, vector, top_classes, top_probabilities)
        SELECT audio_id, start_utc, 'm', '', '{}', '{}' FROM audio.audios;
    INSERT INTO audio.patch_scores (audio_id, start_utc, model_id, onsets_s, scores)
        SELECT audio_id, start_utc, 'm', '{}', '' FROM audio.audios;
    INSERT INTO audio.embedding_failures (audio_id, start_utc, model_id, reason)
        SELECT audio_id, start_utc, 'm', '' FROM audio.audios;
    INSERT INTO audio.embedding_queue (audio_id, start_utc, model_id, cataloged_at)
        SELECT audio_id, start_utc, 'm', cataloged_at FROM audio.audios;
    INSERT INTO audio.quarantine (message_id, at, queue, topic, reason, attempts, body)
        SELECT audio_id, start_utc, '', '', '', 1, '' FROM audio.audios;
"""
"""A few rows in each large table."""

_TABLES = """
    SELECT coalesce(inhparent, c.oid)::regclass::text AS name, c.oid
    FROM pg_class AS c LEFT JOIN pg_inherits ON inhrelid = c.oid
    WHERE c.relkind IN ('r', 'p') AND coalesce(inhparent, c.oid)::regclass::text = ANY($1)
"""
_TOUCHED = f"""
    SELECT name, sum(pg_stat_get_xact_tuples_returned(oid) + pg_stat_get_xact_tuples_fetched(oid)) AS read,
           sum(pg_stat_get_xact_tuples_inserted(oid) + pg_stat_get_xact_tuples_updated(oid)
               + pg_stat_get_xact_tuples_deleted(oid)) AS written,
           bool_or(EXISTS (
               SELECT FROM pg_locks WHERE relation = oid AND pid = pg_backend_pid() AND mode IN
               ('ShareLock', 'ShareRowExclusiveLock', 'ExclusiveLock', 'AccessExclusiveLock'))) AS locked
    FROM ({_TABLES}) AS tables GROUP BY name
"""
_OFFERED = """
    SELECT format('%s.%s %s', attrelid::regclass, attname, format_type(atttypid, atttypmod)) AS thing
    FROM pg_attribute JOIN pg_class AS c ON c.oid = attrelid
    WHERE relkind IN ('r', 'p') AND attnum > 0 AND NOT attisdropped
        AND relnamespace::regnamespace::text = ANY($1)
    UNION ALL
    SELECT p.oid::regprocedure || ' ' || prorettype::regtype FROM pg_proc AS p
    WHERE pronamespace::regnamespace::text = ANY($1)
"""
_DEMANDED = """
    SELECT attrelid::regclass::text AS table, format('%s is given', attname) AS thing
    FROM pg_attribute JOIN pg_class AS c ON c.oid = attrelid
    WHERE relkind IN ('r', 'p') AND attnum > 0 AND attnotnull AND NOT atthasdef AND attidentity = ''
        AND NOT attisdropped AND relnamespace::regnamespace::text = ANY($1)
    UNION ALL
    SELECT conrelid::regclass::text, pg_get_constraintdef(oid) FROM pg_constraint
    WHERE contype IN ('c', 'f', 'u', 'x') AND connamespace::regnamespace::text = ANY($1)
    UNION ALL
    SELECT indrelid::regclass::text, regexp_replace(pg_get_indexdef(indexrelid), '.* USING', 'unique')
    FROM pg_index JOIN pg_class AS c ON c.oid = indrelid
    WHERE indisunique AND relnamespace::regnamespace::text = ANY($1)
"""
_SCHEMAS = ["audio", "label", "al"]


@dataclass(frozen=True)
class Surface:
    """What programs find in the catalog, and what is demanded of what they write there."""

    offered: set[str]
    demanded: set[tuple[str, str]]
    tables: set[str]


async def surface(connection: asyncpg.Connection) -> Surface:
    offered = {row["thing"] for row in await connection.fetch(_OFFERED, _SCHEMAS)}
    demanded = {tuple(row) for row in await connection.fetch(_DEMANDED, _SCHEMAS)}
    names = await connection.fetch(
        "SELECT oid::regclass::text AS name FROM pg_class WHERE relkind IN ('r', 'p')"
    )
    return Surface(offered, demanded, {row["name"] for row in names})


async def faults(connection: asyncpg.Connection, url: str, migration: Migration) -> list[str]:
    """Apply a migration to a filled catalog; what of it services of before would feel."""
    before = await surface(connection)
    found = await _by_work(connection, url, migration)
    after = await surface(connection)
    if migration.contracts_since is None:
        found += [f"takes away {thing}" for thing in sorted(before.offered - after.offered)]
        found += [
            f"demands of {table}: {thing}"
            for table, thing in sorted(after.demanded - before.demanded)
            if table in before.tables
        ]
    return found


async def _by_work(connection: asyncpg.Connection, url: str, migration: Migration) -> list[str]:
    if migration.says("in batches"):
        await migrate(url, [migration])
        return [] if "LIMIT" in migration.sql else ["changes rows in batches that have no LIMIT"]
    if migration.says("one by one"):
        found = []
        for statement in migration.statements:
            if "CONCURRENTLY" not in statement:
                found += await _as_a_whole(connection, statement)
        await migrate(url, [migration])
        return found
    return await _as_a_whole(connection, migration.sql)


async def _as_a_whole(connection: asyncpg.Connection, sql: str) -> list[str]:
    async with connection.transaction():
        # What helpers read is counted as theirs.
        await connection.execute("SET LOCAL max_parallel_workers_per_gather = 0")
        await connection.execute("SET LOCAL max_parallel_maintenance_workers = 0")
        before = {row["name"]: row for row in await connection.fetch(_TOUCHED, list(LARGE))}
        await connection.execute(sql)
        after = await connection.fetch(_TOUCHED, list(LARGE))
    found = []
    for row in after:
        earlier = before.get(row["name"], {"read": 0, "written": 0})
        if row["locked"] and row["read"] > earlier["read"]:
            found.append(f"reads {row['name']} while nobody can write it")
        if row["written"] > earlier["written"]:
            found.append(f"changes many rows of {row['name']} at once")
    return found
