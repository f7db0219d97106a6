"""A harbor with a node `a` that has turned against us, and a node `a-b` that does its work."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from urllib.parse import unquote, urlsplit
from uuid import uuid4

import aio_pika
import aiomqtt
from aio_pika.abc import AbstractConnection, AbstractQueue
from contract.attempts import TOPICS
from contract.buses import amqp_channel

from escolta.accounts.nodes import admit_node
from escolta.accounts.rabbitmq import administration
from escolta.bus import Message, Subscription, open_bus
from escolta.bus.address import client_id_of
from escolta.bus.mqtt import MqttBus
from escolta.events import EVENTS, AudioLabeled, Event
from servers.rabbit import Rabbit

PASSWORD, OTHERS = "the-password-of-a", "the-password-of-a-b"
OWN_ID = client_id_of("a", PASSWORD)
OWN_QUEUE = f"mqtt-subscription-{OWN_ID}qos0"
TOPICS_OF_ALL = sorted({event.topic.replace("{node}", node) for event in EVENTS for node in ("a", "a-b")})


@dataclass
class Harbor:
    """The broker, an ear for every message on the topics, the other node, and what al-engine has heard."""

    rabbit: Rabbit
    ear: AbstractQueue
    other: MqttBus
    labeled: list[Event] = field(default_factory=list)

    def mqtt(self, client_id: str = OWN_ID, will: aiomqtt.Will | None = None) -> aiomqtt.Client:
        """A client of the hostile node's by MQTT."""
        port = int(self.rabbit.mqtt_url.rpartition(":")[2])
        vhost = self.rabbit.amqp_url.rpartition("/")[2]
        return aiomqtt.Client(
            "127.0.0.1",
            port,
            username=f"{vhost}:node-a",
            password=PASSWORD,
            identifier=client_id,
            clean_session=False,
            timeout=120,
            will=will,
        )

    @asynccontextmanager
    async def amqp(self) -> AsyncIterator[AbstractConnection]:
        """A connection of the hostile node's by AMQP; its queue, which RabbitMQ 4 keeps, is gone before."""
        async with await aio_pika.connect(self.rabbit.amqp_url_of("node-a", PASSWORD)) as connection:
            async with connection.channel() as channel:
                await channel.queue_delete(OWN_QUEUE)
            yield connection

    async def heard(self) -> set[str]:
        """The topics of all that was published since it was asked last."""
        async with amqp_channel(self.rabbit.amqp_url) as channel:
            await (await channel.get_exchange(TOPICS)).publish(aio_pika.Message(b""), "the.end")
        topics: set[str] = set()
        while True:
            message = await self.ear.get(no_ack=True, fail=False)
            if message is None:
                await asyncio.sleep(0.02)
            elif message.routing_key == "the.end":
                return topics
            else:
                topics.add(str(message.routing_key))

    async def retained(self) -> set[str]:
        """The topics of which the broker would tell whoever subscribes from now on."""
        operator = urlsplit(self.rabbit.mqtt_url)
        topics: set[str] = set()
        async with aiomqtt.Client(
            "127.0.0.1",
            operator.port or 0,
            username=unquote(operator.username or ""),
            password=operator.password,
            identifier=f"operator-{uuid4().hex}",
        ) as client:
            for topic in (*TOPICS_OF_ALL, "the.last"):
                await client.subscribe(topic.replace(".", "/"), qos=1)
            await client.publish("the/last", b"", qos=1)
            async for message in client.messages:
                if message.topic.value == "the/last":
                    break
                topics.add(message.topic.value.replace("/", "."))
        await self.heard()
        return topics


@asynccontextmanager
async def harbor_at(rabbit: Rabbit) -> AsyncIterator[Harbor]:
    """The two nodes with their accounts, the other at work, and al-engine."""
    async with administration(rabbit.admin_url) as broker:
        await admit_node(broker, "a", PASSWORD)
        await admit_node(broker, "a-b", OTHERS)
    async with amqp_channel(rabbit.amqp_url) as channel:
        ear = await channel.declare_queue("ear")
        await ear.bind(TOPICS, "#")
        other = open_bus(rabbit.mqtt_url_of("node-a-b", OTHERS), name="a-b")
        engine = open_bus(rabbit.amqp_url)
        assert isinstance(other, MqttBus)
        harbor = Harbor(rabbit, ear, other)

        async def hear(messages: Sequence[Message[AudioLabeled]]) -> None:
            harbor.labeled += [message.event for message in messages]

        engine.subscribe("al-engine", Subscription(AudioLabeled, hear))
        for bus in (other, engine):
            await bus.start()
        yield harbor
        for bus in (other, engine):
            await bus.stop()
    async with administration(rabbit.admin_url) as broker:
        for name in ("node-a", "node-a-b"):
            await broker.take(name)


async def let(client: aiomqtt.Client, attempt: Callable[[], Awaitable[None]]) -> bool:
    """Whether the broker lets it happen; what it refuses by MQTT 3.1.1 it answers by hanging up."""
    with contextlib.suppress(aiomqtt.MqttError):
        async with client:
            trying = asyncio.ensure_future(attempt())
            await asyncio.wait({trying, client._disconnected}, return_when=asyncio.FIRST_COMPLETED)
            if trying.done():
                trying.result()
                return True
            trying.cancel()
    return False


async def published(client: aiomqtt.Client, topic: str, retain: bool = False) -> bool:
    return await let(client, lambda: client.publish(topic.replace(".", "/"), b"{}", qos=1, retain=retain))


async def subscribed(client: aiomqtt.Client, topic: str, qos: int = 1) -> bool:
    async def attempt() -> None:
        [code] = await client.subscribe(topic.replace(".", "/"), qos=qos)
        if getattr(code, "is_failure", False):
            raise aiomqtt.MqttError("not granted")

    return await let(client, attempt)
