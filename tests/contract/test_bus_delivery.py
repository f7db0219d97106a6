"""How a bus delivers: the same sentences over memory, RabbitMQ, MQTT, and from one protocol to the other."""

import logging

import pytest
from contract.bus_ears import Listener
from contract.buses import (
    Buses,
    Called,
    Rang,
    Unheard,
    across,
    eventually,
    where_consumers_share,
)
from prometheus_client import CollectorRegistry

from escolta.bus import Subscription


@across
async def test_an_event_reaches_its_subscriber(buses: Buses):
    listener = Listener()
    await buses.listen(Subscription(Rang, listener))
    await buses.publish(Rang(number=7))
    await eventually(lambda: listener.numbers == [7])
    assert listener.attempts == [1]


@across
async def test_events_come_in_the_order_in_which_they_were_published(buses: Buses):
    listener = Listener()
    await buses.listen(Subscription(Rang, listener, batch=8))
    await buses.publish(*(Rang(number=number) for number in range(50)))
    await eventually(lambda: listener.numbers == list(range(50)))


async def test_a_full_batch_does_not_wait(buses: Buses):
    listener = Listener()
    await buses.listen(Subscription(Rang, listener, batch=4, linger_s=60))
    await buses.publish(*(Rang(number=number) for number in range(8)))
    await eventually(lambda: listener.batches == [[0, 1, 2, 3], [4, 5, 6, 7]])


async def test_a_batch_that_does_not_fill_is_handed_over_after_it_has_lingered(buses: Buses):
    listener = Listener()
    await buses.listen(Subscription(Rang, listener, batch=100, linger_s=0.1))
    await buses.publish(Rang(number=1), Rang(number=2))
    await eventually(lambda: listener.numbers == [1, 2])


@across
async def test_a_node_hears_only_what_is_meant_for_it(buses: Buses):
    north, everywhere = Listener(), Listener()
    await buses.listen(Subscription(Called, north, node="north"), Subscription(Called, everywhere))
    await buses.publish(
        Called(node="south", number=1), Called(node="north", number=2), Called(node="north-west", number=3)
    )
    await eventually(lambda: everywhere.numbers == [1, 2, 3])
    await eventually(lambda: north.numbers == [2])


@across
async def test_what_is_published_while_a_consumer_is_away_waits_for_it(buses: Buses):
    listener = Listener()
    bus = await buses.listen(Subscription(Called, listener, node="north"))
    await buses.publish(Called(node="north", number=1))
    await eventually(lambda: listener.numbers == [1])
    await bus.stop()
    await buses.publish(Called(node="north", number=2), Called(node="south", number=3))
    await buses.listen_again(bus)
    await eventually(lambda: listener.numbers == [1, 2])


@where_consumers_share
async def test_two_consumers_of_a_service_share_its_queue(buses: Buses):
    one, other = Listener(), Listener()
    pair = Subscription(Rang, one, prefetch=1), Subscription(Rang, other, prefetch=1)
    if buses.listens == "memory":
        await buses.listen(*pair)
    else:
        for subscription in pair:
            await buses.listen(subscription)
    await buses.publish(*(Rang(number=number) for number in range(30)))
    await eventually(lambda: sorted(one.numbers + other.numbers) == list(range(30)))
    assert one.numbers
    assert other.numbers


@where_consumers_share
async def test_consumers_of_two_kinds_both_hear_of_everything(buses: Buses):
    one, other = Listener(), Listener()
    pair = Subscription(Rang, one, kind="one"), Subscription(Rang, other, kind="other")
    if buses.listens == "memory":
        await buses.listen(*pair)
    else:
        for subscription in pair:
            await buses.listen(subscription)
    await buses.publish(*(Rang(number=number) for number in range(5)))
    await eventually(lambda: one.numbers == other.numbers == list(range(5)))


@where_consumers_share
async def test_an_event_that_no_queue_wants_is_counted_and_said_once(
    buses: Buses, caplog: pytest.LogCaptureFixture
):
    metrics = CollectorRegistry()
    bus = await buses.start(buses.open(buses.url(buses.sends), metrics=metrics))
    with caplog.at_level(logging.INFO, "escolta.bus"):
        for _ in range(3):
            await bus.publish(Unheard())
    assert metrics.get_sample_value("escolta_events_unrouted_total", {"topic": "test.unheard"}) == 3
    assert [record.message for record in caplog.records if "unheard" in record.message] == [
        "no queue wants test.unheard: whoever needs it will find the row"
    ]
