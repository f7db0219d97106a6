"""Catching up when things fail: what ends a round, what does not, and what the next one looks at."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import pytest
from unit.embedder.at_work import START, EmbedderAtWork, another, tone

from embedder import waiting
from embedder.backlog import Backlog
from embedder.store import AudioKey
from escolta.clock import ManualClock
from escolta.errors import Misconfigured, Transient
from escolta.events import AudioCataloged

Fail = Callable[[str], Exception | None]


class Store:
    """Says how often each key is asked for, and fails where `fail` says so."""

    def __init__(self, embedder: EmbedderAtWork, monkeypatch: pytest.MonkeyPatch) -> None:
        self.asked: Counter[str] = Counter()
        self.fail: Fail = lambda key: None
        self._get = embedder.on.objects.get
        monkeypatch.setattr(embedder.on.objects, "get", self.get)

    async def get(self, key: str) -> bytes:
        self.asked[key] += 1
        if error := self.fail(key):
            raise error
        return await self._get(key)


@pytest.fixture
def store(embedder: EmbedderAtWork, monkeypatch: pytest.MonkeyPatch) -> Store:
    return Store(embedder, monkeypatch)


async def catalog(embedder: EmbedderAtWork, audios: int, first: int = 0) -> list[AudioCataloged]:
    return [
        await embedder.catalog(number, tone(100 * number + 100)) for number in range(first, first + audios)
    ]


async def cataloged_before(embedder: EmbedderAtWork, events: Sequence[AudioCataloged], days: int) -> None:
    await embedder.on.catalog.execute(
        "UPDATE audio.audios SET cataloged_at = now() - $1::interval WHERE audio_id = ANY ($2)",
        timedelta(days=days),
        [event.audio_id for event in events],
    )


def only(event: AudioCataloged, error: Exception) -> Fail:
    return lambda key: error if key == event.object_key else None


async def test_one_audio_that_cannot_be_had_ends_no_round(embedder, store):
    events = await catalog(embedder, 24)
    store.fail = only(events[0], Transient("this one is away"))
    async with another(embedder) as one:
        with pytest.raises(Transient, match="this one is away"):
            await Backlog(embedder.on, one).catch_up()
    assert set(await embedder.vectors()) == {event.audio_id for event in events[1:]}


async def test_a_page_of_which_nothing_can_be_had_ends_the_round(embedder, store):
    await catalog(embedder, 40)
    store.fail = lambda key: Transient("the store is away")
    async with another(embedder) as one:
        with pytest.raises(Transient, match="the store is away"):
            await Backlog(embedder.on, one).catch_up()
    assert len(store.asked) <= 12  # three pages of four


async def test_a_window_with_an_audio_that_cannot_be_had_keeps_nothing_else_from_its_turn(embedder, store):
    events = await catalog(embedder, 24)
    store.fail = only(events[0], Transient("this one is away"))
    async with another(embedder) as one:
        backlog = Backlog(embedder.on, one)
        await backlog.put_first(START, START + timedelta(seconds=1))
        with pytest.raises(Transient, match="this one is away"):
            await backlog.catch_up()
    assert set(await embedder.vectors()) == {event.audio_id for event in events[1:]}
    assert store.asked[events[0].object_key] <= 2  # in its window and among all


@pytest.mark.parametrize(
    "error", [Transient("not just now"), Misconfigured("no key: set ESCOLTA_OBJECTS_URL")]
)
async def test_what_failed_for_want_of_something_is_found_again_however_old_it_is(embedder, store, error):
    events = await catalog(embedder, 3)
    await cataloged_before(embedder, events, days=9)
    store.fail = only(events[1], error)
    async with another(embedder) as one:
        backlog = Backlog(embedder.on, one)
        for _ in range(2):
            with pytest.raises(type(error), match=str(error)):
                await backlog.catch_up()
        store.fail = lambda key: None
        await backlog.catch_up()
    assert set(await embedder.vectors()) == {event.audio_id for event in events}


async def test_rounds_that_failed_for_days_leave_no_gap(embedder, store):
    clock = ManualClock(embedder.on.clock.now())
    async with another(embedder) as one:
        backlog = Backlog(replace(embedder.on, clock=clock), one)
        await backlog.catch_up()
        events = await catalog(embedder, 1)
        store.fail = lambda key: Transient("the store is away")
        for _ in range(3):
            await clock.advance(24 * 3600)
            with pytest.raises(Transient, match="away"):
                await backlog.catch_up()
        store.fail = lambda key: None
        await backlog.catch_up()
    assert set(await embedder.vectors()) == {event.audio_id for event in events}


async def test_what_a_round_has_seen_is_not_looked_at_again_whoever_starts_anew(embedder, store):
    seen, after = await catalog(embedder, 2)
    await cataloged_before(embedder, [seen], days=2)
    await cataloged_before(embedder, [after], days=1)
    async with another(embedder) as one:
        await Backlog(embedder.on, one).catch_up()
        model_id = one.model.model_id
        assert (await waiting.mark(embedder.on.catalog, model_id)).audio_id == after.audio_id
        await embedder.on.catalog.execute("DELETE FROM audio.embeddings")  # who looks again would see it
        late = await catalog(embedder, 1, first=2)
        await Backlog(embedder.on, one).catch_up()
    assert set(await embedder.vectors()) == {event.audio_id for event in late}


async def test_an_old_recording_that_comes_late_is_found_behind_newer_ones(embedder, store):
    newer = await catalog(embedder, 4, first=10)
    await cataloged_before(embedder, newer, days=1)
    async with another(embedder) as one:
        await Backlog(embedder.on, one).catch_up()
        older = await catalog(embedder, 4)
        await Backlog(embedder.on, one).catch_up()
    assert set(await embedder.vectors()) == {event.audio_id for event in [*newer, *older]}


async def test_an_audio_whose_transaction_began_before_others_were_seen_is_found(embedder, store):
    others = await catalog(embedder, 4)
    async with another(embedder) as one:
        await Backlog(embedder.on, one).catch_up()
        [slow] = await catalog(embedder, 1, first=4)
        await embedder.on.catalog.execute(
            "UPDATE audio.audios SET cataloged_at = now() - interval '14 minutes' WHERE audio_id = $1",
            slow.audio_id,
        )
        await Backlog(embedder.on, one).catch_up()
    assert slow.audio_id in await embedder.vectors()
    assert len(await embedder.vectors()) == len(others) + 1


async def test_the_mark_passes_an_audio_that_cannot_be_had_and_the_queue_keeps_it(embedder, store):
    events = await catalog(embedder, 12)
    await cataloged_before(embedder, events, days=9)
    store.fail = only(events[0], Transient("this one is away"))
    async with another(embedder) as one:
        backlog = Backlog(embedder.on, one)
        for _ in range(3):
            with pytest.raises(Transient, match="away"):
                await backlog.catch_up()
        last = max(events, key=lambda event: event.audio_id)  # they all came at once
        assert (await waiting.mark(embedder.on.catalog, one.model.model_id)).audio_id == last.audio_id
        assert await queued(embedder) == {events[0].audio_id}
        store.fail = lambda key: None
        await backlog.catch_up()
    assert await queued(embedder) == set()


async def test_what_an_event_brought_meanwhile_leaves_the_queue_without_being_heard_again(embedder, store):
    events = await catalog(embedder, 2)
    async with another(embedder) as one:
        catalog_, model_id = embedder.on.catalog, one.model.model_id
        await waiting.look(catalog_, model_id, waiting.EVERYTHING, waiting.Place())
        await one.embed([AudioKey(event.audio_id, event.start) for event in events])
        await Backlog(embedder.on, one).catch_up()
    assert await queued(embedder) == set()
    assert set(store.asked.values()) == {1}


async def test_more_than_one_look_sees_is_embedded_in_one_round(embedder, store, monkeypatch):
    monkeypatch.setattr(waiting, "LOOKED_AT", 3)
    events = await catalog(embedder, 20)
    async with another(embedder) as one:
        await Backlog(embedder.on, one).put_first(START, START + timedelta(seconds=75))
        await Backlog(embedder.on, one).catch_up()
    assert set(await embedder.vectors()) == {event.audio_id for event in events}
    assert await queued(embedder) == set()


async def queued(embedder: EmbedderAtWork) -> set[UUID]:
    return {row["audio_id"] for row in await embedder.on.catalog.fetch("SELECT * FROM audio.embedding_queue")}


async def test_how_long_the_oldest_waits_is_told_in_an_outage_too(embedder, store):
    async with another(embedder) as one:
        backlog = Backlog(embedder.on, one)

        def told() -> float | None:
            return one._on.metrics.get_sample_value("escolta_embedder_oldest_waiting_seconds")

        await cataloged_before(embedder, await catalog(embedder, 2), days=9)
        store.fail = lambda key: Transient("the store is away")
        with pytest.raises(Transient, match="away"):
            await backlog.catch_up()
        assert told() == pytest.approx(9 * 24 * 3600, abs=60)
        store.fail = lambda key: None
        await backlog.catch_up()
        await backlog.catch_up()
        assert told() == 0
