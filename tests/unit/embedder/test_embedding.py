"""The embedder at work on a real catalog: what becomes of good audios, bad ones, and lost events."""

import asyncio
from collections.abc import Sequence

import numpy as np
import pytest
from unit.embedder.at_work import RATE_HZ, another, tone

from embedder.backlog import Backlog
from embedder.models.model import Embedded, FloatArray
from embedder.models.placeholder import Placeholder
from embedder.store import AudioKey
from escolta import audio
from escolta.errors import Transient


async def test_a_cataloged_audio_gets_the_vector_and_the_classes_of_its_sound(embedder):
    event = await embedder.catalog(0, tone(440))
    await embedder.on.bus.publish(event)
    await embedder.until_done(embedded=1)
    model = Placeholder()
    waveform, _ = audio.read(tone(440))
    expected = model.embed([audio.resample(waveform, RATE_HZ, model.rate_hz)])
    [row] = await embedder.on.catalog.fetch("SELECT * FROM audio.embeddings")
    assert row["model_id"] == model.model_id
    np.testing.assert_allclose(np.frombuffer(row["vector"], "<f2"), expected.vectors[0], rtol=2e-3, atol=1e-3)
    best = np.argsort(-expected.probabilities[0], kind="stable")[:5]
    assert row["top_classes"] == best.tolist()
    np.testing.assert_allclose(row["top_probabilities"], expected.probabilities[0][best], rtol=1e-5)
    [named] = await embedder.on.catalog.fetch("SELECT * FROM audio.models")
    assert (named["dim"], tuple(named["class_names"])) == (model.dim, model.class_names)


async def test_one_bad_file_harms_no_other_of_its_batch(embedder):
    good = [await embedder.catalog(number, tone(200 * number + 200)) for number in range(3)]
    bad = await embedder.catalog(3, tone(440)[:-7000])
    for event in (*good[:2], bad, good[2]):
        await embedder.on.bus.publish(event)
    await embedder.until_done(embedded=3, rejected=1)
    assert set(await embedder.vectors()) == {event.audio_id for event in good}
    assert "truncated" in embedder.rejected[0].reason
    assert str(bad.audio_id) in embedder.rejected[0].body


async def test_a_missing_object_is_told_and_not_tried_for_ever(embedder):
    event = await embedder.catalog(0, None)
    await embedder.on.bus.publish(event)
    await embedder.until_done(rejected=1)
    assert event.object_key in embedder.rejected[0].reason
    [failure] = await embedder.on.catalog.fetch("SELECT * FROM audio.embedding_failures")
    assert (failure["audio_id"], failure["reason"]) == (event.audio_id, embedder.rejected[0].reason)
    async with embedder.client("lead") as client:
        state = (await client.get("/api/embedder")).json()
    assert (state["embedded"], state["waiting"], state["failed"]) == (0, 0, 1)


async def test_the_same_event_twice_gives_one_embedding(embedder):
    event = await embedder.catalog(0, tone(440))
    await embedder.on.bus.publish(event)
    await embedder.on.bus.publish(event)
    other = await embedder.catalog(1, tone(880))
    await embedder.until_done(embedded=1)
    await embedder.on.bus.publish(other)
    await embedder.until_done(embedded=2)
    assert len(await embedder.vectors()) == len(embedder.embedded) == 2


async def test_catching_up_embeds_what_no_event_told(embedder):
    events = [await embedder.catalog(number, tone(100 * number + 100)) for number in range(9)]
    async with another(embedder) as second:
        await Backlog(embedder.on, second).catch_up()
    assert set(await embedder.vectors()) == {event.audio_id for event in events}


async def test_a_store_that_is_away_is_waited_for(embedder, monkeypatch):
    event = await embedder.catalog(0, tone(440))
    away = [True]
    get = embedder.on.objects.get

    async def sometimes(key: str) -> bytes:
        if away.pop():
            away.append(False)
            raise Transient("the store is away")
        away.append(False)
        return await get(key)

    monkeypatch.setattr(embedder.on.objects, "get", sometimes)
    await embedder.on.bus.publish(event)
    await embedder.until_done(embedded=1)
    assert embedder.rejected == []


async def test_a_model_that_is_broken_is_not_ready_until_it_embeds_again(embedder, monkeypatch):
    async def readiness() -> int:
        async with embedder.client(None) as client:
            return (await client.get("/readyz")).status_code

    def broken(*_: object) -> Embedded:
        raise RuntimeError("device-side assert triggered")

    assert await readiness() == 200
    with monkeypatch.context() as patch:
        patch.setattr(Placeholder, "embed", broken)
        await embedder.on.bus.publish(await embedder.catalog(0, tone(440)))
        async with asyncio.timeout(30):
            while await readiness() != 503:
                await asyncio.sleep(0.02)
    await embedder.until_done(embedded=1)
    assert await readiness() == 200


async def test_a_model_that_is_broken_says_why_it_is_not_ready(embedder):
    class Broken(Placeholder):
        model_id = "broken-1"  # its own: the embedder at work may be done with the audio first

        def embed(self, waveforms: Sequence[FloatArray]) -> Embedded:
            raise RuntimeError("device-side assert triggered")

    event = await embedder.catalog(0, tone(440))
    async with another(embedder, Broken()) as one:
        assert await one.ready() is None
        with pytest.raises(Transient):
            await one.embed([AudioKey(event.audio_id, event.start)])
        assert "even on silence (device-side assert triggered)" in str(await one.ready())


@pytest.mark.parametrize(("role", "status"), [(None, 401), ("labeler", 403), ("lead", 200)])
async def test_how_far_it_is_is_told_to_leads(embedder, role, status):
    async with embedder.client(role) as client:
        assert (await client.get("/api/embedder")).status_code == status
