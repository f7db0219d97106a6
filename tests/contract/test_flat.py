"""What a request, a start or a round of catching up reads does not follow the size of the catalog.

PostgreSQL counts the rows and the entries of indexes that a transaction reads; no clock is looked at.
"""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import asyncpg
import pytest
from contract.watching import watching

from al_engine.catalog import models
from al_engine.iterations import labels, predict_all
from embedder import store as embedder_store
from embedder import waiting, wanted_first
from embedder.store import AudioKey
from embedder.waiting import EVERYTHING, Place, Scope
from ingest import store as ingest_store
from label_gateway.batches import assignments
from label_gateway.batches import store as batches
from label_gateway.batches.store import BatchAudio
from label_gateway.labeling import tasks
from servers.postgres import database

MODEL = "model-1"
SMALL, LARGE = 6_000, 30_000
FEW = 1_200
"""What a request may read more of a large catalog than of a small one: a twentieth of what it has more.

A month of the large one has 1,250 audios, which PostgreSQL may well read whole to find one."""
WARM = 7
"""PostgreSQL plans a statement anew five times; then it may keep a plan for whatever comes."""

ROWS = """
    INSERT INTO audio.projects (name) VALUES ('harbor');
    INSERT INTO audio.sources (name) VALUES ('test');
    INSERT INTO audio.node_types (name) VALUES ('test');
    INSERT INTO audio.nodes (name, project_id, source_id, node_type_id)
        SELECT 'quay-' || n, 1, 1, 1 FROM generate_series(1, 7) AS n;
    INSERT INTO audio.paths (path) VALUES ('audio/');
    INSERT INTO audio.models (model_id, name, dim, class_names) VALUES ('model-1', 'model', 1, '{a,b}'),
        ('model-2', 'model', 1, '{a,b}');
    SELECT audio.ensure_month(month) FROM generate_series(
        '2022-01-01Z'::timestamptz, '2023-12-01Z'::timestamptz, interval '1 month') AS month;
    INSERT INTO audio.audios (audio_id, start_utc, node_id, path_id, object_name, file_name, rate_hz,
                              bits_per_sample, samples, duration_s, channels, sha256, clock_state,
                              cataloged_at)
        SELECT md5(n::text)::uuid, start, 1 + n % 7, 1, n || '.wav', n || '.wav', 16000, 16, 160000, 10, 1,
               sha256(n::text::bytea), 'unknown', start
        FROM generate_series(0, %AUDIOS - 1) AS n,
            LATERAL (SELECT '2022-01-01Z'::timestamptz + n * (interval '729 days' / %AUDIOS) AS start) AS at;
    INSERT INTO audio.embeddings (audio_id, start_utc, model_id, vector, top_classes, top_probabilities)
        SELECT audio_id, start_utc, 'model-1', '\\x0000', '{1,0}', '{0.5,0.2}' FROM audio.audios
        WHERE object_name NOT LIKE '1_.wav'; -- at either size ten have failed
    INSERT INTO audio.embedding_failures (audio_id, start_utc, model_id, reason)
        SELECT audio_id, start_utc, 'model-1', '' FROM audio.audios
        WHERE object_name LIKE '1_.wav';
    INSERT INTO audio.embeddings (audio_id, start_utc, model_id, vector, top_classes, top_probabilities)
        SELECT audio_id, start_utc, 'model-2', '\\x0000', '{1,0}', '{0.5,0.2}' FROM audio.audios
        WHERE node_id = 1;
    INSERT INTO audio.quarantine (message_id, at, queue, topic, reason, attempts, body)
        SELECT audio_id, start_utc, '', '', '', 1, '' FROM audio.audios WHERE get_byte(sha256, 1) < 50;
    UPDATE audio.embeddings SET speech = 0.5;
    INSERT INTO audio.embedding_marks SELECT 'model-1', cataloged_at, audio_id
        FROM audio.audios ORDER BY cataloged_at DESC LIMIT 1;
"""

