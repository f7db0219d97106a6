"""The dead letters of RabbitMQ, in their queues: read without losing their order, put back, dropped.

What is looked at is not acknowledged; with its channel it goes back to where it was. What is put back has the
broker's confirm before it leaves the dead letters, so that a crash doubles a message rather than losing it.
"""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from enum import Enum

import aio_pika
from aio_pika.abc import AbstractChannel, AbstractIncomingMessage, AbstractQueue

from escolta.bus.address import address_of
from escolta.bus.delivery import letter_id
from escolta.bus.port import DeadLetter
from escolta.bus.rabbit_consumer import ATTEMPTS, OPERATOR, REASON, TOPIC
from escolta.bus.rabbit_link import open_link
from escolta.errors import Misconfigured, Transient

SUFFIX = ".dead"


class Fate(Enum):
    """What becomes of a dead letter that was looked at."""

    STAY = "stay"
    PUT_BACK = "put back"
    DROP = "drop"


@dataclass(frozen=True)
class Found:
    """A dead letter with its id, which the quarantine list has too; the same content, the same id."""

    letter_id: str
    letter: DeadLetter


Judge = Callable[[Found], Fate]


class DeadLetters:
    """The dead letters of a broker, by an account that may read every queue and write into it."""

    def __init__(self, channel: AbstractChannel) -> None:
        self._channel = channel

    async def judged(self, queue: str, judge: Judge, most: int | None = None) -> AsyncIterator[Found]:
        """Each dead letter of the service's queue `queue`, the oldest first, once its fate is carried out.

        It ends with those that were there at the beginning, or after `most` of them.
        """
        source, count = await self._opened(queue)
        for _ in range(count if most is None else min(count, most)):
            message = await source.get(no_ack=False, fail=False)
            if message is None:
                return
            found = _found(queue, message)
            fate = judge(found)
            if fate is Fate.PUT_BACK:
                await self._put_back(found.letter)
            if fate is not Fate.STAY:
                await message.ack()
            yield found

    async def count(self, queue: str) -> int:
        """How many there are of the service's queue `queue`, not counting what is being looked at."""
        return (await self._opened(queue))[1]

    async def _opened(self, queue: str) -> tuple[AbstractQueue, int]:
        source = await self._channel.declare_queue(f"{queue}{SUFFIX}", passive=True)
        return source, source.declaration_result.message_count or 0

    async def _put_back(self, letter: DeadLetter) -> None:
        """Into the queue in which it died, for a first attempt."""
        message = aio_pika.Message(
            letter.body,
            headers={TOPIC: letter.topic},
            content_type="application/json",
            delivery_mode=aio_pika.DeliveryMode.PERSISTENT,
        )
        exchange = await self._channel.get_exchange(OPERATOR, ensure=False)
        try:
            await exchange.publish(message, letter.queue, mandatory=True)
        except aio_pika.exceptions.PublishError as error:
            raise Misconfigured(
                f"the queue {letter.queue} is not there: start its service, then put the message back"
            ) from error


@asynccontextmanager
async def dead_letters(bus_url: str) -> AsyncIterator[DeadLetters]:
    """Those of the broker that `bus_url` names, as an operator's account sees them.

    Raises `Misconfigured` where the broker refuses the account, `Transient` where it does not answer.
    """
    address = address_of(bus_url, port=5672, tls_port=5671)
    try:
        link = await open_link(address)
    except Misconfigured:
        raise
    except Exception as error:
        raise Transient(f"ESCOLTA_BUS_URL: no RabbitMQ answers at {address}: {error}") from error
    try:
        yield DeadLetters(await link.connection.channel(on_return_raises=True))
    except (aio_pika.exceptions.AMQPError, ConnectionError) as error:
        raise Transient(
            f"RabbitMQ at {address} broke off ({error or type(error).__name__}): what it confirmed is done; "
            "list them again"
        ) from error
    finally:
        await link.close()


def _found(queue: str, message: AbstractIncomingMessage) -> Found:
    headers = message.headers
    attempts = headers.get(ATTEMPTS)
    letter = DeadLetter(
        queue=queue,
        topic=str(headers.get(TOPIC) or message.routing_key),
        body=message.body,
        reason=str(headers.get(REASON) or "handed out too often without a verdict"),
        attempts=attempts if isinstance(attempts, int) else 0,
    )
    return Found(letter_id(letter), letter)
