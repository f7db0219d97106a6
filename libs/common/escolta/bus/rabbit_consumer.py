"""One queue of one service on RabbitMQ: its arguments, its messages, and what becomes of their verdicts.

All queues are quorum queues and hand over to one another at least once, so that a message is in one of
them at any moment: `<queue>`, from there to the handler; `<queue>.retry.<ms>`, after that time back to
`<queue>`; `<queue>.dead`, for people. They do so by an exchange that is called like the service, because who
may use the broker's default exchange may write into every queue (docs/decisions/0030).
Every argument is valid from RabbitMQ 3.10 to 4.x. None bounds a queue: docs/decisions/0015 says why the
broker's disk does.
"""

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial
from typing import NamedTuple

from aio_pika import ExchangeType
from aiormq.abc import AbstractChannel, DeliveredMessage

from escolta.bus.delivery import MAX_DELIVERIES, Delivery, Outcome, reason_of
from escolta.bus.inbox import Inbox, Incoming, bounded
from escolta.bus.port import DeadLetter, Verdict
from escolta.bus.rabbit_link import AWAY, CLOSE_S, CONNECT_S, Link, QueueOf
from escolta.fields import INTEGER, WORD_CHARS, shortened

log = logging.getLogger("escolta.bus")

TOPICS = "amq.topic"
"""The exchange to which RabbitMQ's MQTT plugin publishes: here MQTT and AMQP meet."""

OPERATOR = ""
"""The default exchange, by which an operator puts a message back; no account of ours may use it."""

DIED = "x-death"
"""The header that RabbitMQ gives to a message that leaves a queue for its dead-letter exchange."""

ATTEMPT, TOPIC = "x-escolta-attempt", "x-escolta-topic"
REASON, ATTEMPTS = "x-escolta-reason", "x-escolta-attempts"
"""Two names for attempts: a dead letter that somebody puts back into its queue begins with the first."""
UNUSED_MS = 7 * 86_400_000
"""A queue of one kind, such as a model that nobody runs any more, goes when nobody listened for a week."""

Arguments = dict[str, str | int]
DEAD: Arguments = {"x-queue-type": "quorum", "x-delivery-limit": 1_000_000}
"""Without its own limit, RabbitMQ 4 drops a dead letter that people have looked at 20 times."""


class _Receipt(NamedTuple):
    """What a message is settled with."""

    link: Link
    channel: AbstractChannel
    tag: int