# One audio in six was proposed, in batches of 100. The last batch is open, and one labeler has not begun.
BATCHES = """
    INSERT INTO label.groups (name) VALUES ('harbor'), ('campus');
    INSERT INTO audio.labelers (name, role, group_id)
        VALUES ('Nuria', 'labeler', 1), ('Pau', 'labeler', 1), ('Vicent', 'labeler', 2);
    INSERT INTO al.al_preprocessing (iteration_id, status, nodes, window_start, window_end, batch, follow_ups,
                                     proposed_at, number)
        SELECT md5('batch ' || n)::uuid, CASE WHEN n = %LAST THEN 'proposed' ELSE 'closed' END, '{}',
               '2022-01-01Z', '2024-01-01Z', 100, 0, now() + n * interval '1 s', n
        FROM generate_series(1, %LAST) AS n;
    INSERT INTO al.wavs_proposed (iteration_id, audio_id, start_utc, node, file_name, rank, disjoint_set)
        SELECT md5('batch ' || 1 + place / 100)::uuid, audio_id, start_utc, 'quay-1', file_name,
               1 + place % 100, 1
        FROM (SELECT *, row_number() OVER (ORDER BY audio_id) - 1 AS place FROM audio.audios) AS ordered
        WHERE place < %LAST * 100;
    UPDATE al.wavs_proposed SET label = 'a', labeled_at = now()
        WHERE iteration_id <> md5('batch ' || %LAST)::uuid;
    INSERT INTO label.assignments SELECT iteration_id, audio_id, 1 + rank % 2, rank FROM al.wavs_proposed;
    INSERT INTO label.submissions SELECT iteration_id, audio_id, labeler_id
        FROM label.assignments JOIN audio.labelers USING (group_id)
        WHERE iteration_id <> md5('batch ' || %LAST)::uuid OR labeler_id = 2;
    INSERT INTO label.agreements (iteration_id, audio_id, labelers, agreement_percent)
        SELECT iteration_id, audio_id, 2, 100 FROM al.wavs_proposed WHERE label IS NOT NULL;
    INSERT INTO label.closed_iterations SELECT iteration_id FROM al.al_preprocessing WHERE status = 'closed';
"""

READ = """
    SELECT sum(pg_stat_get_xact_tuples_returned(c.oid))::bigint
    FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
    WHERE n.nspname IN ('audio', 'al', 'label')
"""

MONTHS_READ = """
    SELECT relname, seq_scan + idx_scan AS scans FROM pg_stat_xact_user_tables WHERE relname LIKE 'audios_2%'
"""


@dataclass
class Catalog:
    """A connection that stands in for the pool: so everything is one transaction, whose reads are counted."""

    connection: asyncpg.Connection

    def __getattr__(self, name: str) -> Any:
        return getattr(self.connection, name)

    @asynccontextmanager
    async def acquire(self) -> AsyncIterator[asyncpg.Connection]:
        yield self.connection

    async def reads(self, request: "Request") -> int:
        """Rows and entries of indexes that the request reads once it has been made before."""
        async with self.connection.transaction():
            for _ in range(WARM):
                await request(self)
            before = await self.connection.fetchval(READ)
            await request(self)
            return await self.connection.fetchval(READ) - before


Request = Callable[[Any], Awaitable[object]]


