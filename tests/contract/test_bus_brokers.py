"""How a bus bears brokers that come and go, freeze, refuse, and lose their queues."""

import asyncio
import contextlib
import logging
import shutil
import ssl
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path
from typing import ClassVar
from urllib.parse import urlsplit

import aio_pika
import aiomqtt
import pytest
from contract.bus_ears import Listener, Quarantine
from contract.buses import PATIENCE_S, Buses, Rang, Wire, amqp_channel, eventually, take

from escolta.bus import Bus, Subscription, mqtt, open_bus, rabbit_link
from escolta.bus import rabbit as rabbit_bus
from escolta.bus.delivery import MAX_DELIVERIES
from escolta.errors import Misconfigured, Transient
from escolta.events import Event, MessageRejected
from servers.install import missing

over_rabbit = pytest.mark.parametrize("reach", ["rabbit"], indirect=True)
over_each_broker = pytest.mark.parametrize("reach", ["rabbit", "mqtt"], indirect=True)


@over_each_broker
async def test_a_lost_connection_is_opened_again_and_the_work_goes_on(buses: Buses):
    wire = Wire(buses.url(buses.listens))
    await wire.mend()
    listener = Listener()
    bus = await buses.start(buses.open(wire.url), Subscription(Rang, listener))
    await bus.publish(Rang(number=1))
    await eventually(lambda: listener.numbers == [1])

    await wire.cut()
    await refused(bus, Rang(number=2))
    await buses.publish(Rang(number=3))
    await wire.mend()
    await eventually(lambda: set(listener.numbers) == {1, 3})  # 1 twice, if its verdict was on the wire
    await published_at_last(bus, Rang(number=4))
    await eventually(lambda: set(listener.numbers) == {1, 3, 4})


