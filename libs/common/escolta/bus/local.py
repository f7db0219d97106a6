"""Queues of this process, with the rules of the real broker: batches, verdicts, retries, dead letters."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace

from escolta.bus.delivery import BusMetrics, Delivery, Outcome
from escolta.bus.inbox import Inbox, Incoming, bounded
from escolta.bus.port import DeadLetter, Subscription, Verdict
from escolta.clock import Clock

QUEUE_BOUND = 10_000
DEAD_LETTERS_KEPT = 1_000


class LocalQueues:
    """One bounded inbox a queue and one worker a subscription.

    `tell` is told of each dead letter. `dead_letters` holds the last thousand.
    """

    def __init__(
        self, clock: Clock, metrics: BusMetrics, tell: Callable[[DeadLetter], Awaitable[None]]
    ) -> None:
        self.deliveries: list[Delivery] = []
        self.dead_letters: list[DeadLetter] = []
        self._clock, self._metrics, self._tell = clock, metrics, tell
        self._inboxes: dict[str, Inbox] = {}
        self._workers: list[asyncio.Task[None]] = []
        self._retries: set[asyncio.Task[None]] = set()

    def subscribe(self, service: str, subscription: Subscription) -> None:
        """Add a consumer; it shares the queue with those of the same service and topic."""
        delivery = Delivery(service, subscription, self._metrics)
        self.deliveries.append(delivery)
        self._inboxes.setdefault(delivery.queue, Inbox(QUEUE_BOUND))

    async def put(self, topic: str, body: bytes, settled: Callable[[], None] = lambda: None) -> bool:
        """Put a message into each queue that wants it, waiting while one is full; False if none does.

        `settled` is called once the message has its verdict in every queue.
        """
        body, cut_from_bytes = bounded(body)
        wanting = {
            delivery.queue for delivery in self.deliveries if _matches(delivery.subscription.pattern, topic)
        }
        unsettled = len(wanting)

        def settle_one() -> None:
            nonlocal unsettled
            unsettled -= 1
            if not unsettled:
                settled()

        for queue in wanting:
            await self._inboxes[queue].put(
                Incoming(topic, body, receipt=settle_one, cut_from_bytes=cut_from_bytes)
            )
        if not wanting:
            settled()
        return bool(wanting)

    def start(self) -> None:
        """Start the workers; after a `stop`, with what was left in the queues."""
        for inbox in self._inboxes.values():
            inbox.open()
        self._workers = [asyncio.create_task(self._work(delivery)) for delivery in self.deliveries]

    async def stop(self) -> None:
        """Let the running handlers finish; what was not begun or waits for a retry stays in its queue."""
        for inbox in self._inboxes.values():
            inbox.close()
        try:
            await asyncio.gather(*self._workers)
        finally:
            for waiting in self._retries:
                waiting.cancel()
        await asyncio.gather(*self._retries, return_exceptions=True)

    async def _work(self, delivery: Delivery) -> None:
        inbox = self._inboxes[delivery.queue]

        async def settle_one(incoming: Incoming, outcome: Outcome) -> None:
            if outcome.verdict is Verdict.RETRY:
                self._retry(inbox, incoming, outcome.delay_s)
            else:
                inbox.settled()
                if outcome.verdict is Verdict.REJECT:
                    await self._bury(delivery.queue, incoming, outcome.reason)
            incoming.receipt()

        async def settle(batch: Sequence[Incoming], outcomes: Sequence[Outcome]) -> None:
            done = await asyncio.gather(*map(settle_one, batch, outcomes), return_exceptions=True)
            delivery.not_carried_out(done)

        await delivery.work(inbox, settle)

    def _retry(self, inbox: Inbox, incoming: Incoming, delay_s: float) -> None:
        again = replace(incoming, attempt=incoming.attempt + 1, receipt=_nothing)
        waiting = asyncio.create_task(self._sleep(delay_s))
        waiting.add_done_callback(lambda _: inbox.add(again))  # done or cut short by a stop
        waiting.add_done_callback(self._retries.discard)
        self._retries.add(waiting)

    async def _sleep(self, delay_s: float) -> None:
        await self._clock.sleep(delay_s)

    async def _bury(self, queue: str, incoming: Incoming, reason: str) -> None:
        dead = DeadLetter(queue, incoming.topic, incoming.body, reason, incoming.attempt)
        self.dead_letters.append(dead)
        del self.dead_letters[:-DEAD_LETTERS_KEPT]
        await self._tell(dead)


def _nothing() -> None: ...


def _matches(pattern: str, topic: str) -> bool:
    """AMQP topic matching for the one wildcard that our topics use, `*` for one word."""
    wanted, words = pattern.split("."), topic.split(".")
    return len(wanted) == len(words) and all(
        want in ("*", word) for want, word in zip(wanted, words, strict=True)
    )
