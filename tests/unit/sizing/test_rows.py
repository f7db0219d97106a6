"""What `escolta sizing` counts for a row is what it takes in a small catalog, by the services' statements."""

import pytest
from unit.sizing.month import LABELS, Port, heard_in_a_harbor, label, record, sizes

from embedder.models.yamnet import YamNet
from escolta.catalog import open_catalog
from escolta.sizing import costs

HOURS = 6
"""2,160 audios. Among so few an index is as full as chance has it."""


@pytest.fixture(scope="module")
def heard(tmp_path_factory):
    return heard_in_a_harbor(YamNet(), tmp_path_factory.mktemp("harbor") / "sounds")


async def test_an_audio_takes_what_is_counted(catalog_url: str, heard) -> None:
    async with open_catalog(catalog_url) as pool:
        before = await sizes(pool)
        audios = await record(pool, Port(nodes=1, days=1, hours=HOURS), YamNet(), heard)
        after = await sizes(pool)
    took = {table: (after[table] - before.get(table, 0)) / audios for table in costs.ROW_BYTES}
    assert took == pytest.approx(costs.ROW_BYTES, rel=0.15)


async def test_a_label_takes_what_is_counted(catalog_url: str, heard) -> None:
    async with open_catalog(catalog_url) as pool:
        await record(pool, Port(nodes=1, days=1, hours=1), YamNet(), heard)
        before = await sizes(pool)
        await label(pool, YamNet(), iterations=4, batch=300)
        after = await sizes(pool)
    took = sum(after[table] - before[table] for table in LABELS) / (4 * 300)
    assert took == pytest.approx(costs.LABEL_BYTES, rel=0.15)
