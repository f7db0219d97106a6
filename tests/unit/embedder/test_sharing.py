"""Several embedders and several models at once, and what becomes of work that ends in the middle."""

import asyncio
import contextlib
import hashlib
import threading
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import timedelta

import asyncpg
import numpy as np
import pytest
from unit.embedder.at_work import START, EmbedderAtWork, another, tone

from embedder import store, wanted_first
from embedder.backlog import Backlog
from embedder.models.model import Embedded, FloatArray, PatchScores
from embedder.models.placeholder import Placeholder
from embedder.store import AudioKey
from escolta.errors import Transient

PATIENCE_S = 240.0


class Double(Placeholder):
    """A model under another id that counts what it hears and may do something before it computes."""

    model_id = "double-1"

    def __init__(self, before: Callable[[], object] = lambda: None) -> None:
        super().__init__()
        self._before = before
        self.heard: Counter[str] = Counter()
        self.order: list[str] = []

    def embed(self, waveforms: Sequence[FloatArray]) -> Embedded:
        self._before()
        sounds = [digest(waveform) for waveform in waveforms]
        self.heard.update(sounds)
        self.order += sounds
        return super().embed(waveforms)


def digest(waveform: FloatArray) -> str:
    return hashlib.sha256(waveform.tobytes()).hexdigest()[:8]


def samples(file: bytes) -> FloatArray:
    """Of a WAV file of 16 bits."""
    return np.frombuffer(file[44:], "<i2").astype(np.float32) / np.float32(32768)


async def catalog(embedder: EmbedderAtWork, audios: int) -> list[AudioKey]:
    events = [await embedder.catalog(number, tone(100 * number + 100)) for number in range(audios)]
    return [AudioKey(event.audio_id, event.start) for event in events]


async def embedded_by(embedder: EmbedderAtWork, model_id: str) -> set:
    rows = await embedder.on.catalog.fetch(
        "SELECT audio_id FROM audio.embeddings WHERE model_id = $1", model_id
    )
    return {row["audio_id"] for row in rows}


async def test_two_embedders_side_by_side_do_no_work_twice(embedder):
    keys = await catalog(embedder, 30)
    meet = threading.Barrier(2)

    def together() -> None:
        with contextlib.suppress(threading.BrokenBarrierError):  # an odd batch has nobody to meet
            meet.wait(2)

    model = Double(together)
    async with another(embedder, model) as first, another(embedder, model) as second:
        await asyncio.gather(*[Backlog(embedder.on, one).catch_up() for one in (first, second)])
        told_twice = await asyncio.gather(*[one.embed(keys[:4]) for one in (first, second)])
    assert len(model.heard) == 30
    assert set(model.heard.values()) == {1}
    assert told_twice == [{}, {}]
    assert await embedded_by(embedder, "double-1") == {key.audio_id for key in keys}


async def test_the_same_batch_at_two_embedders_at_once_is_computed_once(embedder):
    keys = await catalog(embedder, 4)
    async with another(embedder, model := Double()) as first, another(embedder, model) as second:
        await asyncio.gather(*[one.embed(keys) for one in (first, second, first, second)])
    assert set(model.heard.values()) == {1}


async def test_what_a_dead_process_had_claimed_is_free(embedder, catalog_url):
    keys = await catalog(embedder, 4)
    dying = await asyncpg.connect(catalog_url)
    await dying.execute("BEGIN")
    claimed, _ = await store.claim(dying, "double-1", keys)
    assert len(claimed) == 4
    async with another(embedder, Double()) as other:
        await other.embed(keys)
        assert await embedded_by(embedder, "double-1") == set()
        dying.terminate()  # as kill -9: no goodbye
        async with asyncio.timeout(PATIENCE_S):
            while not await embedded_by(embedder, "double-1"):
                await Backlog(embedder.on, other).catch_up()
    assert await embedded_by(embedder, "double-1") == {key.audio_id for key in keys}


