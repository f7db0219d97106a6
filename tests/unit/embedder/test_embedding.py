"""The embedder at work on a real catalog: what becomes of good audios, bad ones, and lost events."""

import asyncio
import errno
import io
import json
from collections.abc import Sequence

import numpy as np
import pytest
import soundfile
from unit.embedder.at_work import RATE_HZ, another, tone

from embedder.backlog import Backlog
from embedder.models.model import Embedded, FloatArray
from embedder.models.placeholder import Placeholder
from embedder.store import AudioKey
from escolta import audio
from escolta.bus import Message
from escolta.bus.port import Verdict
from escolta.errors import Transient
from escolta.events import AlsoCataloged, AudioCataloged


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


async def test_all_audios_of_one_message_are_embedded(embedder):
    first, *others = [await embedder.catalog(number, tone(200 * number + 200)) for number in range(6)]
    await embedder.on.bus.publish(with_others(first, others))
    await embedder.until_done(embedded=6)
    assert set(await embedder.vectors()) == {event.audio_id for event in (first, *others)}


async def test_a_message_comes_again_for_the_one_of_its_audios_that_could_not_be_had(embedder):
    first, *others = [await embedder.catalog(number, tone(200 * number + 200)) for number in range(3)]
    message = Message(with_others(first, others))
    async with another(embedder) as second:
        away = only_away(embedder.on.objects, others[1].object_key)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(embedder.on.objects, "get", away)
            await second.embed_cataloged([message])
        assert message.verdict is Verdict.RETRY
        assert set(await embedder.vectors()) == {first.audio_id, others[0].audio_id}
        await second.embed_cataloged([again := Message(message.event)])
        assert again.verdict is Verdict.DONE
    assert len(await embedder.vectors()) == 3


def with_others(first: AudioCataloged, others: Sequence[AudioCataloged]) -> AudioCataloged:
    further = tuple(AlsoCataloged(audio_id=other.audio_id, start=other.start) for other in others)
    return first.model_copy(update={"further": further})


def only_away(objects, key):
    """A `get` for which one object is away."""
    get = objects.get

    async def asked(wanted):
        if wanted == key:
            raise Transient("the disk is away")
        return await get(wanted)

    return asked


async def test_one_bad_file_harms_no_other_of_its_batch(embedder):
    good = [await embedder.catalog(number, tone(200 * number + 200)) for number in range(3)]
    bad = await embedder.catalog(3, tone(440)[:-7000])
    for event in (*good[:2], bad, good[2]):
        await embedder.on.bus.publish(event)
    await embedder.until_done(embedded=3, rejected=1)
    assert set(await embedder.vectors()) == {event.audio_id for event in good}
    assert "truncated" in embedder.rejected[0].reason
    assert str(bad.audio_id) in embedder.rejected[0].body


async def test_what_cannot_be_embedded_is_listed_by_its_name_and_its_object_stays(embedder):
    words = b"These are words and not a sound."
    bad = await embedder.catalog(0, words)
    await embedder.on.bus.publish(bad)
    await embedder.until_done(rejected=1)
    [told] = embedder.rejected
    assert f"{bad.audio_id}.wav of node quay-1 is not a sound file" in told.reason
    body = json.loads(told.body)
    assert (body["node"], body["object_key"]) == ("quay-1", bad.object_key)
    assert (body["audio_id"], body["file_name"]) == (str(bad.audio_id), f"{bad.audio_id}.wav")
    assert await embedder.on.objects.get(bad.object_key) == words


async def test_what_catching_up_cannot_embed_is_listed_too(embedder):
    bad = await embedder.catalog(0, tone(440)[:-7000])
    async with another(embedder) as second:
        await Backlog(embedder.on, second).catch_up()
    await embedder.until_done(rejected=1)
    assert str(bad.audio_id) in embedder.rejected[0].body


