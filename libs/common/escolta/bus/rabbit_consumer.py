"""One queue of one service on RabbitMQ: its arguments, its messages, and what becomes of their verdicts.

All queues are quorum queues and hand over to one another at least once, so that a message is in one of
them at any moment: `<queue>`, from there to the handler; `<queue>.retry.<ms>`, after that time back to
`<queue>`; `<queue>.dead`, for people. Every argument is valid from RabbitMQ 3.10 to 4.x. None bounds a
queue: docs/decisions/0015 says why the broker's disk does.
"""

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable
from functools import partial

from aio_pika.abc import AbstractIncomingMessage, AbstractQueue

from escolta.bus.delivery import MAX_DELIVERIES, Delivery, Outcome, said
from escolta.bus.inbox import Inbox, Incoming, kept
from escolta.bus.port import DeadLetter, Verdict
from escolta.bus.rabbit_link import AWAY, CLOSE_S, CONNECT_S, Link
from escolta.fields import INTEGER, WORD_CHARS, shortened

log = logging.getLogger("escolta.bus")

TOPICS = "amq.topic"
"""The exchange to which RabbitMQ's MQTT plugin publishes: here MQTT and AMQP meet."""

ATTEMPT, TOPIC = "x-escolta-attempt", "x-escolta-topic"
REASON, ATTEMPTS = "x-escolta-reason", "x-escolta-attempts"
"""Two names for attempts: a dead letter that somebody puts back into its queue begins with the first."""
UNUSED_MS = 7 * 86_400_000
"""A queue of one kind, such as a model that nobody runs any more, goes when nobody listened for a week."""

Arguments = dict[str, str | int]
DEAD: Arguments = {"x-queue-type": "quorum", "x-delivery-limit": 1_000_000}
"""Without its own limit, RabbitMQ 4 drops a dead letter that people have looked at 20 times."""


def _handing_over_to(queue: str) -> Arguments:
    return {
        "x-queue-type": "quorum",
        "x-dead-letter-exchange": "",
        "x-dead-letter-routing-key": queue,
        "x-dead-letter-strategy": "at-least-once",
        "x-overflow": "reject-publish",  # at-least-once needs it; without a length, nothing is rejected
    }


class Consumer:
    """Takes messages from the broker for one `Delivery` and settles them there.

    `tell` publishes that there is a dead letter.
    """

    def __init__(self, delivery: Delivery, tell: Callable[[DeadLetter], Awaitable[None]]) -> None:
        self._delivery = delivery
        self._tell = tell
        self._inbox = Inbox()  # bounded by the prefetch
        self._queue: AbstractQueue | None = None
        self._tag = ""

    @property
    def _dead(self) -> str:
        return f"{self._delivery.queue}.dead"

    async def open(self, link: Link) -> None:
        """Declare the queues, bind, and consume. Raises `AWAY`."""
        name, subscription = self._delivery.queue, self._delivery.subscription
        async with asyncio.timeout(CONNECT_S):
            channel = await link.connection.channel(publisher_confirms=False)
            await channel.set_qos(prefetch_count=subscription.in_flight)
            await channel.declare_queue(self._dead, durable=True, arguments=dict(DEAD))
            arguments = _handing_over_to(self._dead) | {"x-delivery-limit": MAX_DELIVERIES}
            if subscription.kind:
                arguments |= {"x-expires": UNUSED_MS}
            queue = await channel.declare_queue(name, durable=True, arguments=dict(arguments))
            await queue.bind(TOPICS, subscription.pattern)
            # Where the queue is deleted, the channel stays open and nothing more would ever come.
            underlay = await channel.get_underlay_channel()
            underlay.on_consumer_cancel_callbacks.add(lambda _: link.lose(f"the queue {name} is gone"))
            channel.close_callbacks.add(lambda _, error: link.lose(f"{name}: {said(error)}"))
            self._queue, self._tag = queue, await queue.consume(partial(self._arrived, link))

    async def work(self) -> None:
        """Hand batches to the handler until `close`; connections may come and go meanwhile."""
        await self._delivery.work(self._inbox, self._settle)

    def forget(self) -> None:
        """Drop what has not begun: its connection is lost, so the broker hands it out again."""
        self._inbox.clear()

    async def close(self) -> None:
        """Begin no further batch, take no further message, and return what has not begun."""
        self._inbox.close()
        if self._queue:
            with contextlib.suppress(AWAY):
                async with asyncio.timeout(CLOSE_S):
                    await self._queue.cancel(self._tag)
                    for incoming in self._inbox.clear():
                        await incoming.receipt[1].nack(requeue=True)

    async def _arrived(self, link: Link, message: AbstractIncomingMessage) -> None:
        body, cut_from_bytes = kept(message.body)
        message.body = body  # type: ignore[misc]  # else the whole stays in memory until the verdict
        self._inbox.add(
            Incoming(
                topic=shortened(str(message.headers.get(TOPIC) or message.routing_key), WORD_CHARS),
                body=body,
                attempt=_count(message, ATTEMPT, 1),
                deliveries=_count(message, "x-delivery-count", 0) + 1,
                receipt=(link, message),
                cut_from_bytes=cut_from_bytes,
            )
        )

    async def _settle(self, incoming: Incoming, outcome: Outcome) -> None:
        link, message = incoming.receipt
        if link.lost.done():
            return  # with its connection the message went back into the queue
        try:
            if outcome.verdict is Verdict.RETRY:
                await self._send_later(link, incoming, outcome.delay_s)
            elif outcome.verdict is Verdict.REJECT:
                await self._bury(link, incoming, outcome.reason)
            await message.ack()
        except AWAY as error:
            log.warning("%s: a message comes again: %s", self._delivery.queue, said(error))
            with contextlib.suppress(AWAY):
                await message.nack(requeue=True)

    async def _send_later(self, link: Link, incoming: Incoming, delay_s: float) -> None:
        delay_ms = round(delay_s * 1000)
        arguments = _handing_over_to(self._delivery.queue) | {"x-message-ttl": delay_ms}
        headers: Arguments = {ATTEMPT: incoming.attempt + 1, TOPIC: incoming.topic}
        await link.send_to_queue(
            f"{self._delivery.queue}.retry.{delay_ms}", arguments, incoming.body, headers
        )

    async def _bury(self, link: Link, incoming: Incoming, reason: str) -> None:
        dead = DeadLetter(self._delivery.queue, incoming.topic, incoming.body, reason, incoming.attempt)
        await self._tell(dead)
        headers: Arguments = {
            TOPIC: dead.topic,
            REASON: dead.reason,
            ATTEMPTS: dead.attempts,
        }
        await link.send_to_queue(self._dead, DEAD, dead.body, headers)


def _count(message: AbstractIncomingMessage, header: str, default: int) -> int:
    """A number that the message carries; a foreign sender may have put anything there."""
    value = message.headers.get(header, default)
    return min(value, INTEGER - 1) if isinstance(value, int) and value >= default else default
