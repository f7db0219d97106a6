"""Windows: which audios an iteration chooses from."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import pytest
from unit.al_engine.at_work import NODE, OTHER, START, EngineAtWork, add_nodes, joined_engine

from al_engine.iterations import records
from al_engine.iterations.handlers import Iterations
from escolta.audit import INSTALLATION
from escolta.errors import Rejected
from escolta.events import Window

EVERYTHING = 1000


@pytest.fixture
async def engine(catalog_url: str, tmp_path: Path) -> AsyncIterator[EngineAtWork]:
    await add_nodes(catalog_url)
    async with joined_engine(catalog_url, tmp_path) as on:
        yield EngineAtWork(on)


async def chosen(engine: EngineAtWork, **wanted: object) -> set[UUID]:
    """Everything that an iteration over the windows can choose."""
    iterations = Iterations(engine.quiet())
    iteration_id = await iterations.request(INSTALLATION, batch=EVERYTHING, **wanted)  # type: ignore[arg-type]
    await iterations.work.do_all()
    return {row["audio_id"] for row in await records.proposals(engine.on.catalog, iteration_id)}


def window(first: int, last: int, *nodes: str) -> Window:
    start = START + timedelta(seconds=10 * first)
    return Window(nodes=nodes, window_start=start, window_end=START + timedelta(seconds=10 * last))


async def test_several_nodes_are_one_window(engine):
    here, there = await engine.add_audios(4), await engine.add_audios(4, node=OTHER)
    assert await chosen(engine, nodes=[NODE, OTHER]) == {*here, *there}


async def test_windows_are_united_and_what_they_share_counts_once(engine):
    here, there = await engine.add_audios(12), await engine.add_audios(12, node=OTHER)
    further = [window(4, 8, NODE), window(10, 12, OTHER)]
    found = await chosen(engine, **dict(window(2, 6, NODE)), further_windows=further)
    assert found == {*here[2:8], *there[10:12]}
    row = await engine.on.catalog.fetchrow("SELECT * FROM al.al_preprocessing")
    assert (row["audios"], row["unlabeled"]) == (8, 8)


async def test_hours_are_of_the_day_in_utc_and_may_pass_midnight(engine):
    an_hour = 360  # audios
    ids = [(await engine.add_audios(1, first=hour * an_hour))[0] for hour in range(20)]  # 10:00 to 05:00
    night = await chosen(engine, hours=(22, 3))
    assert night == set(ids[12:17])
    assert await chosen(engine, hours=(10, 12)) == set(ids[:2])


async def test_an_audio_of_a_month_s_last_second_and_of_the_next_s_first_are_both_found(engine):
    await engine.on.catalog.execute("SELECT audio.ensure_month('2024-06-01T00:00:00Z')")
    until_june = 30 * 8640 + 14 * 360
    ids = await engine.add_audios(4, first=until_june - 2)
    assert await chosen(engine) == set(ids)


async def test_an_audio_without_a_class_of_the_tagger_is_not_chosen_from(engine):
    ids = await engine.add_audios(3)
    await engine.on.catalog.execute(
        "UPDATE audio.embeddings SET top_classes = '{}', top_probabilities = '{}' WHERE audio_id = $1", ids[0]
    )
    assert await chosen(engine) == set(ids[1:])


async def test_a_window_that_ends_before_it_starts_is_refused(engine):
    with pytest.raises(Rejected, match="ends at 2024-05-01 10:00:00 UTC, not after its start"):
        await chosen(engine, window_start=START, window_end=START)


async def test_an_unknown_strategy_is_refused_with_those_there_are(engine):
    with pytest.raises(Rejected, match=r"there is no strategy 'guess': choose one of .*mal-mf"):
        await chosen(engine, strategy="guess")
