"""What becomes of `AudioRecorded`: the catalog, the answers, and each kind of bad input."""

import asyncio
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from prometheus_client import CollectorRegistry
from unit.ingest.at_work import IngestAtWork, wav

from escolta.bus import Message, Verdict
from escolta.clock import ManualClock
from escolta.events import AudioAccepted, AudioCataloged, AudioHeld, AudioRefused, UploadGranted
from escolta.note import note_of
from escolta.objects import open_objects
from ingest import held
from ingest.checks import unknown_node
from ingest.held import Mended
from ingest.recorded import Cataloging

START = datetime(2024, 2, 29, 23, 59, 55, 123456, tzinfo=UTC)


async def test_an_audio_enters_the_catalog_with_all_that_is_known_of_it(ingest: IngestAtWork) -> None:
    event = await ingest.upload(wav(), start=START)
    await ingest.publish(event)
    await ingest.until_said(AudioCataloged, event)
    row = await ingest.on.catalog.fetchrow(
        "SELECT audios.*, nodes.name AS node, paths.path FROM audio.audios "
        "JOIN audio.nodes USING (node_id) JOIN audio.paths USING (path_id)"
    )
    assert row["audio_id"] == event.audio_id
    assert row["start_utc"] == START
    assert row["node"] == "quay-1"
    assert row["path"] + row["object_name"] == event.object_key
    assert row["file_name"] == "dawn.wav"
    assert (row["samples"], row["rate_hz"], row["channels"], row["bits_per_sample"]) == (1600, 16_000, 1, 16)
    assert row["duration_s"] == pytest.approx(0.1)
    assert row["sha256"].hex() == event.sha256
    assert row["clock_state"] == "synchronized"
    assert row["channels_heard"] is None


async def test_what_the_store_has_proven_is_not_fetched(
    ingest: IngestAtWork, monkeypatch: pytest.MonkeyPatch
) -> None:
    event = ingest.event(wav())
    await ingest.on.objects.put(event.object_key, wav(), note_of(event))
    monkeypatch.setattr(ingest.on.objects, "get", None)
    await ingest.publish(event.model_copy(update={"stored": True}))
    await ingest.until_said(AudioAccepted, event)


async def test_what_was_not_uploaded_is_granted_without_a_look(
    ingest: IngestAtWork, monkeypatch: pytest.MonkeyPatch
) -> None:
    event = ingest.event(wav(), stored=False)
    monkeypatch.setattr(ingest.on.objects, "head", None)
    await ingest.publish(event)
    await ingest.until_said(UploadGranted, event)


async def test_what_is_said_to_be_stored_and_is_not_is_granted_again(ingest: IngestAtWork) -> None:
    event = ingest.event(wav(), stored=False)
    await ingest.publish(event, event.model_copy(update={"stored": True}))
    await ingest.until_said(UploadGranted, event, times=2)
    assert ingest.said(AudioAccepted, event) == 0


async def test_the_node_and_the_embedder_hear_of_the_audio(ingest: IngestAtWork) -> None:
    event = await ingest.upload(wav())
    await ingest.publish(event)
    await ingest.until_said(AudioAccepted, event)
    await ingest.until_said(AudioCataloged, event)
    assert AudioAccepted(audio_id=event.audio_id, node="quay-1", sha256=event.sha256) in ingest.heard
    told = AudioCataloged(audio_id=event.audio_id, start=event.start, object_key=event.object_key)
    assert told in ingest.heard


async def test_the_embedder_hears_of_audios_that_came_together_in_few_messages(ingest: IngestAtWork) -> None:
    later = [START + timedelta(seconds=10 * number) for number in range(20)]
    events = [await ingest.upload(wav(), start=start) for start in later]
    on = replace(ingest.on, metrics=CollectorRegistry())
    await Cataloging(on).settle([*events, events[0]])
    starts: dict[UUID, datetime] = {}

    async def all_told() -> bool:
        for message in ingest.heard:
            if isinstance(message, AudioCataloged):
                starts[message.audio_id] = message.start
                starts.update((other.audio_id, other.start) for other in message.further)
        return len(starts) == 20

    await ingest.until(all_told)
    assert starts == {event.audio_id: event.start for event in events}
    assert [1 + len(said.further) for said in ingest.heard if isinstance(said, AudioCataloged)] == [8, 8, 4]


async def test_an_event_that_comes_twice_gives_one_row_and_two_answers(ingest: IngestAtWork) -> None:
    event = await ingest.upload(wav())
    await ingest.publish(event, event)
    await ingest.until_said(AudioAccepted, event, times=2)
    assert await ingest.on.catalog.fetchval("SELECT count(*) FROM audio.audios") == 1


