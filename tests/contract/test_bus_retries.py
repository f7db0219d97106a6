"""What becomes of a message when something is away, or breaks: how often it is tried, and with whom."""

import asyncio

from contract.bus_ears import Batch, Listener
from contract.buses import (
    Buses,
    Rang,
    across,
    eventually,
)
from prometheus_client import CollectorRegistry

from escolta.bus import Message, Subscription
from escolta.bus.delivery import BusMetrics, Delivery
from escolta.bus.inbox import Incoming
from escolta.errors import Misconfigured, Transient


@across
async def test_a_transient_failure_is_tried_again_for_as_long_as_it_takes(buses: Buses):
    def judge(message: Message[Rang]) -> None:
        if message.attempt < 5:
            raise Transient("the database is away")

    listener = Listener(judge)
    await buses.listen(Subscription(Rang, listener, delays_s=(0.01, 0.02)))
    await buses.publish(Rang(number=1))
    await eventually(lambda: listener.attempts == [1, 2, 3, 4, 5])


async def test_where_something_is_away_a_batch_is_tried_again_as_a_batch(buses: Buses):
    sizes: list[int] = []

    async def fail_twice(messages: Batch) -> None:
        sizes.append(len(messages))
        if messages[0].attempt < 3:
            raise Transient("the database is away")

    await buses.listen(Subscription(Rang, fail_twice, batch=8, linger_s=60, delays_s=(0.01,) * 5))
    await buses.publish(*(Rang(number=number) for number in range(8)))
    await eventually(lambda: sizes == [8, 8, 8])


async def test_what_one_message_alone_finds_away_after_the_last_delay_harms_no_other(buses: Buses):
    done: set[int] = set()

    async def fail_for_two(messages: Batch) -> None:
        numbers = {message.event.number for message in messages}
        if 2 in numbers:
            raise Transient("it took too long")
        done.update(numbers)

    await buses.listen(Subscription(Rang, fail_for_two, batch=4, linger_s=0.2, delays_s=(0.01,)))
    await buses.publish(*(Rang(number=number) for number in range(4)))
    await eventually(lambda: done == {0, 1, 3})


async def test_a_setting_that_is_wrong_is_no_fault_of_the_message(buses: Buses):
    def judge(message: Message[Rang]) -> None:
        if message.attempt < 4:
            raise Misconfigured("ESCOLTA_OBJECTS_URL: the store refuses the credentials")

    listener = Listener(judge)
    await buses.listen(Subscription(Rang, listener, delays_s=(0.01,)))
    await buses.publish(Rang(number=1))
    await eventually(lambda: listener.attempts == [1, 2, 3, 4])


async def test_a_defect_of_ours_is_a_dead_letter_after_the_last_delay(buses: Buses):
    def judge(message: Message[Rang]) -> None:
        raise ZeroDivisionError("one over none")

    listener = Listener(judge)
    bus = await buses.listen(Subscription(Rang, listener, delays_s=(0.01, 0.02)))
    await buses.publish(Rang(number=1))
    [dead] = await buses.dead_letters(bus, 1)
    assert listener.attempts == [1, 2, 3]
    assert dead.attempts == 3
    assert dead.topic == "test.rang"
    assert dead.reason == "gave up after 3 attempts: ZeroDivisionError: one over none"


async def test_a_cancellation_from_inside_is_tried_again_and_ends_nothing(buses: Buses):
    def judge(message: Message[Rang]) -> None:
        if message.attempt == 1:
            raise asyncio.CancelledError  # as a driver does when its connection dies

    listener = Listener(judge)
    await buses.listen(Subscription(Rang, listener, delays_s=(0.01,)))
    await buses.publish(Rang(number=1))
    await eventually(lambda: listener.attempts == [1, 2])


async def test_the_delay_grows_and_then_stays():
    async def fail(messages: Batch) -> None:
        raise Transient("away")

    subscription = Subscription(Rang, fail, delays_s=(1, 5, 30))
    delivery = Delivery("test", subscription, BusMetrics(CollectorRegistry()))
    body = Rang(number=1).model_dump_json().encode()
    outcomes = [(await delivery.run([Incoming("test.rang", body, attempt)]))[0] for attempt in range(1, 6)]
    assert [outcome.delay_s for outcome in outcomes] == [1, 5, 30, 30, 30]
