"""What the tests of the bus stand on: buses that reach one another, and a wire that can be cut or frozen."""

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from itertools import chain
from typing import ClassVar
from urllib.parse import urlsplit
from uuid import uuid4

import aio_pika
import pytest
from prometheus_client import CollectorRegistry

from escolta.bus import Bus, DeadLetter, Subscription, mqtt, open_bus, rabbit_link
from escolta.bus.address import address_of, client_id_of
from escolta.bus.memory import MemoryBus
from escolta.bus.mqtt import MqttBus
from escolta.errors import Transient
from escolta.events import Event
from escolta.fields import NodeName
from servers.rabbit import Rabbit

PATIENCE_S = 240.0

across = pytest.mark.parametrize(
    "reach", ["memory", "rabbit", "mqtt", "mqtt to rabbit", "rabbit to mqtt"], indirect=True
)
over_rabbit = pytest.mark.parametrize("reach", ["rabbit"], indirect=True)
over_each_broker = pytest.mark.parametrize("reach", ["rabbit", "mqtt"], indirect=True)
where_consumers_share = pytest.mark.parametrize("reach", ["memory", "rabbit"], indirect=True)
"""By which protocols a test is tried; without one of these, over memory, RabbitMQ and MQTT."""


class Rang(Event):
    """a test -> a test. A bell rang."""

    topic: ClassVar[str] = "test.rang"
    number: int


class Called(Event):
    """a test -> a node. Somebody called it."""

    topic: ClassVar[str] = "test.called.{node}"
    node: NodeName
    number: int


class Answered(Event):
    """a test -> a test. Whoever asked asks again, should it be lost."""

    topic: ClassVar[str] = "test.answered"
    asked_for_again: ClassVar[bool] = True


class Unheard(Event):
    """a test -> nobody. A tree fell."""

    topic: ClassVar[str] = "test.unheard"


async def eventually(holds: Callable[[], object]) -> None:
    """Wait until it holds; fail if it does not."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(PATIENCE_S):
            while not holds():
                await asyncio.sleep(0.005)
    assert holds()


def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wait for a broker as long as a busy machine needs, where a service would go on without it."""
    monkeypatch.setattr(mqtt, "START_S", PATIENCE_S)
    for link in (mqtt, rabbit_link):
        monkeypatch.setattr(link, "CONFIRM_S", PATIENCE_S)


class Buses:
    """`name` says by which protocols: "memory", "rabbit", or who sends and who listens, "mqtt to rabbit"."""

    def __init__(self, name: str, rabbit: Rabbit | None) -> None:
        self.sends, _, listens = name.partition(" to ")
        self.listens = listens or self.sends
        self.service = f"test-{uuid4().hex[:8]}"
        self._rabbit = rabbit
        self._buses: list[Bus] = []
        self._subscriptions: dict[int, tuple[Subscription, ...]] = {}
        self._sender: Bus | None = None

    def url(self, protocol: str) -> str:
        """The address of a bus that speaks `protocol`."""
        if self._rabbit is None:
            return "memory://"
        return {"rabbit": self._rabbit.amqp_url, "mqtt": self._rabbit.mqtt_url}[protocol]

    @property
    def rabbit(self) -> Rabbit:
        """The broker, where there is one."""
        assert self._rabbit
        return self._rabbit

    async def listen(self, *subscriptions: Subscription) -> Bus:
        """A process that listens. In memory there is one process, and it sends too."""
        bus = self.open(self.url(self.listens))
        if isinstance(bus, MemoryBus):
            self._sender = bus
        return await self.start(bus, *subscriptions)

    async def listen_again(self, stopped: Bus) -> Bus:
        """The process of the bus that has stopped, started anew."""
        if not isinstance(stopped, MemoryBus):
            return await self.listen(*self._subscriptions[id(stopped)])
        await stopped.start()
        return stopped

    async def publish(self, *events: Event) -> None:
        """From the sending process, one event after the other."""
        if self._sender is None:
            self._sender = await self.start(self.open(self.url(self.sends), "-sender"))
        for event in events:
            await self._sender.publish(event)

    async def send_raw(self, topic: str, body: bytes) -> None:
        """What somebody may send who does not use our events."""
        if isinstance(self._sender, MemoryBus):
            await self._sender.publish_raw(topic, body)
            return
        async with amqp_channel(self.url("rabbit")) as channel:
            exchange = await channel.get_exchange("amq.topic")
            await exchange.publish(aio_pika.Message(body), topic)

    async def dead_letters(self, bus: Bus, count: int, of: type[Event] = Rang) -> list[DeadLetter]:
        """The dead letters of the listener's `of`, once there are `count`."""
        if isinstance(bus, MemoryBus | MqttBus):
            await eventually(lambda: len(bus.dead_letters) == count)
            return bus.dead_letters
        queue = f"{self.service}.{of.topic.removesuffix('.{node}')}"
        async with amqp_channel(self.url("rabbit")) as channel:
            return [await take_dead_letter(channel, queue) for _ in range(count)]

    async def stop(self) -> None:
        """Stop every bus and leave nothing in the broker."""
        for bus in self._buses:
            await bus.stop()
        if self._rabbit:
            async with amqp_channel(self._rabbit.amqp_url) as channel:
                for queue in self._queues():
                    await channel.queue_delete(queue)
                await channel.exchange_delete(self.service)

    def _queues(self) -> Iterator[str]:
        password = address_of(self.rabbit.mqtt_url, port=1883, tls_port=8883).password
        for client in (self.service, f"{self.service}-sender"):
            yield f"mqtt-subscription-{client_id_of(client, password)}qos1"
        for subscription in chain.from_iterable(self._subscriptions.values()):
            queue = subscription.queue(self.service)
            yield from (queue, f"{queue}.dead")
            yield from (f"{queue}.retry.{round(delay_s * 1000)}" for delay_s in subscription.delays_s)

    def open(self, url: str, part: str = "", metrics: CollectorRegistry | None = None) -> Bus:
        """A bus that nobody has started; `part` tells apart the clients of one test."""
        return open_bus(url, metrics=metrics, name=self.service + part)

    async def start(self, bus: Bus, *subscriptions: Subscription) -> Bus:
        """Subscribe and start; it is stopped with the test."""
        self._buses.append(bus)
        self._subscriptions[id(bus)] = subscriptions
        for subscription in subscriptions:
            bus.subscribe(self.service, subscription)
        await bus.start()
        return bus