async def test_a_lost_answer_is_given_again_when_the_node_asks_later(ingest: IngestAtWork) -> None:
    event = await ingest.upload(wav())
    await ingest.publish(event)
    await ingest.until_said(AudioCataloged, event)
    ingest.heard.clear()
    await ingest.on.objects.delete(event.object_key)  # nothing is fetched for it
    await ingest.publish(event)
    await ingest.until_said(AudioAccepted, event)
    assert ingest.said(UploadGranted, event) == 0


async def test_what_is_not_in_the_store_is_granted_and_then_cataloged(ingest: IngestAtWork) -> None:
    sound = wav()
    event = ingest.event(sound)
    await ingest.publish(event)
    await ingest.until_said(UploadGranted, event)
    [granted] = [said for said in ingest.heard if isinstance(said, UploadGranted)]
    assert (granted.url, granted.headers) == ("", {})
    assert ingest.said(AudioAccepted, event) == 0
    await ingest.on.objects.put(event.object_key, sound)
    await ingest.publish(event)
    await ingest.until_said(AudioCataloged, event)
    assert await ingest.cataloged() == {event.audio_id}


async def test_what_time_will_mend_is_held_at_its_node_and_listed_until_it_is_mended(
    ingest: IngestAtWork,
) -> None:
    sound = wav()
    soon = datetime.now(UTC) + timedelta(hours=1)
    strange, early = ingest.event(sound, node="raft-9"), ingest.event(sound, start=soon)
    messages = [Message(strange), Message(strange), Message(early)]
    await Cataloging(replace(ingest.on, metrics=CollectorRegistry())).catalog(messages)
    assert {message.verdict for message in messages} == {Verdict.DONE}
    await ingest.until_said(AudioHeld, early)
    assert ingest.said(AudioHeld, strange) == 2
    [ahead, unknown] = await ingest.held()
    assert (unknown["node"], unknown["kind"], unknown["audios"], unknown["until"]) == (
        "raft-9",
        "unknown_node",
        1,
        None,
    )
    assert "No node is called raft-9: register it" in unknown["reason"]
    assert (ahead["node"], ahead["kind"]) == ("quay-1", "clock")
    assert datetime.fromisoformat(ahead["until"]) == soon
    assert "set the clock that is wrong" in ahead["reason"]

    async with ingest.client() as client:
        await client.post("/api/nodes", json={"name": "raft-9"})
    assert [row["kind"] for row in await ingest.held()] == ["clock"]
    await Mended(replace(ingest.on, clock=ManualClock(soon))).forget()
    assert await ingest.on.catalog.fetchval("SELECT count(*) FROM audio.held") == 0


async def test_of_what_waits_a_thousand_rows_are_kept_the_last_told(ingest: IngestAtWork) -> None:
    first, later = datetime.now(UTC), datetime.now(UTC) + timedelta(seconds=1)
    names = [f"raft-{number}" for number in range(1001)]
    await held.keep(ingest.on.catalog, [held.Waiting(name, unknown_node(name), 1) for name in names], first)
    await held.keep(ingest.on.catalog, [held.Waiting("buoy", unknown_node("buoy"), 1)], later)
    kept = {row["node"] for row in await held.waiting(ingest.on.catalog, later)}
    assert len(kept) == held.MOST
    assert "buoy" in kept


async def test_audios_of_many_months_enter_in_one_batch(ingest: IngestAtWork) -> None:
    starts = [datetime(2023, month, 1, tzinfo=UTC) - timedelta(microseconds=1) for month in range(1, 13)]
    events = [await ingest.upload(wav(), start=start) for start in starts]
    await ingest.publish(*events)
    for event in events:
        await ingest.until_said(AudioAccepted, event)
    assert await ingest.cataloged() == {event.audio_id for event in events}


async def test_two_ingests_may_get_the_same_audios(ingest: IngestAtWork) -> None:
    events = [await ingest.upload(wav(), minutes_ago=minutes) for minutes in range(60, 80)]
    both = [Cataloging(replace(ingest.on, metrics=CollectorRegistry())) for _ in range(2)]
    forth, back = ([Message(event) for event in order] for order in (events, reversed(events)))
    await asyncio.gather(both[0].catalog(forth), both[1].catalog(back))
    assert {message.verdict for message in forth + back} == {Verdict.DONE}
    assert await ingest.cataloged() == {event.audio_id for event in events}


