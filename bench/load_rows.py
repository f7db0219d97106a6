"""A catalog that is years old, for `bench/load.py`: rows made in SQL."""

import time
from collections.abc import Iterator
from datetime import UTC, datetime

import asyncpg

MONTHS = 36
HOUSE = """
    INSERT INTO audio.projects (name) VALUES ('bench');
    INSERT INTO audio.sources (name) VALUES ('bench');
    INSERT INTO audio.node_types (name) VALUES ('bench');
    INSERT INTO audio.nodes (name, project_id, source_id, node_type_id)
        SELECT 'quay-' || n, 1, 1, 1 FROM generate_series(1, 7) AS n;
    INSERT INTO audio.paths (path) VALUES ('audio/quay-1/');
"""
AUDIOS = """
    INSERT INTO audio.audios (audio_id, start_utc, node_id, path_id, object_name, file_name, rate_hz,
                              bits_per_sample, samples, duration_s, channels, sha256, clock_state,
                              cataloged_at)
    SELECT gen_random_uuid(), start, 1 + n % 7, 1, n || '.wav', n || '.wav', 16000, 16, 160000, 10, 1,
           sha256(n::text::bytea), 'unknown', start
    FROM generate_series(0, $2::bigint - 1) AS n,
         LATERAL (SELECT $1::timestamptz + n * ($3::timestamptz - $1) / $2 AS start) AS at
"""


async def add_rows(catalog_url: str, rows: int) -> None:
    """So many audios, as many in each of the last months, this one included and until now."""
    begun, now = time.perf_counter(), datetime.now(UTC)
    connection = await asyncpg.connect(catalog_url, command_timeout=7200)
    try:
        await connection.execute(HOUSE)
        # Every row names what is there: it need not be looked up 60 million times. Counts are kept as ever.
        await connection.execute("ALTER TABLE audio.audios ENABLE ALWAYS TRIGGER audios_came")
        await connection.execute("SET synchronous_commit = off; SET session_replication_role = replica")
        for first, last in months(now):
            await connection.execute("SELECT audio.ensure_month($1)", first)
            await connection.execute(AUDIOS, first, rows // MONTHS, last)
            print(f"rows until {last:%Y-%m-%d} after {time.perf_counter() - begun:.0f} s", flush=True)
        await connection.execute("RESET ALL; ALTER TABLE audio.audios ENABLE TRIGGER audios_came")
        await connection.execute("VACUUM (ANALYZE) audio.audios")
        await connection.execute("CHECKPOINT")
    finally:
        await connection.close()


def months(now: datetime) -> Iterator[tuple[datetime, datetime]]:
    """Begin and end of each of the last months, the oldest first; the last one ends now."""
    this = now.year * 12 + now.month - 1
    for month in range(this - MONTHS + 1, this + 1):
        yield _first(month), min(now, _first(month + 1))


def _first(month: int) -> datetime:
    return datetime(month // 12, month % 12 + 1, 1, tzinfo=UTC)