async def test_the_next_batch_is_fetched_while_this_one_is_computed(embedder, monkeypatch):
    await catalog(embedder, 16)
    fetched, get = 0, embedder.on.objects.get
    next_is_there = threading.Event()

    async def counted(key: str) -> bytes:
        nonlocal fetched
        data = await get(key)
        fetched += 1
        if fetched == 8:
            next_is_there.set()
        return data

    monkeypatch.setattr(embedder.on.objects, "get", counted)
    seen: list[tuple[bool, int]] = []
    model = Double(lambda: seen.append((next_is_there.wait(PATIENCE_S), fetched)))
    async with another(embedder, model) as one:
        await Backlog(embedder.on, one).catch_up()
    assert len(await embedded_by(embedder, "double-1")) == 16
    came, ahead = seen[0]
    assert came, "the second batch was not fetched while the first was in the model"
    assert ahead == 8, "more than one batch was fetched ahead"


async def test_a_stop_lets_the_batches_under_way_end_and_begins_no_other(embedder):
    await catalog(embedder, 40)
    computing, go_on = threading.Event(), threading.Event()

    def before() -> None:
        computing.set()
        go_on.wait(PATIENCE_S)

    async with another(embedder, Double(before)) as one:
        catching_up = asyncio.create_task(Backlog(embedder.on, one).catch_up())
        await asyncio.to_thread(computing.wait, PATIENCE_S)
        catching_up.cancel()
        await asyncio.sleep(0)
        go_on.set()
        with pytest.raises(asyncio.CancelledError):
            await catching_up
    assert len(await embedded_by(embedder, "double-1")) in (4, 8)


async def test_a_file_that_breaks_the_model_stops_no_catching_up(embedder):
    keys = await catalog(embedder, 9)
    broken = np.frombuffer(tone(300)[44:], "<i2").astype(np.float32) / 32768

    class Allergic(Double):
        def embed(self, waveforms: Sequence[FloatArray]) -> Embedded:
            if any(np.array_equal(waveform, broken) for waveform in waveforms):
                raise ValueError("not this one")
            return super().embed(waveforms)

    async with another(embedder, Allergic()) as one:
        await Backlog(embedder.on, one).catch_up()
    assert await embedded_by(embedder, "double-1") == {key.audio_id for key in keys} - {keys[2].audio_id}
    [failure] = await embedder.on.catalog.fetch("SELECT audio_id, reason FROM audio.embedding_failures")
    assert failure["audio_id"] == keys[2].audio_id
    assert "not this one" in failure["reason"]


async def test_a_window_is_embedded_again_before_the_rest_while_the_old_model_serves(embedder):
    keys = await catalog(embedder, 12)
    async with another(embedder) as old:
        await Backlog(embedder.on, old).catch_up()
    before = await embedder.vectors()
    async with another(embedder, model := Double()) as new:
        backlog = Backlog(embedder.on, new)
        assert await backlog.put_first(keys[8].start, keys[10].start) == 2
        await backlog.catch_up()
        await backlog.catch_up()
    number_of = {digest(samples(tone(100 * number + 100))): number for number in range(len(keys))}
    order = [number_of[sound] for sound in model.order]
    assert {8, 9} < set(order[: 2 + embedder.on.settings.embed_batch])  # the next batch is prepared meanwhile
    ids = {key.audio_id for key in keys}
    assert await embedded_by(embedder, "double-1") == await embedded_by(embedder, Placeholder.model_id) == ids
    rows = await embedder.on.catalog.fetch("SELECT * FROM audio.embeddings WHERE model_id = 'placeholder-1'")
    for row in rows:
        np.testing.assert_array_equal(np.frombuffer(row["vector"], "<f2"), before[row["audio_id"]])
    [window] = await embedder.on.catalog.fetch("SELECT * FROM audio.embedding_windows")
    assert window["done_at"] is not None


async def test_a_window_that_is_asked_for_again_meanwhile_stays_open(embedder):
    async with another(embedder, Double()) as one:
        backlog = Backlog(embedder.on, one)
        await backlog.put_first(START, START + timedelta(hours=1))
        [found_empty] = await wanted_first.open_windows(embedder.on.catalog, "double-1")
        await backlog.put_first(START, START + timedelta(hours=1))
        await wanted_first.close_window(embedder.on.catalog, "double-1", found_empty)
        [asked_again] = await wanted_first.open_windows(embedder.on.catalog, "double-1")
        await wanted_first.close_window(embedder.on.catalog, "double-1", asked_again)
        assert await wanted_first.open_windows(embedder.on.catalog, "double-1") == []


