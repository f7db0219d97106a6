"""What an iteration costs in a large catalog: a year out of 5 million audios, and 1 against 5 million.

    .venv/bin/python bench/catalog.py [--wide] [--json FILE]

The rows are made in SQL, in a private PostgreSQL with its default settings (some 5 GB below the temporary
folder, removed at the end). Their vectors are short: what is measured is how rows are found and parted, and
not arithmetic, which is measured by bench/al_engine.py.

`--wide` measures both together instead: later iterations over a month of one node, 250,560 audios with
vectors of CNN14's length, 2048, with each of two strategies.
"""

import argparse
import asyncio
import json
import logging
import statistics
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

# The folder of a script comes first among those to import from, and there a file has a package's name.
HERE = Path(__file__).resolve().parent
sys.path[:] = [folder for folder in sys.path if Path(folder or ".").resolve() != HERE]

import numpy as np  # noqa: E402
from pydantic import SecretStr  # noqa: E402

from al_engine.catalog import windows  # noqa: E402
from al_engine.iterations.handlers import Iterations  # noqa: E402
from al_engine.method.partition import partition  # noqa: E402
from escolta.audit import INSTALLATION  # noqa: E402
from escolta.events import Window  # noqa: E402
from escolta.runtime import joined  # noqa: E402
from escolta.service import Platform  # noqa: E402
from escolta.settings import Settings  # noqa: E402

DIM, WIDE, CLASSES, DISTINCT = 64, 2048, 527, 65_536
SMALL, LARGE, A_YEAR, TWO_MONTHS = 1_000_000, 5_000_000, 366 * 8640, 60 * 8640
MODEL = "placeholder-bench"
MAX_SET, BATCH, LATER = 20_000, 400, 3
YEAR = Window(
    nodes=("quay-1",),
    window_start=datetime(2024, 1, 1, tzinfo=UTC),
    window_end=datetime(2025, 1, 1, tzinfo=UTC),
)
MONTH = Window(
    nodes=("quay-1",),
    window_start=datetime(2024, 2, 1, tzinfo=UTC),
    window_end=datetime(2024, 3, 1, tzinfo=UTC),
)

HOUSE = """
    INSERT INTO audio.projects (name) VALUES ('bench');
    INSERT INTO audio.sources (name) VALUES ('bench');
    INSERT INTO audio.node_types (name) VALUES ('bench');
    INSERT INTO audio.nodes (name, project_id, source_id, node_type_id)
        SELECT 'quay-' || n, 1, 1, 1 FROM generate_series(1, 2) AS n;
    INSERT INTO audio.paths (path) VALUES ('audio/');
    INSERT INTO audio.models (model_id, name, dim, class_names)
        SELECT '{model}', 'placeholder', {dim}, array_agg('class ' || n)
        FROM generate_series(1, {classes}) AS n;
    SELECT audio.ensure_month(month) FROM generate_series(
        '2024-01-01'::timestamptz, '2024-12-01'::timestamptz, interval '1 month') AS month;
    CREATE TABLE public.vectors (place integer PRIMARY KEY, vector bytea NOT NULL);
    ALTER TABLE audio.audios ENABLE ALWAYS TRIGGER audios_came;
    ALTER TABLE audio.embeddings ENABLE ALWAYS TRIGGER embeddings_came;
"""

# One audio every 10 s; a few classes are common and most are rare, as in a harbor.
ROWS = f"""
    INSERT INTO audio.audios (audio_id, start_utc, node_id, path_id, object_name, file_name, rate_hz,
                              bits_per_sample, samples, duration_s, channels, sha256, clock_state)
    SELECT md5('{{node}}/' || n)::uuid, '2024-01-01'::timestamptz + n * interval '10 s', {{node}}, 1,
           n || '.wav', n || '.wav', 16000, 16, 160000, 10, 1, sha256(n::text::bytea), 'synchronized'
    FROM generate_series({{first}}, {{last}} - 1) AS n;
    INSERT INTO audio.embeddings (audio_id, start_utc, model_id, vector, top_classes, top_probabilities,
                                  of_node)
    SELECT md5('{{node}}/' || n)::uuid, '2024-01-01'::timestamptz + n * interval '10 s', '{MODEL}', vector,
           ARRAY[({CLASSES} * (abs(hashint4(n)) % 1024 / 1024.0) ^ 2)::smallint],
           ARRAY[(abs(hashint4(n + 7)) % 65536 / 65536.0)::real], {{node}}
    FROM generate_series({{first}}, {{last}} - 1) AS n JOIN public.vectors ON place = n % {DISTINCT}
"""
AT_ONCE = 250_000


async def build(on: Platform, dim: int) -> None:
    """A catalog without audios."""
    await on.catalog.execute(HOUSE.format(model=MODEL, dim=dim, classes=CLASSES))
    vectors = np.random.default_rng(0).normal(size=(DISTINCT, dim)).astype("<f2")
    records = ((place, row.tobytes()) for place, row in enumerate(vectors))
    await on.catalog.copy_records_to_table("vectors", schema_name="public", records=records)
    await on.catalog.execute("ANALYZE public.vectors")


