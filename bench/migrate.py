"""How long cataloging waits while a large catalog is migrated.

Two writers bring audio after audio while `escolta migrate` adds columns, makes an index and changes rows
in batches; once beside somebody who reads for ten seconds, and for comparison the plain CREATE INDEX that no
migration may contain.

    .venv/bin/python bench/migrate.py --audios 10000000 --json bench/results/migrate.json
"""

import argparse
import asyncio
import json
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from uuid import uuid4

import asyncpg

from escolta.catalog import migrate
from escolta.catalog.embedded import EmbeddedPostgres
from escolta.catalog.schema import Migration, shipped

MONTHS = 36
READING_S = 10.0
QUIET_S = 20.0
BASE = "0019"
HOUSE = f"""
    INSERT INTO audio.projects (name) VALUES ('harbor');
    INSERT INTO audio.sources (name) VALUES ('bench');
    INSERT INTO audio.node_types (name) VALUES ('bench');
    INSERT INTO audio.nodes (name, project_id, source_id, node_type_id)
        SELECT 'quay-' || n, 1, 1, 1 FROM generate_series(1, 7) AS n;
    INSERT INTO audio.paths (path) VALUES ('audio/');
    SELECT audio.ensure_month(month) FROM generate_series(
        '2022-01-01Z'::timestamptz, '2022-01-01Z'::timestamptz + {MONTHS - 1} * interval '1 month',
        interval '1 month') AS month;
"""
AUDIOS = """
    INSERT INTO audio.audios (audio_id, start_utc, node_id, path_id, object_name, file_name, rate_hz,
                              bits_per_sample, samples, duration_s, channels, sha256, clock_state,
                              cataloged_at)
    SELECT gen_random_uuid(), start, 1 + n % 7, 1, n || '.wav', n || '.wav', 16000, 16, 160000, 10, 1,
           sha256(n::text::bytea), 'unknown', start
    FROM generate_series($2::bigint, $3::bigint - 1) AS n,
         LATERAL (SELECT $1::timestamptz + (n - $2) * interval '28 days' / ($3 - $2) AS start) AS at
"""
ONE = """
    INSERT INTO audio.audios (audio_id, start_utc, node_id, path_id, object_name, file_name, rate_hz,
                              bits_per_sample, samples, duration_s, channels, sha256, clock_state)
    VALUES ($1, '2024-12-15Z', 1, 1, 'a', 'a', 16000, 16, 160000, 10, 1, $2, 'unknown')
"""
STEPS = {
    "a column": Migration("9001", "ALTER TABLE audio.audios ADD COLUMN loudness_db real;"),
    "a column with a default": Migration(
        "9002", "ALTER TABLE audio.audios ADD COLUMN speech boolean NOT NULL DEFAULT false;"
    ),
    "an index, month by month": Migration(
        "9003",
        "-- escolta: one by one\nCREATE INDEX CONCURRENTLY audios_by_name ON audio.audios (file_name);",
    ),
    "300,000 rows in batches": Migration(
        "9004",
        # The months are named twice, or each batch looks through all of them.
        "-- escolta: in batches\nUPDATE audio.audios SET loudness_db = 0 WHERE start_utc < '2022-02-01Z'"
        " AND (audio_id, start_utc) IN ("
        "SELECT audio_id, start_utc FROM audio.audios WHERE start_utc < '2022-02-01Z'"
        " AND loudness_db IS NULL LIMIT 5000);",
    ),
}
FOR_COMPARISON = Migration("9005", "CREATE INDEX audios_by_digest ON audio.audios (sha256);")

Waits = list[float]


async def fill(dsn: str, audios: int) -> None:
    begun = time.perf_counter()
    connection = await asyncpg.connect(dsn)
    await connection.execute(HOUSE)
    await connection.execute("SET synchronous_commit = off; SET session_replication_role = replica")
    share = audios // MONTHS
    for month in range(MONTHS):
        start = await connection.fetchval(
            "SELECT '2022-01-01Z'::timestamptz + $1 * interval '1 month'", month
        )
        await connection.execute(AUDIOS, start, month * share, (month + 1) * share, timeout=3600)
    await connection.execute("ANALYZE audio.audios", timeout=3600)
    size = await connection.fetchval("SELECT pg_database_size(current_database())")
    await connection.close()
    print(f"{audios:,} audios, {size / 1e9:.1f} GB, in {time.perf_counter() - begun:.0f} s", flush=True)


@asynccontextmanager
async def cataloging(dsn: str) -> AsyncIterator[Waits]:
    """Two writers, each with one audio after another; how long each of these took, in seconds."""
    waits: Waits = []
    going = True

    async def write() -> None:
        connection = await asyncpg.connect(dsn)
        while going:
            begun = time.perf_counter()
            await connection.execute(ONE, uuid4(), bytes(32))
            waits.append(time.perf_counter() - begun)
            await asyncio.sleep(0.01)
        await connection.close()

    writers = [asyncio.create_task(write()) for _ in range(2)]
    await asyncio.sleep(0.5)
    waits.clear()
    yield waits
    going = False
    await asyncio.gather(*writers)


async def measured(name: str, dsn: str, work: Callable[[], Awaitable[None]]) -> dict[str, object]:
    async with cataloging(dsn) as waits:
        begun = time.perf_counter()
        await work()
        took_s = time.perf_counter() - begun
    waits.sort()
    result = {
        "name": name,
        "seconds": round(took_s, 1),
        "cataloged": len(waits),
        "median_ms": round(1000 * waits[len(waits) // 2], 1),
        "longest_ms": round(1000 * waits[-1], 1),
    }
    print(result, flush=True)
    return result


async def beside_a_reading(dsn: str, migration: Migration) -> None:
    reader = await asyncpg.connect(dsn)
    await reader.execute("BEGIN")
    await reader.fetch("SELECT FROM audio.audios WHERE start_utc < '2022-01-02Z'")

    async def end() -> None:
        await asyncio.sleep(READING_S)
        await reader.execute("COMMIT")

    await asyncio.gather(end(), migrate(dsn, [migration]))
    await reader.close()


async def measure(audios: int) -> list[dict[str, object]]:
    with tempfile.TemporaryDirectory(prefix="escolta-bench-") as folder:
        async with EmbeddedPostgres(Path(folder)) as dsn:
            await migrate(dsn, [one for one in shipped() if one.name < BASE])
            await fill(dsn, audios)
            results = [await measured("no migration", dsn, lambda: asyncio.sleep(QUIET_S))]
            results.append(await measured("what this version brings", dsn, lambda: migrate(dsn)))
            for name, migration in STEPS.items():
                results.append(await measured(name, dsn, lambda one=migration: migrate(dsn, [one])))  # type: ignore[misc]
            more = Migration("9006", "ALTER TABLE audio.audios ADD COLUMN wind real;")
            results.append(
                await measured("a column, beside a reading of 10 s", dsn, lambda: beside_a_reading(dsn, more))
            )
            results.append(
                await measured("for comparison, CREATE INDEX", dsn, lambda: migrate(dsn, [FOR_COMPARISON]))
            )
            return results


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--audios", type=int, default=10_000_000)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    results = asyncio.run(measure(options.audios))
    if options.json:
        options.json.write_text(json.dumps(results, indent=2) + "\n")


if __name__ == "__main__":
    main()
