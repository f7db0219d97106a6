"""What the catalog keeps count of is what somebody would count who looked at every row."""

import asyncio
import random
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from uuid import UUID, uuid4

import asyncpg
import pytest
from contract.counted import (
    APART,
    BEGIN,
    HOUSE,
    assert_kept_as_counted,
    audio_of,
    embed,
    recorded,
    rejected,
)

from embedder import store as embedder_store
from embedder import wanted_first
from embedder.waiting import Scope
from escolta.catalog import migrate, open_catalog
from escolta.catalog.schema import shipped
from escolta.events import SoundLeftOut
from ingest import store as ingest_store
from label_gateway.batches import store as batches
from label_gateway.batches.store import BatchAudio
from label_gateway.labeling import tasks
from servers.postgres import database

BEFORE_COUNTS = "0008"


@pytest.fixture
async def catalog(catalog_url: str) -> AsyncIterator[asyncpg.Pool]:
    async with open_catalog(catalog_url) as pool:
        await pool.execute(HOUSE)
        yield pool


async def test_audios_that_several_writers_bring_at_once_and_again_are_counted_once(catalog):
    async def bring(seed: int) -> None:
        order = random.Random(seed)
        for _ in range(5):
            numbers = order.sample(range(60), 20)
            await ingest_store.insert_audios(catalog, [recorded(number) for number in numbers])

    await asyncio.gather(*(bring(seed) for seed in range(6)))
    await assert_kept_as_counted(catalog)
    states = await ingest_store.node_states(catalog)
    assert sum(row["audios"] for row in states) == await catalog.fetchval("SELECT count(*) FROM audio.audios")


async def test_what_is_taken_back_is_not_counted(catalog):
    await ingest_store.insert_audios(catalog, [recorded(number) for number in range(10)])
    async with catalog.acquire() as connection:
        transaction = connection.transaction()
        await transaction.start()
        await connection.execute("DELETE FROM audio.audios WHERE node_id = 1")
        await transaction.rollback()
    await assert_kept_as_counted(catalog)


async def test_what_is_deleted_is_counted_no_longer(catalog):
    await ingest_store.insert_audios(catalog, [recorded(number) for number in range(20)])
    await embed(catalog, range(15), failing=range(15, 20))
    await catalog.execute("DELETE FROM audio.embeddings WHERE start_utc < '2024-02-01Z'")
    await catalog.execute("DELETE FROM audio.audios WHERE start_utc >= '2024-03-01Z'")
    await assert_kept_as_counted(catalog)


async def test_an_audio_that_failed_and_then_had_its_embedding_counts_as_embedded(catalog):
    await ingest_store.insert_audios(catalog, [recorded(number) for number in range(3)])
    await embed(catalog, [], failing=[0, 1])
    await embed(catalog, [], failing=[0])
    assert await embedder_store.counts(catalog, "model-1") == (0, 1, 2)
    await embed(catalog, [0])
    await embed(catalog, [0])
    assert await embedder_store.counts(catalog, "model-1") == (1, 1, 1)
    await assert_kept_as_counted(catalog)


async def test_embedders_of_many_months_at_once_count_every_audio_and_wait_in_no_circle(catalog):
    await ingest_store.insert_audios(catalog, [recorded(number) for number in range(90)])

    async def work(seed: int) -> None:
        numbers = list(range(seed, 90, 6))
        random.Random(seed).shuffle(numbers)
        await embed(catalog, numbers[:12], failing=numbers[12:])

    await asyncio.gather(*(work(seed) for seed in range(6)))
    await assert_kept_as_counted(catalog)
    assert await embedder_store.counts(catalog, "model-1") == (72, 0, 18)


async def test_a_message_that_is_rejected_twice_is_counted_once(catalog):
    first, second = uuid4(), uuid4()
    for _ in range(2):
        await ingest_store.quarantine(catalog, [rejected(first, BEGIN), rejected(second, BEGIN + 20 * APART)])
    await assert_kept_as_counted(catalog)
    assert await ingest_store.count_quarantined(catalog) == {"refused": 2}


async def test_an_audio_that_a_labeler_submits_again_counts_once(catalog):
    await catalog.execute(
        "INSERT INTO audio.labelers (name, role) VALUES ('Nuria', 'labeler'), ('Pau', 'labeler')"
    )
    first, second = BatchAudio(uuid4(), uuid4()), BatchAudio(uuid4(), uuid4())

    async def submit(audio: BatchAudio, labeler_id: int) -> None:
        async with catalog.acquire() as connection, connection.transaction():
            await batches.replace_submission(connection, audio, labeler_id, "harbor", [], False)

    await asyncio.gather(*(submit(audio, labeler) for audio in (first, second, first) for labeler in (1, 2)))
    assert [(await tasks.workload(catalog, labeler)).done for labeler in (1, 2)] == [2, 2]
    await catalog.execute(
        "DELETE FROM label.submissions WHERE labeler_id = 1 AND audio_id = $1", first.audio_id
    )
    assert [(await tasks.workload(catalog, labeler)).done for labeler in (1, 2)] == [1, 2]


