"""An outage costs time and nothing else: each audio is uploaded once, and nobody has to lift a finger."""

from datetime import timedelta
from pathlib import Path

import pytest

from ingest import store
from ingest.store import NewNode
from node_agent.redated import ASIDE
from system.shore import FIRST, NODE, shore_with

HOUR = timedelta(hours=1)
IN_ORDER = "SELECT start_utc FROM audio.audios ORDER BY start_utc"


@pytest.mark.parametrize("away", ["ingest", "broker", "store"])
async def test_after_an_hour_without_it_each_audio_was_uploaded_once(
    tmp_path: Path, catalog_url: str, away: str
) -> None:
    async with shore_with(300, tmp_path, catalog_url) as shore:
        shore.leave(away)
        await shore.wait(HOUR)
        assert await shore.cataloged() == 0
        shore.come_back()
        await shore.wait(HOUR, until=300)
        assert await shore.cataloged() == 300
        assert await shore.quarantined() == 0
    assert shore.uploads == 300
    assert shore.told <= 3 * 300


async def test_what_goes_in_the_midst_of_it_is_uploaded_once_too(tmp_path: Path, catalog_url: str) -> None:
    async with shore_with(300, tmp_path, catalog_url) as shore:
        for away in ("store", "ingest", "broker", "ingest", "store"):
            await shore.wait(timedelta(seconds=15))
            shore.leave(away)
            await shore.wait(timedelta(minutes=10))
            shore.come_back()
        await shore.wait(2 * HOUR, until=300)
        assert await shore.cataloged() == 300
        assert await shore.quarantined() == 0
    assert shore.uploads == 300
    assert shore.told <= 3 * 300


async def test_audios_of_a_node_that_nobody_has_registered_go_through_once_it_is(
    tmp_path: Path, catalog_url: str
) -> None:
    async with shore_with(60, tmp_path, catalog_url, nodes="") as shore:
        await shore.wait(HOUR)
        assert (await shore.cataloged(), shore.uploads) == (0, 0)
        assert await shore.on.catalog.fetchval("SELECT node FROM audio.held") == NODE
        assert shore.told < 60
        await store.register_node(shore.on.catalog, NewNode(name=NODE))
        await shore.wait(HOUR, until=60)
        assert await shore.cataloged() == 60
        assert await shore.quarantined() == 0
    assert shore.uploads == 60


async def test_audios_go_through_once_the_servers_clock_is_right(tmp_path: Path, catalog_url: str) -> None:
    async with shore_with(60, tmp_path, catalog_url) as shore:
        await shore.servers_clock.advance((FIRST - shore.servers_clock.now()).total_seconds() - 86_400)
        await shore.wait(HOUR)
        assert (await shore.cataloged(), shore.uploads) == (0, 0)
        assert await shore.on.catalog.fetchval("SELECT kind FROM audio.held") == "clock"
        await shore.servers_clock.advance(2 * 86_400)
        await shore.wait(HOUR, until=60)
        assert await shore.cataloged() == 60
        assert await shore.quarantined() == 0
    assert shore.uploads == 60
    assert shore.told <= 3 * 60 + 10  # each once more than else, and now and then a probe


async def test_audios_of_a_clock_that_was_never_set_go_through_with_their_right_starts_once_it_is(
    tmp_path: Path, catalog_url: str
) -> None:
    async with shore_with(60, tmp_path, catalog_url, unset=True) as shore:
        played = shore.servers_clock.now()
        await shore.wait(HOUR)
        assert (await shore.cataloged(), shore.uploads) == (0, 0)
        assert await shore.on.catalog.fetchval("SELECT kind FROM audio.held") == "clock"
        await shore.set_the_nodes_clock()
        await shore.wait(HOUR, until=60)
        starts = [row["start_utc"] for row in await shore.on.catalog.fetch(IN_ORDER)]
        assert await shore.quarantined() == 0
    assert starts == [played - timedelta(seconds=10 * number) + ASIDE for number in range(60, 0, -1)]
    assert shore.uploads == 60
    assert shore.told <= 4 * 60  # each once by its wrong start, and twice by its right one