@pytest.mark.parametrize(
    ("told", "stored", "words"),
    [
        (tone(440), tone(880), "is not what the node sent: the object's sha256 begins with"),
        (tone(440), tone(440)[:-100], "It was damaged in the store: bring audio/"),
    ],
    ids=["another sound", "less"],
)
async def test_a_sound_that_is_not_its_nodes_is_not_embedded(embedder, told, stored, words):
    await embedder.on.bus.publish(await embedder.catalog(0, told, stored))
    await embedder.until_done(rejected=1)
    assert words in embedder.rejected[0].reason
    assert await embedder.vectors() == {}


@pytest.mark.parametrize(
    ("column", "value", "words"),
    [
        (
            "samples",
            15_999,
            "of 16 bits at 16000 Hz in 1 channel, but the node said 15999 samples",
        ),
        ("rate_hz", 8_000, "but the node said 16000 samples of 16 bits at 8000 Hz"),
        ("channels", 2, "but the node said 16000 samples of 16 bits at 16000 Hz in 2 channels"),
        ("bits_per_sample", 24, "but the node said 16000 samples of 24 bits"),
    ],
)
async def test_a_sound_that_its_node_told_wrong_is_listed(embedder, column, value, words):
    event = await embedder.catalog(0, tone(440))
    await embedder.on.catalog.execute(f"UPDATE audio.audios SET {column} = $1", value)
    await embedder.on.bus.publish(event)
    await embedder.until_done(rejected=1)
    assert words in embedder.rejected[0].reason


async def test_what_a_header_promises_is_judged_before_it_is_decoded(embedder, monkeypatch):
    def decode(*_):
        raise AssertionError("decoded")

    monkeypatch.setattr("embedder.hearing.decode", decode)
    out = io.BytesIO()
    silence = np.zeros((RATE_HZ * 600, 8), np.int16)  # ten minutes of eight channels: some thousand bytes
    soundfile.write(out, silence, RATE_HZ, format="FLAC", subtype="PCM_16")
    event = await embedder.catalog(0, out.getvalue())
    await embedder.on.catalog.execute("UPDATE audio.audios SET samples = 16000")
    await embedder.on.bus.publish(event)
    await embedder.until_done(rejected=1)
    assert "holds 9600000 samples" in embedder.rejected[0].reason


async def test_which_channels_are_heard_is_kept_where_it_is_not_all(embedder):
    gull, rate_hz = audio.read(tone(440))
    event = await embedder.catalog(0, audio.write(np.stack([gull, -gull], axis=1), rate_hz))
    await embedder.on.bus.publish(event)
    await embedder.on.bus.publish(await embedder.catalog(1, tone(440)))
    await embedder.until_done(embedded=2)
    heard = await embedder.on.catalog.fetch("SELECT channels_heard FROM audio.hearable ORDER BY start_utc")
    assert [row[0] for row in heard] == ["channel 1 of 2: channel 2 is inverted", None]


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


async def test_an_object_that_its_disk_cannot_read_is_told_and_not_tried_for_ever(embedder, monkeypatch):
    bad, good = await embedder.catalog(0, tone(440)), await embedder.catalog(1, tone(880))
    get = embedder.on.objects.get

    async def with_a_bad_sector(key: str) -> bytes:
        if key == bad.object_key:
            raise OSError(errno.EIO, "Input/output error")
        return await get(key)

    monkeypatch.setattr(embedder.on.objects, "get", with_a_bad_sector)
    await embedder.on.bus.publish(bad)
    await embedder.on.bus.publish(good)
    await embedder.until_done(embedded=1, rejected=1)
    assert f"{bad.object_key} cannot be read" in embedder.rejected[0].reason
    [failure] = await embedder.on.catalog.fetch("SELECT * FROM audio.embedding_failures")
    assert (failure["audio_id"], failure["reason"]) == (bad.audio_id, embedder.rejected[0].reason)


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
        async with asyncio.timeout(240):
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
