"""What requests and starts cost in a catalog and in one ten times as large, taking turns.

    .venv/bin/python bench/scale.py [--audios 2000000] [--json FILE]

The audios are made in SQL, over 36 months and 7 nodes, in two private PostgreSQL with their default settings
(2 GB below the temporary folder, removed at the end). All but a few are embedded, and one in a hundred was
proposed and labeled. Of each request the median counts. For comparison, the count of all audios.
"""

import argparse
import asyncio
import json
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from statistics import median
from typing import Any
from uuid import UUID

# The folder of a script comes first among those to import from, and there a file has a package's name.
HERE = Path(__file__).resolve().parent
sys.path[:] = [folder for folder in sys.path if Path(folder or ".").resolve() != HERE]

import asyncpg  # noqa: E402

from al_engine.catalog import models  # noqa: E402
from al_engine.iterations import predict_all  # noqa: E402
from embedder import store as embedder_store  # noqa: E402
from embedder import waiting, wanted_first  # noqa: E402
from embedder.store import AudioKey  # noqa: E402
from embedder.waiting import EVERYTHING, Place, Scope  # noqa: E402
from escolta.catalog import open_catalog  # noqa: E402
from ingest import store as ingest_store  # noqa: E402
from label_gateway.batches import store as batches  # noqa: E402
from label_gateway.labeling import tasks  # noqa: E402

LARGE, TIMES = 2_000_000, 10
WARM, TURNS = 6, 15
MODEL, MIDST = "model-1", UUID(int=1 << 127)
HOUSE = """
    INSERT INTO audio.projects (name) VALUES ('bench');
    INSERT INTO audio.sources (name) VALUES ('bench');
    INSERT INTO audio.node_types (name) VALUES ('bench');
    INSERT INTO audio.nodes (name, project_id, source_id, node_type_id)
        SELECT 'quay-' || n, 1, 1, 1 FROM generate_series(1, 7) AS n;
    INSERT INTO audio.paths (path) VALUES ('audio/');
    INSERT INTO audio.models (model_id, name, dim, class_names) VALUES ('model-1', 'model', 1, '{a,b}');
    INSERT INTO label.groups (name) VALUES ('harbor');
    INSERT INTO audio.labelers (name, role, group_id)
        VALUES ('Nuria', 'labeler', 1), ('Pau', 'labeler', 1), ('Vicent', 'labeler', 1);
    SELECT audio.ensure_month(month) FROM generate_series(
        '2022-01-01'::timestamptz, '2024-12-01'::timestamptz, interval '1 month') AS month;
"""
# $1 audios, over all months whatever their number. One in 200 failed; one in 100 is a message in quarantine.
AUDIOS = f"""
    WITH audio AS (
        INSERT INTO audio.audios (audio_id, start_utc, node_id, path_id, object_name, file_name, rate_hz,
                                  bits_per_sample, samples, duration_s, channels, sha256, clock_state,
                                  cataloged_at)
        SELECT md5(n::text)::uuid, start, 1 + n % 7, 1, n || '.wav', n || '.wav', 16000, 16, 160000, 10, 1,
               sha256(n::text::bytea), 'synchronized', start
        FROM (SELECT n, '2022-01-01Z'::timestamptz + n * (interval '1094 days' / $1::float8) AS start
              FROM generate_series(0, $1::bigint - 1) AS n) AS given
        RETURNING audio_id, start_utc, node_id, abs(hashtext(audio_id::text)) AS chance),
    embedded AS (
        INSERT INTO audio.embeddings (audio_id, start_utc, model_id, vector, top_classes,
                                      top_probabilities, of_node)
        SELECT audio_id, start_utc, '{MODEL}', '\\x0000', '{{1,0}}', '{{0.5,0.2}}', node_id
        FROM audio WHERE chance % 200 > 0),
    failed AS (
        INSERT INTO audio.embedding_failures (audio_id, start_utc, model_id, reason)
        SELECT audio_id, start_utc, '{MODEL}', 'bench' FROM audio WHERE chance % 200 = 0)
    INSERT INTO audio.quarantine (message_id, at, queue, topic, reason, attempts, body)
    SELECT audio_id, start_utc, 'bench', 'bench', 'bench', 1, '' FROM audio WHERE chance % 100 = 1
"""
# Batches of 100 out of one audio in 100; the last one is open.
BATCHES = (
    """
    INSERT INTO al.al_preprocessing (iteration_id, status, nodes, window_start, window_end, batch, follow_ups,
                                     proposed_at, number)
    SELECT md5('batch ' || n)::uuid, CASE WHEN n = last THEN 'proposed' ELSE 'closed' END, '{}',
           '2022-01-01Z', '2025-01-01Z', 100, 0, now() + n * interval '1 s', n
    FROM (SELECT count(*) / 10000 AS last FROM audio.audios) AS l, generate_series(1, last) AS n
    """,
    """
    INSERT INTO al.wavs_proposed (iteration_id, audio_id, start_utc, node, file_name, rank, disjoint_set)
    SELECT iteration_id, audio_id, start_utc, 'quay-1', file_name, 1 + place % 100, 1
    FROM (SELECT *, row_number() OVER (ORDER BY sha256) - 1 AS place FROM audio.audios) AS ordered
    JOIN al.al_preprocessing ON number = 1 + place / 100
    """,
    "INSERT INTO label.assignments SELECT iteration_id, audio_id, 1, rank FROM al.wavs_proposed",
    """
    WITH settled AS (
        UPDATE al.wavs_proposed AS w SET labeled_at = now() FROM al.al_preprocessing AS i
        WHERE i.iteration_id = w.iteration_id AND status = 'closed' RETURNING i.iteration_id, audio_id),
    closed AS (INSERT INTO label.closed_iterations SELECT DISTINCT iteration_id FROM settled),
    agreed AS (
        INSERT INTO label.agreements (iteration_id, audio_id, labelers, agreement_percent)
        SELECT iteration_id, audio_id, 3, 100 FROM settled)
    INSERT INTO label.submissions (iteration_id, audio_id, labeler_id)
    SELECT iteration_id, audio_id, labeler_id FROM settled, audio.labelers
    """,
)
COUNTING = {
    "audio.audios": "audios_came",
    "audio.embeddings": "embeddings_came",
    "audio.embedding_failures": "failures_came",
    "audio.quarantine": "messages_came",
}


