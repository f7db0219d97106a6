"""Audios of which the catalog knows nothing: rows are believed, and not what is told of them."""

from datetime import timedelta
from uuid import UUID

import pytest
from unit.embedder.at_work import START, another, tone

from embedder import store, waiting
from embedder.backlog import Backlog
from embedder.store import AudioKey


async def test_an_audio_that_the_catalog_lacks_is_told(embedder):
    known = await embedder.catalog(0, tone(100))
    unknown = AudioKey(known.audio_id, START + timedelta(seconds=1))
    async with another(embedder) as one:
        failures = await one.embed([unknown])
    assert "no such audio" in str(failures[unknown.audio_id])


@pytest.mark.parametrize(
    "wrong",
    [{"start": START + timedelta(days=40)}, {"audio_id": UUID(int=7)}],
    ids=["another start", "another id"],
)
async def test_an_event_that_fits_no_row_leaves_nothing_behind(embedder, wrong):
    """No count speaks of it, and the real audio of that id is still found."""
    known = await embedder.catalog(0, tone(100))
    await embedder.on.bus.publish(known.model_copy(update=wrong))
    await embedder.until_done(rejected=1)
    async with another(embedder) as one:
        assert await store.counts(embedder.on.catalog, one.model.model_id) == (0, 1, 0)
        await Backlog(embedder.on, one).catch_up()
    assert set(await embedder.vectors()) == {known.audio_id}


async def test_what_waits_and_has_left_the_catalog_is_waited_for_no_longer(embedder):
    """As when somebody drops the tables of a month."""
    await embedder.catalog(0, tone(100))
    db = embedder.on.catalog
    await db.execute("UPDATE audio.audios SET cataloged_at = now() - interval '1 day'")
    async with another(embedder) as one:
        await waiting.look(db, one.model.model_id, waiting.EVERYTHING, waiting.Place())
        await db.execute("DELETE FROM audio.audios")
        assert await db.fetchval("SELECT count(*) FROM audio.embedding_queue") == 1
        await Backlog(embedder.on, one).catch_up()
    assert await db.fetchval("SELECT count(*) FROM audio.embedding_queue") == 0