async def test_each_bad_audio_is_quarantined_with_its_reason_and_the_batch_is_unharmed(
    ingest: IngestAtWork,
) -> None:
    sound = wav()
    bad = {
        "bytes in the object store, and": await ingest.upload(sound, minutes_ago=1, size_bytes=3),
        "lasts 61.0 s": await ingest.upload(sound, minutes_ago=4, samples=61 * 16_000),
        "is not what the node sent": await ingest.upload(sound, minutes_ago=5, sha256="0" * 64),
        "does not say how large it is": ingest.event(sound, minutes_ago=7, size_bytes=None),
        "an audio may have": ingest.event(sound, minutes_ago=11, size_bytes=10**10),
        "is not an object key": ingest.event(sound, minutes_ago=8, object_key="audio/quay-1/../../etc"),
        "objects lie below audio/quay-1/": ingest.event(sound, minutes_ago=10, object_key="audio/quay-10/a"),
    }
    good = [await ingest.upload(sound, minutes_ago=minutes) for minutes in (20, 21, 22)]
    await ingest.publish(good[0], *bad.values(), *good[1:])

    rows = {row["audio_id"]: row for row in await ingest.quarantined(len(bad))}
    for words, event in bad.items():
        row = rows[event.audio_id]
        assert words in row["reason"]
        assert (row["node"], row["object_key"]) == (event.node, event.object_key)
        await ingest.until_said(AudioRefused, event)
        assert ingest.said(AudioAccepted, event) == ingest.said(AudioCataloged, event) == 0
    for event in good:
        await ingest.until_said(AudioAccepted, event)
    assert await ingest.cataloged() == {event.audio_id for event in good}


async def test_a_message_that_is_not_json_is_quarantined_and_the_batch_is_unharmed(
    ingest: IngestAtWork,
) -> None:
    event = await ingest.upload(wav())
    await ingest.publish(b"\xff\x00 not JSON", event)
    [row] = await ingest.quarantined(1)
    assert "not JSON" in row["reason"]
    assert (row["node"], row["audio_id"], row["object_key"]) == (None, None, None)
    await ingest.until_said(AudioAccepted, event)


async def test_a_message_that_lacks_a_field_is_quarantined_with_what_it_does_say(
    ingest: IngestAtWork,
) -> None:
    event = await ingest.upload(wav())
    half = event.model_dump(mode="json")
    del half["sha256"]
    await ingest.publish(json.dumps(half).encode(), event)
    [row] = await ingest.quarantined(1)
    assert row["reason"] == "AudioRecorded lacks the field 'sha256'"
    assert (row["node"], row["audio_id"], row["object_key"]) == ("quay-1", event.audio_id, event.object_key)
    await ingest.until_said(AudioAccepted, event)
    assert ingest.said(AudioRefused, event) == 0


async def test_another_sound_at_the_same_place_is_refused_and_the_first_one_kept(
    ingest: IngestAtWork,
) -> None:
    first = await ingest.upload(wav(seed=1), start=START, object_key="audio/quay-1/first.wav")
    second = await ingest.upload(wav(seed=2), start=START, object_key="audio/quay-1/second.wav")
    assert first.audio_id == second.audio_id
    await ingest.publish(first)
    await ingest.until_said(AudioAccepted, first)
    await ingest.publish(second)
    [row] = await ingest.quarantined(1)
    assert "already has another sound of this node" in row["reason"]
    assert row["object_key"] == second.object_key
    assert ingest.said(AudioAccepted, first) == 1
    assert (await ingest.on.catalog.fetchval("SELECT sha256 FROM audio.audios")).hex() == first.sha256


async def test_of_two_sounds_at_one_place_in_one_batch_one_is_kept(ingest: IngestAtWork) -> None:
    keys = ("audio/quay-1/first.wav", "audio/quay-1/second.wav")
    events = [
        await ingest.upload(wav(seed=seed), start=START, object_key=key) for seed, key in enumerate(keys)
    ]
    messages = [Message(event) for event in events]
    await Cataloging(replace(ingest.on, metrics=CollectorRegistry())).catalog(messages)
    assert sorted(message.verdict.value for message in messages) == ["done", "reject"]


async def test_an_object_store_that_is_away_refuses_nothing(ingest: IngestAtWork) -> None:
    event = await ingest.upload(wav())
    nowhere = open_objects("s3://key:secret@127.0.0.1:1/nowhere")
    message = Message(event)
    on = replace(ingest.on, objects=nowhere, metrics=CollectorRegistry())
    await Cataloging(on).catalog([message])
    assert message.verdict is Verdict.RETRY
    assert "cannot be reached" in message.reason


async def test_refusals_and_stages_are_counted(ingest: IngestAtWork) -> None:
    lost = await ingest.upload(b"words", minutes_ago=1, sha256="0" * 64)
    await ingest.publish(await ingest.upload(wav()), lost)
    await ingest.quarantined(1)
    value = ingest.on.metrics.get_sample_value
    assert value("escolta_ingest_accepted_total") == 1
    assert value("escolta_ingest_refused_total", {"kind": "sha256"}) == 1
    for stage in ("ask", "fetch", "insert", "publish"):
        assert (value("escolta_ingest_stage_seconds_count", {"stage": stage}) or 0) >= 1