async def test_a_file_that_becomes_doubtful_is_counted_as_left_out_no_longer(catalog):
    def told(doubtful: bool) -> SoundLeftOut:
        return SoundLeftOut(
            left_out_id=UUID(int=1), node="quay-1", at=BEGIN, file_name="a.wav", reason="r", doubtful=doubtful
        )

    await ingest_store.keep_left_out(catalog, [told(doubtful=False)])
    assert await ingest_store.count_quarantined(catalog) == {"left_out": 1}
    for _ in range(2):
        await ingest_store.keep_left_out(catalog, [told(doubtful=True)])
    assert await ingest_store.count_quarantined(catalog) == {"doubtful": 1}
    await assert_kept_as_counted(catalog)


async def test_the_same_messages_from_several_processes_at_once_are_counted_once(catalog):
    messages = [rejected(uuid4(), BEGIN) for _ in range(20)]

    async def bring(seed: int) -> None:
        some = random.Random(seed).sample(messages, 15)
        some.sort(key=lambda pair: pair[0].message_id)
        await ingest_store.quarantine(catalog, some)

    await asyncio.gather(*(bring(seed) for seed in range(6)))
    await assert_kept_as_counted(catalog)


@pytest.mark.parametrize(
    ("start", "end"),
    [
        (BEGIN, BEGIN + 200 * APART),
        (datetime(2024, 2, 1, tzinfo=UTC), datetime(2024, 5, 1, tzinfo=UTC)),
        (datetime(2024, 2, 10, tzinfo=UTC), datetime(2024, 2, 20, tzinfo=UTC)),
        (datetime(2024, 2, 1, tzinfo=UTC), datetime(2024, 2, 20, tzinfo=UTC)),
        (datetime(2024, 2, 10, tzinfo=UTC), datetime(2024, 3, 1, tzinfo=UTC)),
        (datetime(2024, 2, 10, tzinfo=UTC), datetime(2024, 3, 5, tzinfo=UTC)),
        (datetime(1970, 1, 1, tzinfo=UTC), datetime(9999, 1, 1, tzinfo=UTC)),
    ],
)
async def test_a_window_tells_how_many_of_its_audios_wait_whatever_its_bounds(catalog, start, end):
    events = [recorded(number) for number in range(90)]
    await ingest_store.insert_audios(catalog, events)
    await embed(catalog, range(0, 90, 2), failing=range(1, 90, 6))
    waiting = [one for number, one in enumerate(events) if number % 2 and start <= one.start < end]
    assert await wanted_first.open_window(catalog, "model-1", Scope(start, end)) == len(waiting)


async def test_a_catalog_that_is_older_than_its_counts_has_them_when_it_is_migrated(postgres_url):
    async with database(postgres_url) as url:
        await migrate(url, [migration for migration in shipped() if migration.name < BEFORE_COUNTS])
        connection = await asyncpg.connect(url)
        try:
            await connection.execute(HOUSE)
            for number in range(40):
                await _as_before(connection, number)
            await connection.execute(
                "INSERT INTO audio.embedding_failures (audio_id, model_id, reason)"
                " VALUES ($1, 'model-1', '')",
                uuid4(),  # of an audio that the catalog does not have
            )
        finally:
            await connection.close()
        await migrate(url)
        async with open_catalog(url) as pool:
            await assert_kept_as_counted(pool)
            assert await embedder_store.counts(pool, "model-1") == (20, 10, 10)
            assert await ingest_store.count_quarantined(pool) == {"refused": 40}


async def _as_before(connection: asyncpg.Connection, number: int) -> None:
    """An audio, with its outcome where it has one, and a rejected message, in the tables as they were."""
    audio = audio_of(number)
    await connection.execute(
        "INSERT INTO audio.audios (audio_id, start_utc, node_id, path_id, object_name, file_name, rate_hz,"
        " bits_per_sample, samples, duration_s, channels, sha256, clock_state)"
        " VALUES ($1, $2, $3, 1, 'a', 'a', 16000, 16, 160000, 10, 1, $4, 'unknown')",
        audio.audio_id,
        audio.start,
        1 + number % 2,
        bytes(32),
    )
    await connection.execute(
        "INSERT INTO audio.quarantine (message_id, at, queue, topic, reason, attempts, body)"
        " VALUES ($1, $2, '', '', '', 1, '')",
        audio.audio_id,
        audio.start,
    )
    if number < 20:
        await connection.execute(
            "INSERT INTO audio.embeddings (audio_id, start_utc, model_id, vector, top_classes,"
            " top_probabilities) VALUES ($1, $2, 'model-1', '', '{}', '{}')",
            audio.audio_id,
            audio.start,
        )
    elif number < 30:
        await connection.execute(
            "INSERT INTO audio.embedding_failures (audio_id, model_id, reason) VALUES ($1, 'model-1', '')",
            audio.audio_id,
        )
