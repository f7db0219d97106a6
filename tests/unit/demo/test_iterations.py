"""Which iterations a start of the demo asks for, of an al-engine at work on a real catalog."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from unit.al_engine.at_work import START, EngineAtWork, add_nodes, engine_at_work

from escolta.events import IterationClosed
from escolta_demo.iterations import request_iterations

BATCH = 3


@pytest.fixture
async def engine(catalog_url: str, tmp_path: Path) -> AsyncIterator[EngineAtWork]:
    await add_nodes(catalog_url)
    async with engine_at_work(catalog_url, tmp_path) as engine:
        yield engine


async def start(engine: EngineAtWork, wanted: int | None) -> list[str]:
    """What a start of the demo asks for; returns what has then become of every iteration."""
    async with engine.client() as api:
        await request_iterations(api, BATCH, wanted)
    return await settled(engine)


async def settled(engine: EngineAtWork) -> list[str]:
    """The iterations' statuses once none is still to run."""
    statuses: list[str] = []

    async def none_is_to_run() -> bool:
        nonlocal statuses
        statuses = [entry["status"] for entry in await iterations(engine)]
        return "requested" not in statuses

    await engine.until(none_is_to_run)
    return statuses


async def iterations(engine: EngineAtWork) -> list[dict]:
    async with engine.client() as api:
        return (await api.get("/api/iterations")).json()


async def label_the_last(engine: EngineAtWork) -> list[str]:
    """Label and close the last batch; returns the names of what was in it."""
    last = (await iterations(engine))[-1]
    async with engine.client() as api:
        proposals = (await api.get(f"/api/iterations/{last['iteration_id']}/proposals")).json()
    await engine.label(proposals, last["iteration_id"])
    await engine.on.bus.publish(IterationClosed(iteration_id=last["iteration_id"]))
    await engine.until_not("proposed", last["iteration_id"])
    return [entry["file_name"] for entry in proposals]


async def until_there_are(engine: EngineAtWork, count: int) -> list[str]:
    async def there() -> bool:
        return len(await iterations(engine)) == count

    await engine.until(there)
    return await settled(engine)


async def test_what_is_open_is_not_asked_for_again(engine):
    await engine.add_audios(3 * BATCH)
    assert await start(engine, 2) == ["proposed"]
    assert await start(engine, 2) == ["proposed"]
    await label_the_last(engine)
    assert await until_there_are(engine, 2) == ["closed", "proposed"]
    await label_the_last(engine)
    assert await start(engine, 2) == ["closed", "closed"]


async def test_a_later_start_may_want_more(engine):
    await engine.add_audios(3 * BATCH)
    assert await start(engine, 1) == ["proposed"]
    assert await start(engine, 2) == ["proposed", "proposed"]


async def test_a_later_start_asks_anew_after_an_iteration_that_failed(engine):
    await engine.add_audios(BATCH)
    spoiled = await engine.on.catalog.fetch("SELECT audio_id, vector FROM audio.embeddings")
    await engine.on.catalog.execute("UPDATE audio.embeddings SET vector = 'damaged'")
    assert await start(engine, 1) == ["failed"]
    await engine.on.catalog.executemany(
        "UPDATE audio.embeddings SET vector = $2 WHERE audio_id = $1", [tuple(row) for row in spoiled]
    )
    assert await start(engine, 1) == ["failed", "proposed"]


async def test_a_later_start_asks_anew_when_everything_has_been_proposed(engine):
    await engine.add_audios(BATCH)
    await start(engine, None)
    await label_the_last(engine)
    assert await until_there_are(engine, 2) == ["closed", "empty"]
    await engine.add_audios(1, first=BATCH)
    assert await start(engine, None) == ["closed", "empty", "proposed"]


async def test_what_is_recorded_later_is_proposed_by_the_iterations_that_follow(engine):
    await engine.add_audios(BATCH)
    await start(engine, 2)
    tomorrow = datetime.now(UTC) + timedelta(days=1)
    await engine.on.catalog.execute("SELECT audio.ensure_month($1)", tomorrow)
    await engine.add_audios(1, first=(tomorrow - START) // timedelta(seconds=10))
    before = await label_the_last(engine)
    assert await until_there_are(engine, 2) == ["closed", "proposed"]
    [later] = await label_the_last(engine)
    assert later not in before
