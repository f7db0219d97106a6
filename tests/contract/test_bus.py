"""How a bus behaves: the same sentences over memory, RabbitMQ, MQTT, and from one protocol to the other."""

import asyncio
import contextlib
import logging
import os
import shutil
import ssl
import subprocess
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from contract.bus_world import PATIENCE_S, Called, Rang, Unheard, Wire, World, amqp_channel, eventually, take
from prometheus_client import CollectorRegistry

from escolta.bus import Bus, Message, Subscription, local, mqtt, open_bus, rabbit_link
from escolta.bus import rabbit as rabbit_bus
from escolta.bus.delivery import MAX_DELIVERIES, BusMetrics, Delivery
from escolta.bus.inbox import Incoming
from escolta.errors import Misconfigured, Rejected, Transient
from escolta.events import Event, MessageRejected
from servers.rabbit import Broker, Rabbit

Batch = Sequence[Message[Rang]]


@pytest.fixture(scope="module")
async def one_rabbit(rabbit_broker: Broker | None) -> AsyncIterator[Rabbit]:
    """One virtual host for all these tests: what each leaves in it is removed sooner than a host is made."""
    if rabbit_broker is None:
        yield Rabbit(os.environ["ESCOLTA_TEST_AMQP_URL"], os.environ["ESCOLTA_TEST_MQTT_URL"])
    else:
        async with rabbit_broker.virtual_host() as rabbit:
            yield rabbit


@pytest.fixture(params=["memory", "rabbit", "mqtt"])
def reach(request: pytest.FixtureRequest) -> World:
    in_memory = request.param == "memory"
    return World(request.param, None if in_memory else request.getfixturevalue("one_rabbit"))


