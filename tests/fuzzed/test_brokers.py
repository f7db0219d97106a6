"""Bad messages by way of a real broker, some with odd headers: each has its verdict, the next is heard."""

import asyncio
import json
import random
from collections import Counter
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

import aio_pika
import aiomqtt
import pytest
from prometheus_client import CollectorRegistry

from escolta.bus import Message, Subscription, open_bus
from escolta.bus.rabbit_consumer import TOPICS
from escolta.clock import SystemClock
from escolta.events import AudioAccepted, AudioHeld, Event, NodeStatus, UploadGranted
from fuzzed.mutations import ODD_TEXTS, mutated_json, sense
from fuzzed.watch import watched
from servers.rabbit import Rabbit

COUNT = 150
PATIENCE_S = 600.0
EVENTS: tuple[type[Event], ...] = (AudioAccepted, AudioHeld, UploadGranted, NodeStatus)
ODD_HEADERS: Sequence[Any] = (
    *(None, -1, 2**62, "x", bytearray(b"\xff"), True, [1, [2]], {"a": {"b": 1}}, 1.5, "é" * 9000),
)
HEADERS = (
    *("x-escolta-attempt", "x-escolta-topic", "x-escolta-reason", "x-escolta-attempts", "x-delivery-count"),
    *("x-death", "x-escolta-" + "n" * 100, ""),
)

Told = list[tuple[str, bytes]]


def told(chance: random.Random) -> Told:
    """Topics and bodies; the last of each kind makes sense."""
    messages = []
    for _ in range(COUNT):
        event = chance.choice(EVENTS)
        said = sense(chance, event)
        messages.append((event.topic.format_map(said), mutated_json(chance, said)))
    for event in EVENTS:
        said = sense(chance, event, node="quay-1")
        messages.append((event.topic.format_map(said), json.dumps(said).encode()))
    return messages


def headers(chance: random.Random, sense: bool) -> dict[str, Any]:
    """What has come out of another queue (`x-death`) is heard by nobody, however much sense it makes."""
    names = chance.sample(HEADERS, chance.randrange(4))
    if sense:
        names = [name for name in names if name != "x-death"]
    return {name: chance.choice((*ODD_HEADERS, *ODD_TEXTS)) for name in names}


async def tell_by_amqp(rabbit: Rabbit, messages: Told, chance: random.Random) -> None:
    connection = await aio_pika.connect(rabbit.amqp_url)
    async with connection:
        channel = await connection.channel()
        topics = await channel.get_exchange(TOPICS)
        for number, (topic, body) in enumerate(messages):
            odd = headers(chance, sense=number >= COUNT)
            message = aio_pika.Message(body, headers=odd, content_type=chance.choice(("", "x", None)))
            await topics.publish(message, topic)


async def tell_by_mqtt(rabbit: Rabbit, messages: Told, chance: random.Random) -> None:
    at = urlsplit(rabbit.mqtt_url)
    user = (at.username or "").replace("%3A", ":")
    async with aiomqtt.Client(at.hostname or "", at.port or 0, username=user, password=at.password) as client:
        for topic, body in messages:
            await client.publish(topic.replace(".", "/"), body, qos=1)


@pytest.mark.parametrize("tell", [tell_by_amqp, tell_by_mqtt])
@pytest.mark.parametrize("protocol", ["amqp", "mqtt"])
async def test_each_bad_message_has_its_verdict_and_the_good_ones_behind_it_are_heard(
    rabbit: Rabbit, tell: Any, protocol: str
) -> None:
    metrics, heard, chance = CollectorRegistry(), Counter[type[Event]](), random.Random(1)
    url = rabbit.amqp_url if protocol == "amqp" else rabbit.mqtt_url
    bus = open_bus(url, clock=SystemClock(), metrics=metrics, name="quay-1")

    async def hear(messages: Sequence[Message]) -> None:
        heard.update(type(message.event) for message in messages)

    for event in EVENTS:
        bus.subscribe("fuzzed", Subscription(event, hear, batch=8))
    messages = told(chance)
    async with watched() as seen:
        await bus.start()
        try:
            await tell(rabbit, messages, chance)
            async with asyncio.timeout(PATIENCE_S):
                while _verdicts(metrics).total() < len(messages):
                    await asyncio.sleep(0.1)
        finally:
            await bus.stop()
    assert _verdicts(metrics).total() == len(messages)
    assert _verdicts(metrics)["reject"] > COUNT // 2
    assert set(heard) == set(EVENTS)
    assert seen.defects == []


def _verdicts(metrics: CollectorRegistry) -> Counter[str]:
    samples = (sample for metric in metrics.collect() for sample in metric.samples)
    found: Counter[str] = Counter()
    for sample in samples:
        if sample.name == "escolta_messages_total":
            found[sample.labels["verdict"]] += int(sample.value)
    return found