async def fill(pool: asyncpg.Pool, audios: int) -> None:
    """Make so many audios and what belongs to them."""
    begun = time.perf_counter()
    await pool.execute(HOUSE)
    async with pool.acquire() as connection:
        # Every row names what is there: it need not be looked up. The counts are kept as ever.
        for table, trigger in COUNTING.items():
            await connection.execute(f"ALTER TABLE {table} ENABLE ALWAYS TRIGGER {trigger}")
        await connection.execute("SET synchronous_commit = off; SET session_replication_role = replica")
        await connection.execute(AUDIOS, audios, timeout=1800)
        await connection.execute("RESET ALL")
        for statement in BATCHES:
            await connection.execute(statement, timeout=900)
        await connection.execute("VACUUM (ANALYZE)", timeout=900)
    print(f"made {audios:,} audios in {time.perf_counter() - begun:.0f} s", flush=True)


@dataclass(frozen=True)
class Catalog:
    """A catalog, with some audios of its midst and the place of its newest."""

    pool: asyncpg.Pool
    keys: list[AudioKey]
    newest: Place


async def opened(pool: asyncpg.Pool) -> Catalog:
    keys = await pool.fetch("SELECT audio_id, start_utc FROM audio.audios_2023_06 LIMIT 32")
    newest = await pool.fetchrow(
        "SELECT cataloged_at, audio_id FROM audio.audios_2024_12 ORDER BY 1 DESC, 2 DESC LIMIT 1"
    )
    return Catalog(pool, [AudioKey(*row) for row in keys], Place(*newest))