@pytest.fixture
async def world(reach: World, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[World]:
    monkeypatch.setattr(rabbit_bus, "RECONNECT_S", 0.1)
    monkeypatch.setattr(mqtt, "RECONNECT_S", 0.1)
    yield reach
    await reach.stop()


across = pytest.mark.parametrize(
    "reach", ["memory", "rabbit", "mqtt", "mqtt to rabbit", "rabbit to mqtt"], indirect=True
)
over_rabbit = pytest.mark.parametrize("reach", ["rabbit"], indirect=True)
over_each_broker = pytest.mark.parametrize("reach", ["rabbit", "mqtt"], indirect=True)
where_consumers_share = pytest.mark.parametrize("reach", ["memory", "rabbit"], indirect=True)


class Listener:
    """A handler that remembers: every batch of numbers, and the attempt of every message."""

    def __init__(self, judge: Callable[[Message[Rang]], None] = lambda message: None) -> None:
        self.batches: list[list[int]] = []
        self.attempts: list[int] = []
        self._judge = judge

    async def __call__(self, messages: Batch) -> None:
        self.batches.append([message.event.number for message in messages])
        self.attempts += [message.attempt for message in messages]
        for message in messages:
            self._judge(message)

    @property
    def numbers(self) -> list[int]:
        return [number for batch in self.batches for number in batch]


class Quarantine:
    """A handler that remembers the dead letters it was told of."""

    def __init__(self) -> None:
        self.rejections: list[MessageRejected] = []

    async def __call__(self, messages: Sequence[Message[MessageRejected]]) -> None:
        self.rejections += [message.event for message in messages]


# Delivery


@across
async def test_an_event_reaches_its_subscriber(world: World):
    listener = Listener()
    await world.listen(Subscription(Rang, listener))
    await world.publish(Rang(number=7))
    await eventually(lambda: listener.numbers == [7])
    assert listener.attempts == [1]


@across
async def test_events_come_in_the_order_in_which_they_were_published(world: World):
    listener = Listener()
    await world.listen(Subscription(Rang, listener, batch=8))
    await world.publish(*(Rang(number=number) for number in range(50)))
    await eventually(lambda: listener.numbers == list(range(50)))


async def test_a_full_batch_does_not_wait(world: World):
    listener = Listener()
    await world.listen(Subscription(Rang, listener, batch=4, linger_s=60))
    await world.publish(*(Rang(number=number) for number in range(8)))
    await eventually(lambda: listener.batches == [[0, 1, 2, 3], [4, 5, 6, 7]])


async def test_a_batch_that_does_not_fill_is_handed_over_after_it_has_lingered(world: World):
    listener = Listener()
    await world.listen(Subscription(Rang, listener, batch=100, linger_s=0.1))
    await world.publish(Rang(number=1), Rang(number=2))
    await eventually(lambda: listener.numbers == [1, 2])


@across
async def test_a_node_hears_only_what_is_meant_for_it(world: World):
    north, everywhere = Listener(), Listener()
    await world.listen(Subscription(Called, north, node="north"), Subscription(Called, everywhere))
    await world.publish(
        Called(node="south", number=1), Called(node="north", number=2), Called(node="north-west", number=3)
    )
    await eventually(lambda: everywhere.numbers == [1, 2, 3])
    await eventually(lambda: north.numbers == [2])


@across
async def test_what_is_published_while_a_consumer_is_away_waits_for_it(world: World):
    listener = Listener()
    bus = await world.listen(Subscription(Called, listener, node="north"))
    await world.publish(Called(node="north", number=1))
    await eventually(lambda: listener.numbers == [1])
    await bus.stop()
    await world.publish(Called(node="north", number=2), Called(node="south", number=3))
    await world.listen_again(bus)
    await eventually(lambda: listener.numbers == [1, 2])


@where_consumers_share
async def test_two_consumers_of_a_service_share_its_queue(world: World):
    one, other = Listener(), Listener()
    pair = Subscription(Rang, one, prefetch=1), Subscription(Rang, other, prefetch=1)
    if world.listens == "memory":
        await world.listen(*pair)
    else:
        for subscription in pair:
            await world.listen(subscription)
    await world.publish(*(Rang(number=number) for number in range(30)))
    await eventually(lambda: sorted(one.numbers + other.numbers) == list(range(30)))
    assert one.numbers
    assert other.numbers


# Verdicts


async def test_each_message_of_a_batch_has_its_own_verdict(world: World):
    def judge(message: Message[Rang]) -> None:
        if message.event.number == 1 and message.attempt == 1:
            message.retry("not yet")
        if message.event.number == 2:
            message.reject("two is not a bell")

    listener = Listener(judge)
    bus = await world.listen(Subscription(Rang, listener, batch=3, linger_s=60, delays_s=(0.01,)))
    await world.publish(Rang(number=1), Rang(number=2), Rang(number=3))
    [dead] = await world.dead_letters(bus, 1)
    assert (dead.body, dead.reason) == (Rang(number=2).model_dump_json().encode(), "two is not a bell")
    await world.publish(Rang(number=4), Rang(number=5))
    await eventually(lambda: len(listener.batches) == 2)
    assert sorted(listener.batches[1]) == [1, 4, 5]
    assert sorted(listener.attempts) == [1, 1, 1, 1, 1, 2]


async def test_a_poisoned_message_does_not_harm_its_batch(world: World):
    def judge(message: Message[Rang]) -> None:
        if message.event.number == 2:
            raise Rejected("two breaks everything")

    listener = Listener(judge)
    bus = await world.listen(Subscription(Rang, listener, batch=4, linger_s=60))
    await world.publish(*(Rang(number=number) for number in range(4)))
    [dead] = await world.dead_letters(bus, 1)
    assert dead.reason == "two breaks everything"
    assert listener.batches == [[0, 1, 2, 3], [0], [1], [2], [3]]


@across
async def test_a_rejected_message_is_told_of_and_kept_with_its_reason(world: World):
    def judge(message: Message[Rang]) -> None:
        raise Rejected("this bell is cracked")

    quarantine = Quarantine()
    bus = await world.listen(Subscription(Rang, Listener(judge)), Subscription(MessageRejected, quarantine))
    await world.publish(Rang(number=1))
    await eventually(lambda: quarantine.rejections)
    [told], [dead] = quarantine.rejections, await world.dead_letters(bus, 1)
    assert (dead.topic, dead.reason, dead.attempts) == ("test.rang", "this bell is cracked", 1)
    assert (told.queue, told.message_topic) == (f"{world.service}.test.rang", "test.rang")
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
async def test_a_message_that_is_no_event_is_a_dead_letter_at_once(world: World, body: bytes, reason: str):
    listener = Listener()
    bus = await world.listen(Subscription(Rang, listener))
    await world.send_raw("test.rang", body)
    [dead] = await world.dead_letters(bus, 1)
    assert dead.body == body
    assert reason in dead.reason
    await world.publish(Rang(number=1))
    await eventually(lambda: listener.numbers == [1])


async def test_a_poisoned_rejection_does_not_feed_itself(world: World):
    quarantine, listener = Quarantine(), Listener()
    await world.listen(Subscription(MessageRejected, quarantine), Subscription(Rang, listener))
    await world.send_raw("message.rejected", b"nonsense")
    await world.send_raw("test.rang", b"nonsense")
    await eventually(lambda: quarantine.rejections)
    assert [told.message_topic for told in quarantine.rejections] == ["test.rang"]


@across
async def test_a_transient_failure_is_tried_again_for_as_long_as_it_takes(world: World):
    def judge(message: Message[Rang]) -> None:
        if message.attempt < 5:
            raise Transient("the database is away")

    listener = Listener(judge)
    await world.listen(Subscription(Rang, listener, delays_s=(0.01, 0.02)))
    await world.publish(Rang(number=1))
    await eventually(lambda: listener.attempts == [1, 2, 3, 4, 5])


async def test_a_defect_of_ours_is_a_dead_letter_after_the_last_delay(world: World):
    def judge(message: Message[Rang]) -> None:
        raise ZeroDivisionError("one over none")

    listener = Listener(judge)
    bus = await world.listen(Subscription(Rang, listener, delays_s=(0.01, 0.02)))
    await world.publish(Rang(number=1))
    [dead] = await world.dead_letters(bus, 1)
    assert listener.attempts == [1, 2, 3]
    assert dead.attempts == 3
    assert dead.topic == "test.rang"
    assert dead.reason == "gave up after 3 attempts: ZeroDivisionError: one over none"


async def test_a_cancellation_from_inside_is_tried_again_and_ends_nothing(world: World):
    def judge(message: Message[Rang]) -> None:
        if message.attempt == 1:
            raise asyncio.CancelledError  # as a driver does when its connection dies

    listener = Listener(judge)
    await world.listen(Subscription(Rang, listener, delays_s=(0.01,)))
    await world.publish(Rang(number=1))
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
async def test_a_stop_in_mid_work_loses_and_doubles_nothing(world: World):
    handled: list[int] = []
    begun, go = asyncio.Event(), asyncio.Event()

    async def handle(messages: Batch) -> None:
        begun.set()
        await go.wait()
        handled.extend(message.event.number for message in messages)

    bus = await world.listen(Subscription(Rang, handle, batch=4, delays_s=(0.01,)))
    await world.publish(*(Rang(number=number) for number in range(40)))
    await begun.wait()
    stopping = asyncio.create_task(bus.stop())
    await asyncio.sleep(0.1)
    go.set()
    await stopping
    assert 1 <= len(handled) <= 4
    await world.listen_again(bus)
    await eventually(lambda: sorted(handled) == list(range(40)))


@where_consumers_share
async def test_a_message_that_waits_for_its_retry_outlives_a_stop(world: World):
    def judge(message: Message[Rang]) -> None:
        if message.attempt == 1:
            message.retry("later")

    listener = Listener(judge)
    bus = await world.listen(Subscription(Rang, listener, delays_s=(0.5,)))
    await world.publish(Rang(number=1))
    await eventually(lambda: listener.attempts == [1])
    await bus.stop()
    await world.listen_again(bus)
    await eventually(lambda: listener.attempts == [1, 2])


async def test_a_bus_that_was_never_started_can_be_stopped(world: World):
    await world.open(world.url(world.listens)).stop()


@over_each_broker
async def test_whoever_publishes_while_the_bus_stops_is_told_that_it_is_not_confirmed(world: World):
    bus = await world.start(world.open(world.url(world.sends)))
    publishing = [asyncio.create_task(bus.publish(Rang(number=number))) for number in range(100)]
    await asyncio.sleep(0)
    await bus.stop()
    outcomes = await asyncio.gather(*publishing, return_exceptions=True)
    assert {type(outcome) for outcome in outcomes} <= {type(None), Transient}
    assert any(isinstance(outcome, Transient) for outcome in outcomes)


@pytest.mark.parametrize("reach", ["memory"], indirect=True)
async def test_a_full_queue_in_memory_makes_its_publishers_wait(
    world: World, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(local, "QUEUE_BOUND", 3)
    released = asyncio.Event()
    handled: list[int] = []

    async def handle(messages: Batch) -> None:
        await released.wait()
        handled.extend(message.event.number for message in messages)

    await world.listen(Subscription(Rang, handle))
    published: list[int] = []

    async def publish() -> None:
        for number in range(10):
            await world.publish(Rang(number=number))
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
    world: World, caplog: pytest.LogCaptureFixture
):
    metrics = CollectorRegistry()
    bus = await world.start(world.open(world.url(world.sends), metrics=metrics))
    with caplog.at_level(logging.INFO, "escolta.bus"):
        for _ in range(3):
            await bus.publish(Unheard())
    assert metrics.get_sample_value("escolta_unrouted_total", {"topic": "test.unheard"}) == 3
    assert [record.message for record in caplog.records if "unheard" in record.message] == [
        "no queue wants test.unheard: whoever needs it will find the row"
    ]


# Brokers that come and go


@over_each_broker
async def test_a_lost_connection_is_opened_again_and_the_work_goes_on(world: World):
    wire = Wire(world.url(world.listens))
    await wire.mend()
    listener = Listener()
    bus = await world.start(world.open(wire.url), Subscription(Rang, listener))
    await bus.publish(Rang(number=1))
    await eventually(lambda: listener.numbers == [1])

    await wire.cut()
    await refused(bus, Rang(number=2))
    await world.publish(Rang(number=3))
    await wire.mend()
    await eventually(lambda: set(listener.numbers) == {1, 3})  # 1 twice, if its verdict was on the wire
    await published_at_last(bus, Rang(number=4))
    await eventually(lambda: set(listener.numbers) == {1, 3, 4})


@over_each_broker
async def test_what_a_frozen_broker_does_not_confirm_is_transient(
    world: World, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(rabbit_link, "CONFIRM_S", 0.3)
    monkeypatch.setattr(mqtt, "CONFIRM_S", 0.3)
    wire = Wire(world.url(world.sends))
    await wire.mend()
    bus = await world.start(world.open(wire.url))
    wire.freeze()
    with pytest.raises(Transient, match="did not confirm"):
        await bus.publish(Rang(number=1))
    wire.thaw()
    await published_at_last(bus, Rang(number=2))


@over_each_broker
async def test_a_wrong_password_is_said_at_the_start_and_the_password_is_not(
    world: World, caplog: pytest.LogCaptureFixture
):
    url = with_password(world.url(world.sends), "hunter%2F2%401")
    with (
        caplog.at_level(logging.DEBUG),
        pytest.raises(Misconfigured, match="refuses") as caught,
    ):
        await world.open(url).start()
    for text in (str(caught.value), repr(caught.value.__cause__), caplog.text):
        assert "hunter" not in text


@over_each_broker
async def test_over_tls_the_certificate_of_the_broker_is_checked(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(rabbit_bus, "START_S", 0.5)
    monkeypatch.setattr(mqtt, "START_S", 0.5)
    certificate, server_side = self_signed(tmp_path)
    wire = Wire(world.url(world.sends), server_side)
    await wire.mend()
    stranger = world.open(wire.url)
    with contextlib.suppress(Misconfigured):  # a node starts in spite of it, and goes on trying
        await world.start(stranger)
    await refused(stranger, Rang(number=1))
    await stranger.stop()

    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    monkeypatch.setattr(rabbit_bus, "START_S", 20)
    monkeypatch.setattr(mqtt, "START_S", 20)
    await (await world.start(world.open(wire.url))).publish(Rang(number=2))


@over_rabbit
async def test_a_queue_with_other_arguments_is_said_at_the_start(world: World):
    async with amqp_channel(world.url("rabbit")) as channel:
        await channel.declare_queue(f"{world.service}.test.rang", durable=True)
    with pytest.raises(Misconfigured, match="exists with other arguments"):
        await world.listen(Subscription(Rang, Listener()))


async def test_a_url_that_cannot_be_read_is_not_repeated():
    with pytest.raises(Misconfigured, match="write amqp://") as caught:
        open_bus("amqp://somebody:hunter/2@localhost")
    assert "hunter" not in str(caught.value)


@over_rabbit
async def test_no_rabbitmq_at_the_address_is_misconfigured_after_a_while(
    world: World, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(rabbit_bus, "START_S", 0.3)
    wire = Wire(world.url("rabbit"))
    await wire.mend()
    await wire.cut()
    with pytest.raises(Misconfigured, match="no RabbitMQ answers"):
        await world.open(wire.url).start()


@over_rabbit
async def test_a_start_waits_for_a_rabbitmq_that_is_still_coming_up(world: World):
    wire = Wire(world.url("rabbit"))
    await wire.mend()
    await wire.cut()
    starting = asyncio.create_task(world.start(world.open(wire.url)))
    await asyncio.sleep(0.2)
    assert not starting.done()
    await wire.mend()
    await starting


@pytest.mark.parametrize("reach", ["mqtt"], indirect=True)
async def test_a_node_starts_without_its_broker_and_connects_when_it_is_there(
    world: World, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(mqtt, "START_S", 0.1)
    wire = Wire(world.url("mqtt"))
    await wire.mend()
    await wire.cut()
    listener = Listener()
    bus = await world.start(world.open(wire.url), Subscription(Rang, listener))
    await refused(bus, Rang(number=1))
    await wire.mend()
    await published_at_last(bus, Rang(number=2))
    await eventually(lambda: listener.numbers == [2])


@over_rabbit
async def test_a_queue_that_was_deleted_under_its_consumer_is_made_again(world: World):
    listener = Listener()
    await world.listen(Subscription(Rang, listener))
    async with amqp_channel(world.url("rabbit")) as channel:
        await channel.queue_delete(f"{world.service}.test.rang")
    async with asyncio.timeout(PATIENCE_S):
        while not listener.numbers:
            await published_at_last(world, Rang(number=1))
            await asyncio.sleep(0.05)


@over_rabbit
async def test_a_message_that_kills_its_consumers_is_a_dead_letter_in_the_end(world: World):
    listener, quarantine = Listener(), Quarantine()
    await (await world.listen(Subscription(Rang, listener))).stop()
    await world.publish(Rang(number=1))
    async with amqp_channel(world.url("rabbit")) as channel:
        queue = await channel.get_queue(f"{world.service}.test.rang")
        for _ in range(MAX_DELIVERIES):
            await (await queue.get(timeout=5)).nack(requeue=True)
    bus = await world.listen(Subscription(Rang, listener), Subscription(MessageRejected, quarantine))
    [dead] = await world.dead_letters(bus, 1)
    await eventually(lambda: quarantine.rejections)
    assert dead.reason == "handed out 20 times without a verdict: it may kill its consumer"
    assert listener.numbers == []


@over_rabbit
async def test_a_message_that_kills_its_consumer_before_we_can_tell_reaches_the_dead_queue(world: World):
    await (await world.listen(Subscription(Rang, Listener()))).stop()
    await world.publish(Rang(number=1))
    async with amqp_channel(world.url("rabbit")) as channel:
        queue = await channel.get_queue(f"{world.service}.test.rang")
        for _ in range(MAX_DELIVERIES + 1):
            await (await queue.get(timeout=5)).nack(requeue=True)
        dead = await take(channel, f"{world.service}.test.rang.dead")
    assert dead.body == Rang(number=1).model_dump_json().encode()


@over_rabbit
async def test_what_was_confirmed_survives_a_kill_of_the_broker(world: World):
    """Nothing confirmed is lost, though publishers and consumers are at work when the broker dies."""
    if world.rabbit.broker is None:
        pytest.skip("the broker was given by ESCOLTA_TEST_AMQP_URL: the tests do not kill it")
    listener, confirmed = Listener(), set[int]()
    await world.listen(Subscription(Rang, listener, batch=16))

    async def publish(first: int) -> None:
        for number in range(first, first + 100):
            await published_at_last(world, Rang(number=number))
            confirmed.add(number)

    await world.publish(Rang(number=-1))
    await asyncio.sleep(5)  # RabbitMQ 3.10 loses a quorum queue that was made just before the kill
    publishing = asyncio.gather(publish(100), publish(200), publish(300))
    await eventually(lambda: len(confirmed) > 50)
    world.rabbit.kill()
    await world.rabbit.start()
    await publishing
    await eventually(lambda: confirmed <= set(listener.numbers))
    assert confirmed == set(range(100, 400))


async def published_at_last(bus: Bus | World, event: Event) -> None:
    """Publish again and again, as whoever has a row to tell of does."""
    async with asyncio.timeout(60):
        while True:
            try:
                return await bus.publish(event)
            except Transient:
                await asyncio.sleep(0.05)


async def refused(bus: Bus, event: Event) -> None:
    """The bus says that it cannot publish."""
    with pytest.raises(Transient):
        await bus.publish(event)


def self_signed(folder: Path) -> tuple[Path, ssl.SSLContext]:
    """A certificate for 127.0.0.1 that no authority has signed, and a server's side of TLS with it."""
    openssl = shutil.which("openssl") or pytest.skip("no openssl here to make a certificate with")
    key, certificate = folder / "key.pem", folder / "certificate.pem"
    kind = ["-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"]
    owner = ["-subj", "/CN=test", "-addext", "subjectAltName=IP:127.0.0.1"]
    files = ["-keyout", str(key), "-out", str(certificate)]
    subprocess.run([openssl, "req", *kind, *owner, *files], check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    return certificate, context


def with_password(url: str, password: str) -> str:
    parts = urlsplit(url)
    return parts._replace(netloc=f"{parts.username}:{password}@{parts.hostname}:{parts.port}").geturl()