async def add(on: Platform, node: int, first: int, last: int) -> None:
    """Audios `first` to `last` (not in it) of a node, with their embeddings."""
    begun = time.perf_counter()
    async with on.catalog.acquire() as connection:
        # Every row names what is there: it need not be looked up 15 million times. Counts are kept as ever.
        await connection.execute("SET synchronous_commit = off; SET session_replication_role = replica")
        for start in range(first, last, AT_ONCE):
            sql = ROWS.format(node=node, first=start, last=min(start + AT_ONCE, last))
            await connection.execute(sql, timeout=600)
        await connection.execute("RESET ALL")
    print(f"made {last - first:,} audios in {time.perf_counter() - begun:.0f} s", flush=True)


async def settle(on: Platform) -> None:
    """What autovacuum does to a catalog that has been filled."""
    await on.catalog.execute("VACUUM (ANALYZE) audio.audios, audio.embeddings", timeout=600)


async def a_year(on: Platform) -> dict[str, float]:
    """Seconds to find the set U of a year, and to part it."""
    async with on.catalog.acquire() as connection:
        begun = time.perf_counter()
        found = await windows.candidates(connection, [YEAR], MODEL, datetime.now(UTC), 1)
        chosen = time.perf_counter()
    sets = partition(found.top_classes, found.top_probabilities, MAX_SET)
    parted = time.perf_counter()
    return {
        "audios": len(found),
        "sets": len(sets),
        "select_s": round(chosen - begun, 2),
        "partition_s": round(parted - chosen, 2),
        "seconds": round(parted - begun, 2),
    }


async def iteration(on: Platform, iterations: Iterations, strategy: str = "mal-mf") -> tuple[float, UUID]:
    """Seconds of a whole iteration over a month of one node."""
    iteration_id = await iterations.request(INSTALLATION, **dict(MONTH), batch=BATCH, strategy=strategy)
    begun = time.perf_counter()
    await iterations.work.do_all()
    return time.perf_counter() - begun, iteration_id


async def label(on: Platform, iteration_id: UUID) -> None:
    await on.catalog.execute(
        "UPDATE al.wavs_proposed SET label = 'class ' || rank % 10, labeled_at = now()"
        " WHERE iteration_id = $1",
        iteration_id,
    )


async def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    arguments.add_argument("--wide", action="store_true")
    arguments.add_argument("--json", type=Path)
    chosen = arguments.parse_args()
    logging.getLogger("escolta").setLevel(logging.ERROR)
    with tempfile.TemporaryDirectory(prefix="escolta-bench-") as folder:
        settings = Settings(
            catalog_url=f"embedded://{folder}/catalog",
            objects_url=f"file://{folder}/objects",
            state_dir=Path(folder),
            secret=SecretStr("of the bench alone"),
            model="placeholder",
            max_samples=MAX_SET,
        )
        async with joined(settings) as on:
            results = await (measure_wide if chosen.wide else measure)(on)
    print(json.dumps(results, indent=2))
    if chosen.json:
        chosen.json.write_text(json.dumps(results, indent=2) + "\n")


async def measure(on: Platform) -> list[dict[str, object]]:
    await build(on, DIM)
    await add(on, 1, 0, SMALL)
    await settle(on)
    iterations = Iterations(on)
    _, first = await iteration(on, iterations)
    await label(on, first)
    await iteration(on, iterations)  # keeps its distances, as those to be compared do
    small = [(await iteration(on, iterations))[0] for _ in range(LATER)]
    await add(on, 1, SMALL, A_YEAR)
    await add(on, 2, 0, LARGE - A_YEAR)
    await settle(on)
    large = [(await iteration(on, iterations))[0] for _ in range(LATER)]
    years = [await a_year(on) for _ in range(LATER)]
    year = sorted(years, key=lambda run: run["seconds"])[LATER // 2]
    ratio = statistics.median(large) / statistics.median(small)
    print(f"a year of {year['audios']:,.0f} audios out of {LARGE:,}: {year['seconds']:.1f} s")
    print(f"an iteration over a month of {MAX_SET:,} at once: x {ratio:.2f} from {SMALL:,} to {LARGE:,}")
    return [
        {"name": "year", "catalog": LARGE, **year},
        {"name": "month", "catalog": SMALL, "seconds": [round(seconds, 2) for seconds in small]},
        {"name": "month", "catalog": LARGE, "seconds": [round(seconds, 2) for seconds in large]},
        {"name": "ratio", "value": round(ratio, 3)},
    ]


async def measure_wide(on: Platform) -> list[dict[str, object]]:
    """Iterations over a month as CNN14 embeds it: the first, and later ones of each strategy."""
    await build(on, WIDE)
    await add(on, 1, 0, TWO_MONTHS)
    await settle(on)
    iterations = Iterations(on)
    seconds, iteration_id = await iteration(on, iterations)
    rows = [{"name": "first", "strategy": "mal-mf", "dim": WIDE, "seconds": [round(seconds, 2)]}]
    for strategy in ("mal-mf", "mal-then-herding"):
        later = []
        for _ in range(LATER):
            await label(on, iteration_id)
            seconds, iteration_id = await iteration(on, iterations, strategy)
            later.append(round(seconds, 2))
        rows.append({"name": "later", "strategy": strategy, "dim": WIDE, "seconds": later})
    for row in rows:
        print(f"{row['name']} iteration, {row['strategy']}, {WIDE}-d: {row['seconds']} s")
    return rows


if __name__ == "__main__":
    asyncio.run(main())