Request = Callable[[Catalog], Awaitable[Any]]


async def first_start(catalog: Catalog) -> None:
    """One step from the beginning; `Scope` is not everything, lest the mark move."""
    await waiting.look(catalog.pool, MODEL, Scope(end=waiting.END - timedelta(days=1)), Place())


async def start(catalog: Catalog) -> None:
    """What a start and each round look at while nothing waits."""
    await wanted_first.open_windows(catalog.pool, MODEL)
    await waiting.mark(catalog.pool, MODEL)
    await waiting.page(catalog.pool, MODEL, EVERYTHING, Place(), catalog.newest, 32)
    await waiting.look(catalog.pool, MODEL, EVERYTHING, catalog.newest)


async def claim(catalog: Catalog) -> None:
    async with catalog.pool.acquire() as connection, connection.transaction():
        await embedder_store.claim(connection, MODEL, catalog.keys)


async def labeling(catalog: Catalog) -> None:
    """What is read from one submission to the next audio's sound."""
    await tasks.workload(catalog.pool, 1)
    [task, *_] = await tasks.next_tasks(catalog.pool, 1, 2)
    await tasks.may_hear(catalog.pool, 1, task.audio_id)
    await tasks.stored_audio(catalog.pool, task.audio_id)


REQUESTS: dict[str, Request] = {
    "how far the embedder is": lambda catalog: embedder_store.counts(catalog.pool, MODEL),
    "how far each node is": lambda catalog: ingest_store.node_states(catalog.pool),
    "how long the quarantine list is": lambda catalog: ingest_store.count_quarantined(catalog.pool),
    "an embedder's start, and each round": start,
    "2,000 audios of an embedder's first start": first_start,
    "a batch of 32 to embed": claim,
    "from a submission to the next sound": labeling,
    "audios to agree on, each minute": lambda catalog: batches.audios_to_agree_on(catalog.pool),
    "the model in use": lambda catalog: models.model_in_use(catalog.pool, "model"),
    "a page of 1,000 to predict": lambda catalog: predict_all.never_labeled(catalog.pool, MODEL, MIDST, 1000),
    "for comparison, counting all audios": lambda catalog: catalog.pool.fetchval(
        "SELECT count(*) FROM audio.audios"
    ),
}


async def medians_ms(request: Request, catalogs: Sequence[Catalog]) -> list[float]:
    """Milliseconds of a request to each catalog; they take turns, since others use the machine."""
    taken: list[list[float]] = [[] for _ in catalogs]
    for _ in range(WARM + TURNS):
        for catalog, of_catalog in zip(catalogs, taken, strict=True):
            begun = time.perf_counter()
            await request(catalog)
            of_catalog.append((time.perf_counter() - begun) * 1000)
    return [round(median(of_catalog[WARM:]), 2) for of_catalog in taken]


async def measure(audios: int) -> list[dict[str, object]]:
    sizes = (audios // TIMES, audios)
    async with AsyncExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="escolta-bench-"))
        catalogs = []
        for size in sizes:
            url = f"embedded://{folder}/{size}"
            pool = await stack.enter_async_context(open_catalog(url, connections=1))
            await fill(pool, size)
            catalogs.append(await opened(pool))
        results: list[dict[str, object]] = []
        for name, request in REQUESTS.items():
            small, large = await medians_ms(request, catalogs)
            results.append(
                {"name": name, "ms": {sizes[0]: small, sizes[1]: large}, "ratio": round(large / small, 2)}
            )
            print(f"{small:10.2f} ms {large:10.2f} ms  x {large / small:6.2f}  {name}", flush=True)
    return results


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--audios", type=int, default=LARGE)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    results = asyncio.run(measure(options.audios))
    if options.json:
        options.json.write_text(json.dumps(results, indent=2) + "\n")


if __name__ == "__main__":
    main()