@asynccontextmanager
async def filled(server: str, template: str, audios: int) -> AsyncIterator[Catalog]:
    """A catalog of so many audios over 24 months, all but a few of them embedded."""
    async with database(server, template=template) as url:
        connection = await asyncpg.connect(url)
        await connection.execute(ROWS.replace("%AUDIOS", str(audios)))
        await connection.execute(BATCHES.replace("%LAST", str(audios // 600)))
        await connection.execute("VACUUM ANALYZE")
        yield Catalog(connection)
        await connection.close()


@pytest.fixture(scope="module")
async def small_and_large(
    postgres_url: str, migrated_template: str
) -> AsyncIterator[tuple[Catalog, Catalog]]:
    async with (
        filled(postgres_url, migrated_template, SMALL) as small,
        filled(postgres_url, migrated_template, LARGE) as large,
    ):
        yield small, large


async def some(catalog: Catalog, many: int) -> list[AudioKey]:
    rows = await catalog.fetch(
        "SELECT audio_id, start_utc FROM audio.audios WHERE start_utc >= '2022-06-01Z'"
        " AND start_utc < '2022-07-01Z' ORDER BY start_utc LIMIT $1",
        many,
    )
    return [AudioKey(*row) for row in rows]


async def catching_up(catalog: Catalog) -> None:
    """What a start and each round look at while nothing waits."""
    await wanted_first.open_windows(catalog, MODEL)
    mark = await waiting.mark(catalog, MODEL)
    assert await waiting.page(catalog, MODEL, EVERYTHING, Place(), mark, 32) is None
    assert await waiting.look(catalog, MODEL, EVERYTHING, mark) is None


async def first_start(catalog: Catalog) -> None:
    """One step of a model's way through a catalog in which it is not known how far it had come."""
    assert await waiting.look(catalog, MODEL, EVERYTHING, Place())


async def claim(catalog: Catalog) -> None:
    await embedder_store.claim(catalog.connection, MODEL, await some(catalog, 32))


async def window_first(catalog: Catalog) -> None:
    months = Scope(datetime(2022, 2, 1, tzinfo=UTC), datetime(2023, 11, 1, tzinfo=UTC))
    await wanted_first.open_window(catalog, MODEL, months)


async def recording(catalog: Catalog) -> None:
    [key] = await some(catalog, 1)
    assert await tasks.stored_audio(catalog, key.audio_id)


async def next_task(catalog: Catalog) -> None:
    assert len(await tasks.next_tasks(catalog, 1, 2)) == 2


async def submission(catalog: Catalog) -> None:
    """What is read for an audio to be labeled, and for the answer to the one who labeled it."""
    [task, *_] = await tasks.next_tasks(catalog, 1, 1)
    audio = BatchAudio(task.iteration_id, task.audio_id)
    await batches.lock_audio(catalog.connection, audio)
    assert (await batches.standing(catalog.connection, audio, {1})).duration_s == 10
    await batches.is_everybody_done(catalog.connection, audio)
    await batches.group_of_each(catalog.connection, audio)
    assert (await tasks.workload(catalog, 2)).done > 0


async def looking_after_batches(catalog: Catalog) -> None:
    """What label-gateway looks for each minute."""
    await assignments.staffed_groups(catalog.connection)
    for iteration_id in await assignments.open_batches(catalog):
        await assignments.proposed_audios(catalog.connection, iteration_id)
    await batches.audios_to_agree_on(catalog)
    await batches.batches_to_close(catalog)
    await batches.closings_not_taken_up(catalog)


async def choosing(catalog: Catalog) -> None:
    """What the al-engine asks before it looks at a window, with two models to choose from."""
    assert await models.model_in_use(catalog.connection, "model") == ("model-1", 1)
    await labels.missed_closings(catalog)


async def predictions(catalog: Catalog) -> None:
    """The audios of a page in the midst of the catalog."""
    page = await predict_all.never_labeled(catalog, MODEL, UUID(int=1 << 127), 50)
    assert len(page) == 50


@pytest.mark.parametrize(
    "request_",
    [
        pytest.param(lambda catalog: embedder_store.counts(catalog, MODEL), id="how far the embedder is"),
        pytest.param(ingest_store.node_states, id="how far each node is"),
        pytest.param(ingest_store.count_quarantined, id="how long the quarantine list is"),
        pytest.param(lambda catalog: ingest_store.quarantined(catalog, 100), id="the newest quarantined"),
        pytest.param(catching_up, id="an embedder's start, and each of its rounds"),
        pytest.param(first_start, id="an embedder's first start, step by step"),
        pytest.param(claim, id="a batch to embed"),
        pytest.param(window_first, id="a window that is wanted first"),
        pytest.param(recording, id="a recording to hear"),
        pytest.param(next_task, id="what a labeler hears next"),
        pytest.param(submission, id="a submission"),
        pytest.param(watching, id="what is read for the metrics"),
        pytest.param(looking_after_batches, id="what is looked for each minute"),
        pytest.param(choosing, id="an iteration before its window"),
        pytest.param(predictions, id="a page of predictions"),
    ],
)
async def test_a_large_catalog_is_read_no_more_than_a_small_one(small_and_large, request_):
    small, large = [await catalog.reads(request_) for catalog in small_and_large]
    assert large <= small + FEW


@pytest.mark.parametrize("request_", [recording, next_task, submission, predictions])
async def test_nor_where_nodes_withhold_speech(small_and_large, request_):
    async def withheld(catalog: Catalog) -> None:
        await catalog.execute("UPDATE audio.nodes SET speech_policy = 'withhold', speech_threshold = 1")
        await request_(catalog)
        await catalog.execute("UPDATE audio.nodes SET speech_policy = 'keep'")

    small, large = [await catalog.reads(withheld) for catalog in small_and_large]
    assert large <= small + FEW


async def proposed_recording(catalog: Catalog) -> None:
    audio_id = await catalog.fetchval("SELECT audio_id FROM al.wavs_proposed WHERE rank = 1 LIMIT 1")
    assert await tasks.stored_audio(catalog, audio_id)


@pytest.mark.parametrize(("request_", "audios"), [(proposed_recording, 1), (next_task, 2)])
async def test_audios_of_a_batch_are_looked_for_in_their_months_alone(small_and_large, request_, audios):
    catalog, _ = small_and_large
    async with catalog.transaction():
        before = set(await catalog.fetch(MONTHS_READ))
        await request_(catalog)
        assert 1 <= len(set(await catalog.fetch(MONTHS_READ)) - before) <= audios


async def test_a_scan_would_be_seen(small_and_large):
    async def scan(catalog: Catalog) -> None:
        await catalog.fetchval("SELECT count(*) FROM audio.audios")

    small, large = [await catalog.reads(scan) for catalog in small_and_large]
    assert large - small == LARGE - SMALL
