"""How a bus behaves: the same sentences over memory, RabbitMQ, MQTT, and from one protocol to the other."""

import asyncio
import logging

import pytest
from contract.bus_ears import Batch, Listener, Quarantine
from contract.buses import Buses, Called, Rang, Unheard, eventually
from prometheus_client import CollectorRegistry

from escolta.bus import Message, Subscription, local
from escolta.bus.delivery import BusMetrics, Delivery
from escolta.bus.inbox import Incoming
from escolta.errors import Misconfigured, Rejected, Transient
from escolta.events import MessageRejected
from escolta.fields import BODY_CHARS, LARGEST_EVENT_BYTES

across = pytest.mark.parametrize(
    "reach", ["memory", "rabbit", "mqtt", "mqtt to rabbit", "rabbit to mqtt"], indirect=True
)
over_each_broker = pytest.mark.parametrize("reach", ["rabbit", "mqtt"], indirect=True)
where_consumers_share = pytest.mark.parametrize("reach", ["memory", "rabbit"], indirect=True)


# Delivery


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


# Verdicts


async def test_each_message_of_a_batch_has_its_own_verdict(buses: Buses):
    def judge(message: Message[Rang]) -> None:
        if message.event.number == 1 and message.attempt == 1:
            message.retry("not yet")
        if message.event.number == 2:
            message.reject("two is not a bell")

    listener = Listener(judge)
    bus = await buses.listen(Subscription(Rang, listener, batch=3, linger_s=60, delays_s=(0.01,)))
    await buses.publish(Rang(number=1), Rang(number=2), Rang(number=3))
    [dead] = await buses.dead_letters(bus, 1)
    assert (dead.body, dead.reason) == (Rang(number=2).model_dump_json().encode(), "two is not a bell")
    await buses.publish(Rang(number=4), Rang(number=5))
    await eventually(lambda: len(listener.batches) == 2)
    assert sorted(listener.batches[1]) == [1, 4, 5]
    assert sorted(listener.attempts) == [1, 1, 1, 1, 1, 2]


async def test_a_poisoned_message_does_not_harm_its_batch(buses: Buses):
    def judge(message: Message[Rang]) -> None:
        if message.event.number == 2:
            raise Rejected("two breaks everything")

    listener = Listener(judge)
    bus = await buses.listen(Subscription(Rang, listener, batch=4, linger_s=60))
    await buses.publish(*(Rang(number=number) for number in range(4)))
    [dead] = await buses.dead_letters(bus, 1)
    assert dead.reason == "two breaks everything"
    assert listener.batches == [[0, 1, 2, 3], [0], [1], [2], [3]]


@across
async def test_a_rejected_message_is_told_of_and_kept_with_its_reason(buses: Buses):
    def judge(message: Message[Rang]) -> None:
        raise Rejected("this bell is cracked")

    quarantine = Quarantine()
    bus = await buses.listen(Subscription(Rang, Listener(judge)), Subscription(MessageRejected, quarantine))
    await buses.publish(Rang(number=1))
    await eventually(lambda: quarantine.rejections)
    [told], [dead] = quarantine.rejections, await buses.dead_letters(bus, 1)
    assert (dead.topic, dead.reason, dead.attempts) == ("test.rang", "this bell is cracked", 1)
    assert (told.queue, told.message_topic) == (f"{buses.service}.test.rang", "test.rang")
    assert (told.reason, told.attempts) == ("this bell is cracked", 1)
    assert told.body == dead.body.decode() == '{"number":1}'


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"\xff\xfe not JSON", "the message is not JSON"),
        (b"{}", "Rang lacks the field 'number'"),
        (b'{"number": "seven"}', "Rang has a wrong 'number'"),
    ],
)
async def test_a_message_that_is_no_event_is_a_dead_letter_at_once(buses: Buses, body: bytes, reason: str):
    listener = Listener()
    bus = await buses.listen(Subscription(Rang, listener))
    await buses.send_raw("test.rang", body)
    [dead] = await buses.dead_letters(bus, 1)
    assert dead.body == body
    assert reason in dead.reason
    await buses.publish(Rang(number=1))
    await eventually(lambda: listener.numbers == [1])


async def test_a_message_that_is_larger_than_any_event_is_a_dead_letter_that_keeps_its_beginning(
    buses: Buses,
):
    listener = Listener()
    bus = await buses.listen(Subscription(Rang, listener))
    body = b'{"number": 1, "more": "' + bytes(LARGEST_EVENT_BYTES) + b'"}'
    await buses.send_raw("test.rang", body)
    [dead] = await buses.dead_letters(bus, 1)
    assert f"the message has {len(body)} bytes" in dead.reason
    assert dead.body == body[: len(dead.body)]
    assert len(dead.body) == BODY_CHARS
    await buses.publish(Rang(number=2))
    await eventually(lambda: listener.numbers == [2])


async def test_a_poisoned_rejection_does_not_feed_itself(buses: Buses):
    quarantine, listener = Quarantine(), Listener()
    await buses.listen(Subscription(MessageRejected, quarantine), Subscription(Rang, listener))
    await buses.send_raw("message.rejected", b"nonsense")
    await buses.send_raw("test.rang", b"nonsense")
    await eventually(lambda: quarantine.rejections)
    assert [told.message_topic for told in quarantine.rejections] == ["test.rang"]


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


# Stopping, and bounds


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


@where_consumers_share
async def test_an_event_that_no_queue_wants_is_counted_and_said_once(
    buses: Buses, caplog: pytest.LogCaptureFixture
):
    metrics = CollectorRegistry()
    bus = await buses.start(buses.open(buses.url(buses.sends), metrics=metrics))
    with caplog.at_level(logging.INFO, "escolta.bus"):
        for _ in range(3):
            await bus.publish(Unheard())
    assert metrics.get_sample_value("escolta_unrouted_total", {"topic": "test.unheard"}) == 3
    assert [record.message for record in caplog.records if "unheard" in record.message] == [
        "no queue wants test.unheard: whoever needs it will find the row"
    ]
