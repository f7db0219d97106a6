"""Catching up when things fail: what ends a round, what does not, and how far the next one looks back."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta

import pytest
from unit.embedder.at_work import START, EmbedderAtWork, another, tone

from embedder.backlog import Backlog
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


async def test_after_a_round_without_failures_only_the_last_day_is_looked_at(embedder, store):
    async with another(embedder) as one:
        backlog = Backlog(embedder.on, one)
        await backlog.catch_up()
        old, new = await catalog(embedder, 2)
        await cataloged_before(embedder, [old], days=2)
        await backlog.catch_up()
    assert set(await embedder.vectors()) == {new.audio_id}


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
