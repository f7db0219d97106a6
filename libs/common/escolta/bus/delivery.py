"""From bytes to verdicts: what every adapter does with the messages that have arrived.

An adapter puts `Incoming` messages into an `Inbox` and starts `Delivery.work`, which runs the handler over
batches and hands the `Outcome` of each message back to the adapter to carry out.
"""

import logging
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from uuid import NAMESPACE_URL, uuid5

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from pydantic import ValidationError

from escolta.bus.inbox import Inbox, Incoming
from escolta.bus.port import DeadLetter, Message, Subscription, Verdict
from escolta.cancellation import cancelled_by_us_alone
from escolta.clock import Clock
from escolta.errors import Misconfigured, Rejected, is_transient
from escolta.events import Event, MessageRejected
from escolta.fields import LARGEST_EVENT_BYTES, REASON_CHARS, shortened

log = logging.getLogger("escolta.bus")
MAX_DELIVERIES = 20
"""Handed out this often without a verdict, a message is taken to kill its consumers."""


@dataclass(frozen=True)
class Outcome:
    """What the adapter has to do: nothing more (done), wait `delay_s` and redeliver, or bury it."""

    verdict: Verdict
    reason: str = ""
    delay_s: float = 0.0


Settle = Callable[[Sequence[Incoming], Sequence[Outcome]], Awaitable[None]]
"""Carries out the outcomes of a batch."""


