"""Rows that are made again from the objects in the store."""

from dataclasses import replace

import pytest
from prometheus_client import CollectorRegistry
from unit.ingest.at_work import IngestAtWork, wav

from escolta.events import AudioCataloged, AudioRecorded
from escolta.note import note_of
from ingest.rescan import rescanning
from ingest.rescan.rescanning import Rescan, Rescanned


@pytest.fixture
def complaints() -> list[str]:
    return []


@pytest.fixture
def walk(ingest: IngestAtWork, complaints: list[str]) -> Rescan:
    on = replace(ingest.on, metrics=CollectorRegistry())
    return Rescan(on, lambda _: None, complaints.append)


async def stored(ingest: IngestAtWork, seed: int, **changes) -> AudioRecorded:
    """An audio as its node leaves it in the store: sound and note."""
    content = wav(seed=seed)
    event = ingest.event(content, minutes_ago=60 + seed, **changes)
    await ingest.on.objects.put(event.object_key, content, note_of(event))
    return event


async def rows(ingest: IngestAtWork) -> list:
    found = await ingest.on.catalog.fetch(
        "SELECT audios.*, nodes.name AS node FROM audio.audios JOIN audio.nodes USING (node_id)"
        " ORDER BY audio_id"
    )
    return [{name: value for name, value in row.items() if name != "cataloged_at"} for row in found]


async def test_a_lost_catalog_comes_back_as_it_was(ingest, walk):
    events = [await stored(ingest, seed) for seed in range(40)]
    await ingest.publish(*events)
    for event in events:
        await ingest.until_said(AudioCataloged, event)
    before = await rows(ingest)
    await ingest.on.catalog.execute("DELETE FROM audio.audios")
    await walk.walk()
    assert walk.found == Rescanned(objects=40, rebuilt=40, left=0)
    assert await rows(ingest) == before


async def test_what_the_catalog_has_is_not_fetched_again(ingest, walk, monkeypatch):
    event = await stored(ingest, 1)
    await ingest.publish(event)
    await ingest.until_said(AudioCataloged, event)
    monkeypatch.setattr(ingest.on.objects, "get", None)
    monkeypatch.setattr(ingest.on.objects, "head", None)
    await walk.walk()
    assert walk.found == Rescanned(objects=1)


async def test_a_node_that_the_catalog_has_forgotten_is_registered_again(ingest, walk):
    await stored(ingest, 1, node="quay-9")
    await walk.walk()
    assert [row["node"] for row in await rows(ingest)] == ["quay-9"]


async def test_what_cannot_become_a_row_is_told_one_by_one_and_its_neighbors_go_on(ingest, walk, complaints):
    good = await stored(ingest, 1)
    await ingest.on.objects.put("audio/quay-1/no-note.wav", wav())
    await ingest.on.objects.put("audio/quay-1/strange.wav", wav(), "bm90aGluZw==")
    damaged = ingest.event(wav(seed=3), minutes_ago=70)
    await ingest.on.objects.put(damaged.object_key, wav(seed=4), note_of(damaged))
    foreign = ingest.event(wav(seed=5), node="quay-2", object_key="audio/quay-1/foreign.wav")
    await ingest.on.objects.put(foreign.object_key, wav(seed=5), note_of(foreign))
    await walk.walk()
    assert walk.found == Rescanned(objects=5, rebuilt=1, left=4)
    assert await ingest.cataloged() == {good.audio_id}
    told = "\n".join(sorted(complaints))
    assert "the note of audio/quay-1/no-note.wav tells of no audio" in told
    assert "the note of audio/quay-1/strange.wav tells of no audio" in told
    assert f"{damaged.object_key}: dawn.wav of node quay-1 is not what the node sent" in told
    assert "audio/quay-1/foreign.wav: No node is called quay-2" in told


async def test_it_goes_on_where_it_was_broken_off(ingest, walk, monkeypatch):
    monkeypatch.setattr(rescanning, "KEYS_AT_ONCE", 3)
    for seed in range(7):
        await stored(ingest, seed)
    keys = ingest.on.objects.keys

    async def broken_off(prefix):
        listed = 0
        async for key in keys(prefix):
            if listed == 4:
                raise KeyboardInterrupt
            listed += 1
            yield key

    monkeypatch.setattr(ingest.on.objects, "keys", broken_off)
    with pytest.raises(KeyboardInterrupt):
        await walk.walk()
    assert walk.found == Rescanned(objects=3, rebuilt=3)
    monkeypatch.setattr(ingest.on.objects, "keys", keys)
    again = Rescan(replace(ingest.on, metrics=CollectorRegistry()), lambda _: None, lambda _: None)
    await again.walk()
    assert again.found == Rescanned(objects=7, rebuilt=4)