@over_each_broker
async def test_what_a_frozen_broker_does_not_confirm_is_transient(
    buses: Buses, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(rabbit_link, "CONFIRM_S", 0.3)
    monkeypatch.setattr(mqtt, "CONFIRM_S", 0.3)
    wire = Wire(buses.url(buses.sends))
    await wire.mend()
    bus = await buses.start(buses.open(wire.url))
    wire.freeze()
    with pytest.raises(Transient, match="did not confirm"):
        await bus.publish(Rang(number=1))
    wire.thaw()
    await published_at_last(bus, Rang(number=2))


@over_each_broker
async def test_a_broker_short_of_disk_is_transient_and_the_work_goes_on_when_there_is_room(
    buses: Buses, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(rabbit_link, "CONFIRM_S", 0.3)
    monkeypatch.setattr(mqtt, "CONFIRM_S", 0.3)
    listener = Listener()
    bus = await buses.listen(Subscription(Rang, listener))
    with buses.rabbit.short_of_disk(), pytest.raises(Transient, match="did not confirm"):
        await bus.publish(Rang(number=1))
    await published_at_last(bus, Rang(number=2))
    await eventually(lambda: 2 in listener.numbers)


class Cried(Event):
    """a test -> a test. Too loud for a wire's buffers."""

    topic: ClassVar[str] = "test.cried"
    text: str


@over_rabbit
async def test_a_broker_that_reads_no_more_holds_up_no_stop(buses: Buses, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(rabbit_link, "CONFIRM_S", 0.5)
    monkeypatch.setattr(rabbit_link, "CLOSE_S", 0.5)
    wire = Wire(buses.url(buses.sends))
    await wire.mend()
    bus = buses.open(wire.url)
    await bus.start()
    await bus.publish(Cried(text="a"))
    wire.freeze()
    await asyncio.gather(*(refused(bus, Cried(text="a" * 2**20)) for _ in range(32)))
    async with asyncio.timeout(20):
        await bus.stop()
    # Nor the end of the process, which waits for every task.
    await eventually(lambda: not [task for task in asyncio.all_tasks() if "/aio" in repr(task)])
    await wire.cut()


@over_each_broker
async def test_a_wrong_password_is_said_at_the_start_and_the_password_is_not(
    buses: Buses, caplog: pytest.LogCaptureFixture
):
    url = with_password(buses.url(buses.sends), "hunter%2F2%401")
    with (
        caplog.at_level(logging.DEBUG),
        pytest.raises(Misconfigured, match="refuses") as caught,
    ):
        await buses.open(url).start()
    for text in (str(caught.value), repr(caught.value.__cause__), caplog.text):
        assert "hunter" not in text


@over_each_broker
async def test_over_tls_the_certificate_of_the_broker_is_checked(
    buses: Buses, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(rabbit_bus, "START_S", 0.5)
    monkeypatch.setattr(mqtt, "START_S", 0.5)
    certificate, server_side = self_signed(tmp_path)
    wire = Wire(buses.url(buses.sends), server_side)
    await wire.mend()
    stranger = buses.open(wire.url)
    with contextlib.suppress(Misconfigured):  # a node starts in spite of it, and goes on trying
        await buses.start(stranger)
    await refused(stranger, Rang(number=1))
    await stranger.stop()

    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    monkeypatch.setattr(rabbit_bus, "START_S", 20)
    monkeypatch.setattr(mqtt, "START_S", 20)
    await (await buses.start(buses.open(wire.url))).publish(Rang(number=2))


class Silent:
    """A client that gets no message."""

    @property
    async def messages(self) -> AsyncIterator[aiomqtt.Message]:
        await asyncio.sleep(60)
        yield pytest.fail("nobody sent anything")


class Unheeding:
    """Connects to nothing, and answers its first cancellation by an error or a return, as libraries may."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, way: str) -> None:
        self.cancellations = self.closed = 0
        self._way = way
        monkeypatch.setattr(aio_pika.Connection, "connect", self._connect)
        monkeypatch.setattr(aio_pika.Connection, "close", self._close)
        monkeypatch.setattr(aiomqtt.Client, "__aenter__", self._connect)
        monkeypatch.setattr(aiomqtt.Client, "__aexit__", self._close)
        monkeypatch.setattr(rabbit_bus, "START_S", 0.1)
        monkeypatch.setattr(mqtt, "START_S", 0.1)

    async def _connect(self, *_: object, **__: object) -> Silent:
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            self.cancellations += 1
            if self.cancellations > 1:
                raise
            if self._way == "raises":
                raise ConnectionError("hung up in the same moment") from None
        return Silent()

    async def _close(self, *_: object) -> None:
        self.closed += 1


@pytest.fixture(params=["raises", "returns"])
def unheeding(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Unheeding:
    return Unheeding(monkeypatch, request.param)


async def test_a_start_gives_up_in_time_though_the_library_swallows_the_cancellation(unheeding: Unheeding):
    async with asyncio.timeout(10):
        with pytest.raises(Misconfigured, match="no RabbitMQ answers"):
            await open_bus("amqp://one:two@127.0.0.1:1").start()
    assert (unheeding.cancellations, unheeding.closed) == (1, 1)


async def test_a_stop_ends_though_the_library_swallows_the_cancellation(unheeding: Unheeding):
    bus = open_bus("mqtt://one:two@127.0.0.1:1", client_id="quay-1")
    await bus.start()
    async with asyncio.timeout(10):
        await bus.stop()
    assert unheeding.cancellations == 1


@over_rabbit
async def test_a_queue_with_other_arguments_is_said_at_the_start(buses: Buses):
    async with amqp_channel(buses.url("rabbit")) as channel:
        await channel.declare_queue(f"{buses.service}.test.rang", durable=True)
    with pytest.raises(Misconfigured, match="exists with other arguments"):
        await buses.listen(Subscription(Rang, Listener()))


async def test_a_url_that_cannot_be_read_is_not_repeated():
    with pytest.raises(Misconfigured, match="write amqp://") as caught:
        open_bus("amqp://somebody:hunter/2@localhost")
    assert "hunter" not in str(caught.value)


@over_rabbit
async def test_no_rabbitmq_at_the_address_is_misconfigured_after_a_while(
    buses: Buses, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(rabbit_bus, "START_S", 0.3)
    wire = Wire(buses.url("rabbit"))
    await wire.mend()
    await wire.cut()
    with pytest.raises(Misconfigured, match="no RabbitMQ answers"):
        await buses.open(wire.url).start()


@over_rabbit
async def test_a_start_waits_for_a_rabbitmq_that_is_still_coming_up(buses: Buses):
    wire = Wire(buses.url("rabbit"))
    await wire.mend()
    await wire.cut()
    starting = asyncio.create_task(buses.start(buses.open(wire.url)))
    await asyncio.sleep(0.2)
    assert not starting.done()
    await wire.mend()
    await starting


@pytest.mark.parametrize("reach", ["mqtt"], indirect=True)
async def test_a_node_starts_without_its_broker_and_connects_when_it_is_there(
    buses: Buses, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(mqtt, "START_S", 0.1)
    wire = Wire(buses.url("mqtt"))
    await wire.mend()
    await wire.cut()
    listener = Listener()
    bus = await buses.start(buses.open(wire.url), Subscription(Rang, listener))
    await refused(bus, Rang(number=1))
    await wire.mend()
    await published_at_last(bus, Rang(number=2))
    await eventually(lambda: listener.numbers == [2])


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


async def published_at_last(bus: Bus | Buses, event: Event) -> None:
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
    openssl = shutil.which("openssl") or missing("openssl is absent: it makes a certificate for this test")
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
