"""Ways around the permissions over topics, which RabbitMQ asks for when somebody publishes or binds, alone.

Whoever may make the queue `name` may make an exchange of that name, bind the topics to it, and publish there
under any key; or let a message die into the topics.
"""

from collections.abc import Awaitable, Callable

import aio_pika
from aio_pika.abc import AbstractChannel, Arguments

TOPICS = "amq.topic"
Forge = Callable[[AbstractChannel, str, str, bytes], Awaitable[None]]


def forged(topic: str, body: bytes) -> aio_pika.Message:
    """A message that says that it was retried, and what its topic was."""
    return aio_pika.Message(body, headers={"x-escolta-topic": topic})


async def by_its_own_exchange(channel: AbstractChannel, name: str, topic: str, body: bytes) -> None:
    exchange = await channel.declare_exchange(name, "fanout")
    topics = await channel.get_exchange(TOPICS, ensure=False)
    await topics.bind(exchange, "")
    await exchange.publish(forged(topic, body), topic)
    await exchange.delete()


async def by_an_alternate(channel: AbstractChannel, name: str, topic: str, body: bytes) -> None:
    arguments: Arguments = {"alternate-exchange": TOPICS}
    exchange = await channel.declare_exchange(name, "fanout", arguments=arguments)
    await exchange.publish(forged(topic, body), topic)
    await exchange.delete()


async def by_a_death(channel: AbstractChannel, name: str, topic: str, body: bytes) -> None:
    exchange = await channel.declare_exchange(name, "fanout")
    arguments: Arguments = {"x-dead-letter-exchange": TOPICS, "x-dead-letter-routing-key": topic}
    queue = await channel.declare_queue(name, arguments=arguments)
    await queue.bind(exchange)
    await exchange.publish(forged(topic, body), "anything")
    await (await queue.get(timeout=60)).reject(requeue=False)
    await queue.delete()
    await exchange.delete()


WAYS: tuple[Forge, ...] = (by_its_own_exchange, by_an_alternate, by_a_death)
