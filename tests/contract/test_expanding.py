"""A service goes on with its work while a newer version's migration adds to every table that it uses."""

from pathlib import Path

from unit.al_engine.at_work import add_nodes, engine_at_work
from unit.embedder.at_work import embedder_at_work, tone
from unit.ingest.at_work import ingest_at_work, wav
from unit.label_gateway.at_work import GatewayAtWork, gateway_at_work

from escolta.bus.memory import MemoryBus
from escolta.catalog import migrate
from escolta.catalog.schema import Migration, shipped
from escolta.events import AudioAccepted, IterationClosed
from escolta.service import Platform

EXPANDS = Migration(
    "9001_expands.sql",
    """
    CREATE TABLE audio.seasons (season_id integer PRIMARY KEY, node_id integer REFERENCES audio.nodes);
    DO $$
    DECLARE
        name text;
    BEGIN
        FOR name IN SELECT oid::regclass FROM pg_class
            WHERE relkind IN ('r', 'p') AND NOT relispartition
            AND relnamespace::regnamespace::text IN ('audio', 'label', 'al')
        LOOP
            EXECUTE 'ALTER TABLE ' || name || ' ADD COLUMN came_later text NOT NULL DEFAULT ''new''';
        END LOOP;
    END $$;
    """,
)


async def expand(on: Platform, catalog_url: str) -> None:
    """Add a column to every table. Nothing of before was left as a dead letter, and nothing may be later."""
    await migrate(catalog_url, [*shipped(), EXPANDS])
    assert isinstance(on.bus, MemoryBus)
    assert [letter.reason for letter in on.bus.dead_letters] == []


async def test_ingest_catalogs_before_and_after(catalog_url: str, tmp_path: Path):
    async with ingest_at_work(catalog_url, tmp_path) as ingest:
        for number in range(3):
            event = await ingest.upload(wav(seed=number), minutes_ago=60 + number)
            await ingest.publish(event)
            await ingest.until_said(AudioAccepted, event)
            if number == 0:
                await expand(ingest.on, catalog_url)
        assert len(await ingest.cataloged()) == 3
        async with ingest.client() as client:
            assert (await client.get("/api/ingest")).status_code == 200


async def test_the_embedder_embeds_before_and_after(catalog_url: str, tmp_path: Path):
    async with embedder_at_work(catalog_url, tmp_path) as embedder:
        for number in range(3):
            await embedder.on.bus.publish(await embedder.catalog(number, tone(440 + number)))
            await embedder.until_done(embedded=number + 1)
            if number == 0:
                await expand(embedder.on, catalog_url)
        assert embedder.rejected == []


async def test_the_al_engine_proposes_before_and_after(catalog_url: str, tmp_path: Path):
    await add_nodes(catalog_url)
    async with engine_at_work(catalog_url, tmp_path) as engine:
        await engine.add_audios(30)
        await engine.labeled_batch(4)
        await expand(engine.on, catalog_url)
        assert len(await engine.propose(batch=4)) == 4
        assert engine.refused == []
        async with engine.client() as client:
            for path in ("/api/iterations", "/api/iterations/panel"):
                assert (await client.get(path)).status_code == 200


async def test_label_gateway_is_labeled_with_before_and_after(catalog_url: str, tmp_path: Path):
    async with gateway_at_work(catalog_url, tmp_path) as gateway:
        lead = await gateway.lead()
        [ana] = await gateway.team(lead, "harbor", "ana")
        await label_a_batch(gateway, ana)
        await expand(gateway.on, catalog_url)
        await label_a_batch(gateway, ana)
        assert len(await gateway.until_heard(IterationClosed, 2)) == 2
        for path in ("/api/labelers", "/api/classes", "/api/dataset/labels.csv"):
            assert (await lead.get(path)).status_code == 200, path


async def label_a_batch(gateway: GatewayAtWork, labeler) -> None:
    await gateway.propose(2)
    for task in await gateway.until_tasks(labeler, 2):
        address = f"/api/tasks/{task['iteration_id']}/{task['audio_id']}"
        heard = [{"class_id": 1, "onset_s": 0.0, "offset_s": 10.0}]
        assert (await labeler.put(address, json={"events": heard})).status_code == 200