@asynccontextmanager
async def amqp_channel(url: str) -> AsyncIterator[aio_pika.abc.AbstractChannel]:
    """A channel beside the bus, to see what is in the broker."""
    async with await aio_pika.connect(url) as connection, connection.channel() as channel:
        yield channel


async def take(channel: aio_pika.abc.AbstractChannel, queue: str) -> aio_pika.abc.AbstractIncomingMessage:
    """The next message of a queue, once it is there."""
    source = await channel.get_queue(queue)
    async with asyncio.timeout(PATIENCE_S):
        while (message := await source.get(no_ack=True, fail=False)) is None:
            await asyncio.sleep(0.02)
    return message


async def take_dead_letter(channel: aio_pika.abc.AbstractChannel, queue: str) -> DeadLetter:
    """The next message of `<queue>.dead`, read as the bus has written it."""
    message = await take(channel, f"{queue}.dead")
    return DeadLetter(
        queue=queue,
        topic=str(message.headers["x-escolta-topic"]),
        body=message.body,
        reason=str(message.headers["x-escolta-reason"]),
        attempts=int(str(message.headers["x-escolta-attempts"])),
    )


class Wire:
    """A TCP proxy to a broker. Cut: connections break. Frozen: they stay, and nothing passes.

    With `tls` it is what a broker that speaks TLS looks like.
    """

    def __init__(self, url: str, tls: ssl.SSLContext | None = None) -> None:
        parts = urlsplit(url)
        assert parts.hostname
        assert parts.port
        self._broker = parts.hostname, parts.port
        self._parts = parts._replace(scheme=parts.scheme + "s") if tls else parts
        self._tls = tls
        self._passing = asyncio.Event()
        self._passing.set()
        self._writers: set[asyncio.StreamWriter] = set()
        self._server: asyncio.Server | None = None
        self._port = 0

    @property
    def url(self) -> str:
        """The broker's address by way of this wire."""
        login, _, _ = self._parts.netloc.rpartition("@")
        return self._parts._replace(netloc=f"{login}@127.0.0.1:{self._port}").geturl()

    async def mend(self) -> None:
        """Let connections through, at first or again."""
        self._server = await asyncio.start_server(self._connected, "127.0.0.1", self._port, ssl=self._tls)
        self._port = self._server.sockets[0].getsockname()[1]

    async def cut(self) -> None:
        """Break every connection and let none through."""
        if self._server:
            self._server.close()
        for writer in self._writers:
            writer.transport.abort()

    def freeze(self) -> None:
        self._passing.clear()

    def thaw(self) -> None:
        self._passing.set()

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        broker_reader, broker_writer = await asyncio.open_connection(*self._broker)
        self._writers |= {writer, broker_writer}
        await asyncio.gather(self._pass(reader, broker_writer), self._pass(broker_reader, writer))

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError):
            while data := await reader.read(65536):
                await self._passing.wait()
                writer.write(data)
        writer.close()


async def published_at_last(bus: Bus | Buses, event: Event) -> None:
    """Publish again and again, as whoever has a row to tell of does."""
    async with asyncio.timeout(PATIENCE_S):
        while True:
            try:
                return await bus.publish(event)
            except Transient:
                await asyncio.sleep(0.05)


async def refused(bus: Bus, event: Event) -> None:
    """The bus says that it cannot publish."""
    with pytest.raises(Transient):
        await bus.publish(event)
