"""What somebody may try at RabbitMQ by AMQP, each attempt on a channel of its own."""

from collections.abc import Awaitable, Callable

import aio_pika
from aio_pika.abc import AbstractChannel, AbstractConnection, HeadersType
from aiormq.exceptions import ChannelAccessRefused

TOPICS = "amq.topic"


async def nothing(_: object) -> None:
    """A handler, or a consumer."""


Attempt = Callable[[AbstractChannel], Awaitable[object]]


async def may(connection: AbstractConnection, attempt: Attempt) -> bool:
    """Whether the broker lets it happen; a refusal closes the channel, so each has one of its own."""
    channel = await connection.channel()
    try:
        await attempt(channel)
    except ChannelAccessRefused:
        return False
    await channel.close()
    return True


def publishing(
    topic: str, exchange: str = TOPICS, body: bytes = b"{}", headers: HeadersType | None = None
) -> Attempt:
    async def attempt(channel: AbstractChannel) -> None:
        target = await channel.get_exchange(exchange, ensure=False)
        await target.publish(aio_pika.Message(body, headers=headers), topic, mandatory=False)

    return attempt


def taking_from(queue: str) -> Attempt:
    async def attempt(channel: AbstractChannel) -> None:
        await (await channel.get_queue(queue, ensure=False)).get(fail=False, no_ack=True)

    return attempt


def consuming(queue: str) -> Attempt:
    async def attempt(channel: AbstractChannel) -> None:
        await (await channel.get_queue(queue, ensure=False)).consume(nothing)

    return attempt


def purging(queue: str) -> Attempt:
    async def attempt(channel: AbstractChannel) -> None:
        await (await channel.get_queue(queue, ensure=False)).purge()

    return attempt


def deleting(queue: str) -> Attempt:
    async def attempt(channel: AbstractChannel) -> None:
        await channel.queue_delete(queue)

    return attempt


def making_queue(name: str) -> Attempt:
    return lambda channel: channel.declare_queue(name)


def making_exchange(name: str) -> Attempt:
    return lambda channel: channel.declare_exchange(name)


def binding_exchanges(to: str, source: str, pattern: str) -> Attempt:
    async def attempt(channel: AbstractChannel) -> None:
        await (await channel.get_exchange(to, ensure=False)).bind(source, pattern)

    return attempt


def deleting_exchange(name: str) -> Attempt:
    return lambda channel: channel.exchange_delete(name)


def binding(queue: str, pattern: str) -> Attempt:
    async def attempt(channel: AbstractChannel) -> None:
        await (await channel.get_queue(queue, ensure=False)).bind(TOPICS, pattern)

    return attempt
