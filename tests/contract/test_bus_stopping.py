"""How a bus stops, and what bounds it."""

import asyncio

import pytest
from contract.bus_ears import Batch, Listener
from contract.buses import (
    Buses,
    Rang,
    across,
    eventually,
    over_each_broker,
    where_consumers_share,
)

from escolta.bus import Message, Subscription, local
from escolta.errors import Transient


@across
async def test_a_stop_in_mid_work_loses_and_doubles_nothing(buses: Buses):
    handled: list[int] = []
    begun, go = asyncio.Event(), asyncio.Event()

    async def handle(messages: Batch) -> None:
        begun.set()
        await go.wait()
        handled.extend(message.event.number for message in messages)

    bus = await buses.listen(Subscription(Rang, handle, batch=4, delays_s=(0.01,)))
    await buses.publish(*(Rang(number=number) for number in range(40)))
    await eventually(begun.is_set)
    stopping = asyncio.create_task(bus.stop())
    await asyncio.sleep(0.1)
    go.set()
    await stopping
    assert 1 <= len(handled) <= 4
    await buses.listen_again(bus)
    await eventually(lambda: sorted(handled) == list(range(40)))


@where_consumers_share
async def test_a_message_that_waits_for_its_retry_outlives_a_stop(buses: Buses):
    def judge(message: Message[Rang]) -> None:
        if message.attempt == 1:
            message.retry("later")

    listener = Listener(judge)
    bus = await buses.listen(Subscription(Rang, listener, delays_s=(0.5,)))
    await buses.publish(Rang(number=1))
    await eventually(lambda: listener.attempts == [1])
    await bus.stop()
    await buses.listen_again(bus)
    await eventually(lambda: listener.attempts == [1, 2])


async def test_a_bus_that_was_never_started_can_be_stopped(buses: Buses):
    await buses.open(buses.url(buses.listens)).stop()


@over_each_broker
async def test_whoever_publishes_while_the_bus_stops_is_told_that_it_is_not_confirmed(buses: Buses):
    bus = await buses.start(buses.open(buses.url(buses.sends)))
    publishing = [asyncio.create_task(bus.publish(Rang(number=number))) for number in range(100)]
    await asyncio.sleep(0)
    await bus.stop()
    outcomes = await asyncio.gather(*publishing, return_exceptions=True)
    assert {type(outcome) for outcome in outcomes} <= {type(None), Transient}
    assert any(isinstance(outcome, Transient) for outcome in outcomes)


@pytest.mark.parametrize("reach", ["memory"], indirect=True)
async def test_a_full_queue_in_memory_makes_its_publishers_wait(
    buses: Buses, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(local, "QUEUE_BOUND", 3)
    released = asyncio.Event()
    handled: list[int] = []

    async def handle(messages: Batch) -> None:
        await released.wait()
        handled.extend(message.event.number for message in messages)

    await buses.listen(Subscription(Rang, handle))
    published: list[int] = []

    async def publish() -> None:
        for number in range(10):
            await buses.publish(Rang(number=number))
            published.append(number)

    publishing = asyncio.create_task(publish())
    await asyncio.sleep(0.05)
    ahead = list(published)
    released.set()
    await publishing
    assert ahead == [0, 1, 2]
    await eventually(lambda: handled == list(range(10)))