class BusMetrics:
    """What an operator watches on the bus."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.messages = Counter(
            "escolta_messages",
            "Messages handled, by what became of them: done, retry (they come again), reject (a dead letter)",
            ["queue", "verdict"],
            registry=registry,
        )
        self.handler_s = Histogram(
            "escolta_handler_seconds",
            "Seconds in a handler, which takes a batch of messages",
            ["queue"],
            registry=registry,
        )
        self.published = Counter("escolta_events_published", "Events published", ["topic"], registry=registry)
        self.unrouted = Counter(
            "escolta_events_unrouted", "Events that no queue wanted", ["topic"], registry=registry
        )
        self.waiting = Gauge(
            "escolta_queue_waiting_messages",
            "Messages in a queue of RabbitMQ that nobody has taken yet",
            ["queue"],
            registry=registry,
        )
        self.dead = Gauge(
            "escolta_queue_dead_letters",
            "Messages of a queue of RabbitMQ that nobody will try again: `escolta dead list`",
            ["queue"],
            registry=registry,
        )
        self._told_topics: set[str] = set()

    def count_unrouted(self, topic: str) -> None:
        """Count an event that no queue wanted and say so once a topic: its row is there to be found."""
        self.unrouted.labels(topic).inc()
        if topic not in self._told_topics:
            self._told_topics.add(topic)
            log.info("no queue wants %s: whoever needs it will find the row", topic)


class Delivery:
    """Runs the handler of one subscription of one service over batches of raw messages."""

    def __init__(self, service: str, subscription: Subscription, metrics: BusMetrics) -> None:
        self.queue = subscription.queue(service)
        self.subscription = subscription
        self._metrics = metrics

    async def work(self, inbox: Inbox, settle: Settle) -> None:
        """Run batch after batch and settle its messages, until `inbox` is closed."""
        while batch := await inbox.batch(self.subscription.batch, self.subscription.linger_s):
            await settle(batch, await self.run(batch))

    def not_carried_out(self, results: Sequence[object]) -> None:
        """Say of each error among `results` that a verdict was not carried out for it."""
        for result in results:
            if isinstance(result, BaseException):
                log.error("%s: a verdict was not carried out", self.queue, exc_info=result)

    async def run(self, batch: Sequence[Incoming]) -> list[Outcome]:
        """One outcome for each message, in order. Raises only when cancelled.

        1. Decode; what cannot be decoded, or has killed its consumers, is a dead letter at once.
        2. Hand the rest to the handler together; if it raises, one by one.
        3. Turn verdicts into outcomes.
        """
        outcomes: dict[int, Outcome] = {}
        messages: dict[int, Message] = {}
        for index, incoming in enumerate(batch):
            try:
                messages[index] = Message(self._decode(incoming), incoming.attempt)
            except Rejected as error:
                outcomes[index] = _rejected(str(error))
        begun = time.perf_counter()
        outcomes |= await self._handle(messages)
        self._metrics.handler_s.labels(self.queue).observe(time.perf_counter() - begun)
        for outcome in outcomes.values():
            self._metrics.messages.labels(self.queue, outcome.verdict.value).inc()
        return [outcomes[index] for index in range(len(batch))]

    def _decode(self, incoming: Incoming) -> Event:
        if incoming.deliveries > MAX_DELIVERIES:
            raise Rejected(f"handed out {MAX_DELIVERIES} times without a verdict: it may kill its consumer")
        if incoming.cut_from_bytes:
            raise Rejected(
                f"the message has {incoming.cut_from_bytes} bytes, and an event has {LARGEST_EVENT_BYTES} at "
                "most: only its beginning is kept; look at its sender"
            )
        try:
            event = self.subscription.event.model_validate_json(incoming.body)
        except ValidationError as error:
            raise Rejected(_sentence(self.subscription.event, error)) from None
        if incoming.topic != event.routing_key():
            raise Rejected(
                f"a {type(event).__name__} that belongs to the topic {event.routing_key()} came as "
                f"{incoming.topic}: somebody speaks for somebody else; look at who may publish there"
            )
        return event

    async def _handle(self, messages: dict[int, Message]) -> dict[int, Outcome]:
        if not messages:
            return {}
        try:
            with cancelled_by_us_alone():
                await self.subscription.handler(list(messages.values()))
        except Exception as error:  # noqa: BLE001  # every failure is judged, logged and counted here
            if len(messages) == 1:
                [(index, message)] = messages.items()
                return {index: self._judge(error, message.attempt)}
            return await self._judge_batch(error, messages)
        return {index: self._outcome(message) for index, message in messages.items()}

    async def _judge_batch(self, error: Exception, messages: dict[int, Message]) -> dict[int, Outcome]:
        """Later, all of them, where something is away; else one by one, to find what poisons the batch.

        Something that is away after the last delay still may be one message's doing: then one by one as well,
        as far as the first for which it is away, and another one first at each attempt.
        """
        away, attempt = _is_away(error), min(message.attempt for message in messages.values())
        if away and attempt <= len(self.subscription.delays_s):
            log.warning("%s: a batch of %d, later: %s", self.queue, len(messages), _named(error))
            return {index: self._later(_named(error), message.attempt) for index, message in messages.items()}
        log.warning("%s: a batch of %d failed, now one by one: %s", self.queue, len(messages), _named(error))
        outcomes: dict[int, Outcome] = {}
        order = list(messages)
        first = attempt % len(order) if away else 0
        for index in order[first:] + order[:first]:
            message = messages[index]
            if away and any(outcome.verdict is Verdict.RETRY for outcome in outcomes.values()):
                outcomes[index] = self._later(_named(error), message.attempt)
            else:
                outcomes |= await self._handle({index: Message(message.event, message.attempt)})
        return outcomes

    def _outcome(self, message: Message) -> Outcome:
        if message.verdict is Verdict.RETRY:
            return self._later(message.reason, message.attempt)
        return _rejected(message.reason) if message.verdict is Verdict.REJECT else Outcome(Verdict.DONE)

    def _judge(self, error: Exception, attempt: int) -> Outcome:
        if isinstance(error, Rejected):
            return _rejected(str(error))
        reason = _named(error)
        if _is_away(error):
            log.warning("%s: attempt %d: %s", self.queue, attempt, reason)
            return self._later(reason, attempt)
        log.error("%s: attempt %d failed", self.queue, attempt, exc_info=error)
        if attempt > len(self.subscription.delays_s):
            return _rejected(f"gave up after {attempt} attempts: {reason}")
        return self._later(reason, attempt)

    def _later(self, reason: str, attempt: int) -> Outcome:
        delays_s = self.subscription.delays_s
        return Outcome(Verdict.RETRY, reason, delays_s[min(attempt, len(delays_s)) - 1])


def _is_away(error: Exception) -> bool:
    """Whether it is no fault of the message, nor of ours: a setting, too, is put right in time."""
    return isinstance(error, Misconfigured) or is_transient(error)


def _named(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"


def _rejected(reason: str) -> Outcome:
    return Outcome(Verdict.REJECT, shortened(reason, REASON_CHARS))


def reason_of(error: object) -> str:
    """What an error says, or its name where it says nothing."""
    return str(error) or type(error).__name__


def letter_id(dead: DeadLetter) -> str:
    """A dead letter's id; the same message in the same queue, the same id."""
    body = dead.body.decode("utf-8", errors="replace")
    return str(uuid5(NAMESPACE_URL, f"escolta:{dead.queue}:{body}"))


def rejection(dead: DeadLetter, clock: Clock) -> MessageRejected:
    """The event that brings a dead letter to the quarantine list."""
    return MessageRejected(
        queue=dead.queue,
        message_topic=dead.topic,
        reason=dead.reason,
        body=dead.body.decode("utf-8", errors="replace"),
        message_id=letter_id(dead),
        attempts=dead.attempts,
        at=clock.now(),
    )


def _sentence(event: type[Event], error: ValidationError) -> str:
    first = error.errors()[0]
    if first["type"] == "json_invalid":
        return f"the message is not JSON ({first['msg']}): its sender must send {event.__name__}"
    where = ".".join(str(part) for part in first["loc"]) or "message"
    if first["type"] == "missing":
        return f"{event.__name__} lacks the field {where!r}"
    return f"{event.__name__} has a wrong {where!r}: {first['msg'].removeprefix('Value error, ')}"