class Consumer:
    """Takes messages from the broker for one `Delivery` of `service` and settles them there.

    `tell` publishes that there is a dead letter.
    """

    def __init__(
        self, service: str, delivery: Delivery, tell: Callable[[DeadLetter], Awaitable[None]]
    ) -> None:
        self._own_exchange = service
        self._delivery = delivery
        self._tell = tell
        self._inbox = Inbox()  # bounded by the prefetch
        self._channel: AbstractChannel | None = None
        self._tag = ""

    @property
    def queues(self) -> tuple[str, str]:
        """The names of the queue, and of that of its dead letters."""
        return self._delivery.queue, self._dead

    @property
    def _dead(self) -> str:
        return f"{self._delivery.queue}.dead"

    def _handing_over_to(self, queue: str) -> Arguments:
        return {
            "x-queue-type": "quorum",
            "x-dead-letter-exchange": self._own_exchange,
            "x-dead-letter-routing-key": queue,
            "x-dead-letter-strategy": "at-least-once",
            "x-overflow": "reject-publish",  # at-least-once needs it; without a length, nothing is rejected
        }

    async def open(self, link: Link) -> None:
        """Declare the queues, bind, and consume. Raises `AWAY`."""
        name, subscription = self._delivery.queue, self._delivery.subscription
        async with asyncio.timeout(CONNECT_S):
            channel = await link.connection.channel(publisher_confirms=False)
            await channel.set_qos(prefetch_count=subscription.in_flight)
            own = await channel.declare_exchange(self._own_exchange, ExchangeType.DIRECT, durable=True)
            dead = await channel.declare_queue(self._dead, durable=True, arguments=dict(DEAD))
            await dead.bind(own, self._dead)
            arguments = self._handing_over_to(self._dead) | {"x-delivery-limit": MAX_DELIVERIES}
            if subscription.kind:
                arguments |= {"x-expires": UNUSED_MS}
            queue = await channel.declare_queue(name, durable=True, arguments=dict(arguments))
            await queue.bind(own, name)
            await queue.bind(TOPICS, subscription.pattern)
            channel.close_callbacks.add(lambda _, error: link.lose(f"{name}: {reason_of(error)}"))
            # Past aio-pika, whose own messages and tasks would cost as much again as all that we do with one.
            underlay = await channel.get_underlay_channel()
            # Where the queue is deleted, the channel stays open and nothing more would ever come.
            underlay.on_consumer_cancel_callbacks.add(lambda _: link.lose(f"the queue {name} is gone"))
            answer = await underlay.basic_consume(name, partial(self._arrived, link))
            self._channel, self._tag = underlay, str(answer.consumer_tag)

    async def work(self) -> None:
        """Hand batches to the handler until `close`; connections may come and go meanwhile."""
        await self._delivery.work(self._inbox, self._settle)

    def forget(self) -> None:
        """Drop what has not begun: its connection is lost, so the broker hands it out again."""
        self._inbox.clear()

    async def close(self) -> None:
        """Begin no further batch, take no further message, and return what has not begun."""
        self._inbox.close()
        if self._channel:
            with contextlib.suppress(AWAY):
                async with asyncio.timeout(CLOSE_S):
                    await self._channel.basic_cancel(self._tag)
                    for incoming in self._inbox.clear():
                        await self._give_back(incoming.receipt)

    async def _arrived(self, link: Link, message: DeliveredMessage) -> None:
        body, cut_from_bytes = bounded(message.body)
        ours = message.exchange in (OPERATOR, self._own_exchange)  # nobody else may publish there
        self._inbox.add(
            Incoming(
                topic=shortened(self._topic(message, ours), WORD_CHARS),
                body=body,
                attempt=_count(message, ATTEMPT, 1) if ours else 1,
                deliveries=_count(message, "x-delivery-count", 0) + 1,
                receipt=_Receipt(link, message.channel, message.delivery_tag or 0),
                cut_from_bytes=cut_from_bytes,
            )
        )

    def _topic(self, message: DeliveredMessage, ours: bool) -> str:
        """The topic for which the broker stands: it let only those publish there who may.

        It stands for nothing where the message came to the topics from another exchange, or from a queue in
        which it died. Then what is given is no event's topic.
        """
        key = str(message.routing_key)
        if ours:
            return str(_headers(message).get(TOPIC) or key)
        if message.exchange == TOPICS and DIED not in _headers(message):
            return key
        return f"{key} by way of {message.exchange}"

    async def _settle(self, batch: Sequence[Incoming], outcomes: Sequence[Outcome]) -> None:
        """Carry out what is more than an acknowledgment, and acknowledge.

        A whole batch of one connection at once: it is the oldest that the inbox had, and is settled before
        the next one is taken, so that up to its last message there is no other.
        """
        carried = await asyncio.gather(*map(self._carry_out, batch, outcomes), return_exceptions=True)
        self._delivery.not_carried_out(carried)
        done = [incoming.receipt for incoming, outcome in zip(batch, carried, strict=True) if outcome is True]
        at_once = len(done) == len(batch) and len({receipt.channel for receipt in done}) == 1
        for receipt in done[-1:] if at_once else done:
            with contextlib.suppress(AWAY):  # then it comes again
                await receipt.channel.basic_ack(receipt.tag, multiple=at_once)

    async def _carry_out(self, incoming: Incoming, outcome: Outcome) -> bool:
        """Whether the message may be acknowledged; else it went back into its queue."""
        link = incoming.receipt.link
        if link.lost.done():
            return False
        try:
            if outcome.verdict is Verdict.RETRY:
                await self._send_later(link, incoming, outcome.delay_s)
            elif outcome.verdict is Verdict.REJECT:
                await self._bury(link, incoming, outcome.reason)
        except AWAY as error:
            log.warning("%s: a message comes again: %s", self._delivery.queue, reason_of(error))
            with contextlib.suppress(AWAY):
                await self._give_back(incoming.receipt)
            return False
        return True

    async def _give_back(self, receipt: "_Receipt") -> None:
        await receipt.channel.basic_nack(receipt.tag, requeue=True)

    async def _send_later(self, link: Link, incoming: Incoming, delay_s: float) -> None:
        delay_ms = round(delay_s * 1000)
        arguments = self._handing_over_to(self._delivery.queue) | {"x-message-ttl": delay_ms}
        later = QueueOf(self._own_exchange, f"{self._delivery.queue}.retry.{delay_ms}", arguments)
        headers: Arguments = {ATTEMPT: incoming.attempt + 1, TOPIC: incoming.topic}
        await link.send_to_queue(later, incoming.body, headers)

    async def _bury(self, link: Link, incoming: Incoming, reason: str) -> None:
        dead = DeadLetter(self._delivery.queue, incoming.topic, incoming.body, reason, incoming.attempt)
        await self._tell(dead)
        headers: Arguments = {
            TOPIC: dead.topic,
            REASON: dead.reason,
            ATTEMPTS: dead.attempts,
        }
        await link.send_to_queue(QueueOf(self._own_exchange, self._dead, DEAD), dead.body, headers)


def _headers(message: DeliveredMessage) -> Mapping[str, object]:
    return message.header.properties.headers or {}


def _count(message: DeliveredMessage, header: str, default: int) -> int:
    """A number that the message carries; a foreign sender may have put anything there."""
    value = _headers(message).get(header, default)
    return min(value, INTEGER - 1) if isinstance(value, int) and value >= default else default
