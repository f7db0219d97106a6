"""What RabbitMQ's queues bear: to be deleted, to kill their consumers, and a kill of the broker."""

import asyncio
from collections.abc import Sequence
from typing import ClassVar

import pytest
from contract.bus_ears import Listener, Quarantine
from contract.buses import (
    PATIENCE_S,
    Answered,
    Buses,
    Rang,
    amqp_channel,
    eventually,
    over_rabbit,
    published_at_last,
    take,
)

from escolta.bus import Message, Subscription
from escolta.bus.delivery import MAX_DELIVERIES
from escolta.events import Event, MessageRejected


@over_rabbit
async def test_a_queue_that_was_deleted_under_its_consumer_is_made_again(buses: Buses):
    listener = Listener()
    await buses.listen(Subscription(Rang, listener))
    async with amqp_channel(buses.url("rabbit")) as channel:
        await channel.queue_delete(f"{buses.service}.test.rang")
    async with asyncio.timeout(PATIENCE_S):
        while not listener.numbers:
            await published_at_last(buses, Rang(number=1))
            await asyncio.sleep(0.05)


@over_rabbit
@pytest.mark.parametrize(("event", "delivery_mode"), [(Rang(number=1), 2), (Answered(), 1)])
async def test_the_broker_is_asked_to_keep_what_nobody_asks_for_again(
    buses: Buses, event: Event, delivery_mode: int
):
    async with amqp_channel(buses.url("rabbit")) as channel:
        queue = await channel.declare_queue(exclusive=True)
        await queue.bind("amq.topic", event.topic)
        await buses.publish(event)
        assert (await take(channel, queue.name)).delivery_mode == delivery_mode


@over_rabbit
async def test_events_of_all_sizes_that_are_sent_at_once_arrive_in_their_order(buses: Buses):
    listener = Listener()
    await buses.listen(Subscription(Rang, listener, batch=300))
    await buses.publish(Rang(number=0))
    await asyncio.gather(*(buses.publish(Rang(number=10**300 + number)) for number in range(300)))
    await eventually(lambda: len(listener.numbers) == 301)
    assert listener.numbers == [0, *(10**300 + number for number in range(300))]


@over_rabbit
async def test_an_event_that_is_longer_than_a_frame_arrives_whole(buses: Buses):
    heard: list[Spoke] = []

    async def listen(messages: Sequence[Message[Spoke]]) -> None:
        heard.extend(message.event for message in messages)

    await buses.listen(Subscription(Spoke, listen))
    await buses.publish(Spoke(words="word " * 100_000))
    await eventually(lambda: heard)
    assert heard == [Spoke(words="word " * 100_000)]


class Spoke(Event):
    """a test -> a test. Somebody spoke for long."""

    topic: ClassVar[str] = "test.spoke"
    words: str


async def die_of_a_message(buses: Buses) -> None:
    """Take it and be gone. What is handed back in good order does not count in RabbitMQ 4."""
    async with amqp_channel(buses.url("rabbit")) as channel, asyncio.timeout(PATIENCE_S):
        queue = await channel.get_queue(f"{buses.service}.test.rang")
        while await queue.get(fail=False) is None:  # the broker may still see to the one before
            await asyncio.sleep(0.02)


@over_rabbit
async def test_a_message_that_kills_its_consumers_is_a_dead_letter_in_the_end(buses: Buses):
    listener, quarantine = Listener(), Quarantine()
    await (await buses.listen(Subscription(Rang, listener))).stop()
    await buses.publish(Rang(number=1))
    for _ in range(MAX_DELIVERIES):
        await die_of_a_message(buses)
    bus = await buses.listen(Subscription(Rang, listener), Subscription(MessageRejected, quarantine))
    [dead] = await buses.dead_letters(bus, 1)
    await eventually(lambda: quarantine.rejections)
    assert dead.reason == "handed out 20 times without a verdict: it may kill its consumer"
    assert listener.numbers == []


@over_rabbit
async def test_a_message_that_kills_its_consumer_before_we_can_tell_reaches_the_dead_queue(buses: Buses):
    await (await buses.listen(Subscription(Rang, Listener()))).stop()
    await buses.publish(Rang(number=1))
    for _ in range(MAX_DELIVERIES + 1):
        await die_of_a_message(buses)
    async with amqp_channel(buses.url("rabbit")) as channel:
        dead = await take(channel, f"{buses.service}.test.rang.dead")
    assert dead.body == Rang(number=1).model_dump_json().encode()


@over_rabbit
async def test_what_was_confirmed_survives_a_kill_of_the_broker(buses: Buses):
    """Nothing confirmed is lost, though publishers and consumers are at work when the broker dies."""
    if buses.rabbit.broker is None:
        pytest.skip("the broker was given by ESCOLTA_TEST_AMQP_URL: the tests do not kill it")
    listener, confirmed = Listener(), set[int]()
    await buses.listen(Subscription(Rang, listener, batch=16))

    async def publish(first: int) -> None:
        for number in range(first, first + 100):
            await published_at_last(buses, Rang(number=number))
            confirmed.add(number)

    await buses.publish(Rang(number=-1))
    await asyncio.sleep(5)  # RabbitMQ 3.10 loses a quorum queue that was made just before the kill
    publishing = asyncio.gather(publish(100), publish(200), publish(300))
    await eventually(lambda: len(confirmed) > 50)
    buses.rabbit.kill()
    await buses.rabbit.start()
    await publishing
    await eventually(lambda: confirmed <= set(listener.numbers))
    assert confirmed == set(range(100, 400))