async def test_what_failed_in_a_window_is_tried_again(embedder):
    event = await embedder.catalog(0, tone(440))
    await embedder.on.objects.delete(event.object_key)
    async with another(embedder, Double()) as one:
        backlog = Backlog(embedder.on, one)
        await backlog.catch_up()
        await embedder.on.objects.put(event.object_key, tone(440))
        await backlog.catch_up()
        assert await embedded_by(embedder, "double-1") == set()
        await backlog.put_first(START, START + timedelta(hours=1))
        await backlog.catch_up()
    assert await embedded_by(embedder, "double-1") == {event.audio_id}
    left = "SELECT FROM audio.embedding_failures WHERE model_id = 'double-1'"
    assert await embedder.on.catalog.fetch(left) == []


async def test_a_store_that_is_away_ends_the_round_and_harms_nothing(embedder, monkeypatch):
    keys = await catalog(embedder, 9)

    async def away(key: str) -> bytes:
        raise Transient("the store is away")

    async with another(embedder, Double()) as one:
        with monkeypatch.context() as patch:
            patch.setattr(embedder.on.objects, "get", away)
            with pytest.raises(Transient, match="away"):
                await Backlog(embedder.on, one).catch_up()
        await Backlog(embedder.on, one).catch_up()
    assert await embedded_by(embedder, "double-1") == {key.audio_id for key in keys}


async def test_patch_scores_are_kept_with_their_times(embedder):
    class Patchy(Double):
        def embed(self, waveforms: Sequence[FloatArray]) -> Embedded:
            whole = super().embed(waveforms)
            onsets_s = np.array([0, 0.48], np.float32)
            each = [np.stack([row, row / 2]).astype("f2") for row in whole.probabilities]
            scores = [PatchScores(onsets_s, one) for one in each]
            return Embedded(whole.vectors, whole.probabilities, scores)

    keys = await catalog(embedder, 5)
    async with another(embedder, model := Patchy()) as one:
        await Backlog(embedder.on, one).catch_up()
    rows = await embedder.on.catalog.fetch("SELECT * FROM audio.patches")
    assert {row["audio_id"] for row in rows} == {key.audio_id for key in keys}
    for row in rows:
        assert row["onsets_s"] == pytest.approx([0, 0.48])
        scores = np.frombuffer(row["scores"], np.uint8).reshape(2, len(model.class_names)) / 255
        assert scores[0].max() > 0.1
        np.testing.assert_allclose(scores[1], scores[0] / 2, atol=1 / 255)


@pytest.mark.parametrize(("role", "status"), [(None, 401), ("labeler", 403), ("lead", 202)])
async def test_a_window_is_put_first_by_leads(embedder, role, status):
    window = {"window_start": "2024-05-01T00:00:00Z", "window_end": "2024-05-02T00:00:00Z"}
    await embedder.catalog(0, tone(440))
    async with embedder.client(role) as client:
        answer = await client.post("/api/embedder/reembed", json=window)
        assert answer.status_code == status
        if role == "lead":
            assert answer.json() == {"model_id": "placeholder-1", "waiting": 1}
            backwards = {"window_start": window["window_end"], "window_end": window["window_start"]}
            assert (await client.post("/api/embedder/reembed", json=backwards)).status_code == 422


async def test_the_work_is_measured(embedder):
    events = [await embedder.catalog(0, tone(440)), await embedder.catalog(1, None)]
    for event in events:
        await embedder.on.bus.publish(event)
    await embedder.until_done(embedded=1, rejected=1)
    value = embedder.on.metrics.get_sample_value
    assert value("escolta_embedder_audios_total", {"outcome": "embedded"}) == 1
    assert value("escolta_embedder_failures_total", {"kind": "missing"}) == 1
    assert value("escolta_embedder_queue_age_seconds_count") == 1
    for stage in ("fetch", "decode", "resample", "front end", "network", "model", "write"):
        assert value("escolta_embedder_stage_seconds_count", {"stage": stage}) >= 1
