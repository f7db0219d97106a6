"""What RabbitMQ's queues bear: to be deleted, to kill their consumers, and a kill of the broker."""

import asyncio

import pytest
from contract.bus_ears import Listener, Quarantine
from contract.buses import (
    PATIENCE_S,
    Buses,
    Rang,
    amqp_channel,
    eventually,
    over_rabbit,
    published_at_last,
    take,
)

from escolta.bus import Subscription
from escolta.bus.delivery import MAX_DELIVERIES
from escolta.events import MessageRejected


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
async def test_a_message_that_kills_its_consumers_is_a_dead_letter_in_the_end(buses: Buses):
    listener, quarantine = Listener(), Quarantine()
    await (await buses.listen(Subscription(Rang, listener))).stop()
    await buses.publish(Rang(number=1))
    async with amqp_channel(buses.url("rabbit")) as channel:
        queue = await channel.get_queue(f"{buses.service}.test.rang")
        for _ in range(MAX_DELIVERIES):
            await (await queue.get(timeout=5)).nack(requeue=True)
    bus = await buses.listen(Subscription(Rang, listener), Subscription(MessageRejected, quarantine))
    [dead] = await buses.dead_letters(bus, 1)
    await eventually(lambda: quarantine.rejections)
    assert dead.reason == "handed out 20 times without a verdict: it may kill its consumer"
    assert listener.numbers == []


@over_rabbit
async def test_a_message_that_kills_its_consumer_before_we_can_tell_reaches_the_dead_queue(buses: Buses):
    await (await buses.listen(Subscription(Rang, Listener()))).stop()
    await buses.publish(Rang(number=1))
    async with amqp_channel(buses.url("rabbit")) as channel:
        queue = await channel.get_queue(f"{buses.service}.test.rang")
        for _ in range(MAX_DELIVERIES + 1):
            await (await queue.get(timeout=5)).nack(requeue=True)
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
