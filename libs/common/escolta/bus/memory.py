"""The bus of one process: bounded queues in memory, with the rules of the real broker.

What is lost with the process is found again by the consumers' catch-up jobs: rows are truth, events
are hints.
"""

import asyncio
import contextlib
from dataclasses import dataclass, field

from prometheus_client import CollectorRegistry

from escolta.bus import DeadLetter, Subscription, Verdict
from escolta.bus.delivery import BusMetrics, Delivery, Incoming, Outcome, rejection
from escolta.clock import Clock
from escolta.events import Event, MessageRejected

QUEUE_BOUND = 10_000


@dataclass
class _Queue:
    delivery: Delivery
    waiting: asyncio.Queue[Incoming] = field(default_factory=lambda: asyncio.Queue(QUEUE_BOUND))


class MemoryBus:
    """Queues between the services of one process. `dead_letters` is public, for people and tests."""

    def __init__(self, clock: Clock, registry: CollectorRegistry) -> None:
        self.dead_letters: list[DeadLetter] = []
        self._clock = clock
        self._metrics = BusMetrics(registry)
        self._queues: dict[str, _Queue] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._stopping = asyncio.Event()

    async def publish(self, event: Event) -> None:
        await self.publish_raw(event.routing_key(), event.model_dump_json().encode())

    async def publish_raw(self, topic: str, body: bytes) -> None:
        """Put `body` into each queue that wants `topic`; waits while one of them is full."""
        self._metrics.published.labels(topic).inc()
        wanted = [
            queue for queue in self._queues.values() if _matches(queue.delivery.subscription.pattern, topic)
        ]
        if not wanted:
            self._metrics.unrouted.labels(topic).inc()
        for queue in wanted:
            await queue.waiting.put(Incoming(topic, body))

    def subscribe(self, service: str, subscription: Subscription) -> None:
        delivery = Delivery(service, subscription, self._metrics)
        self._queues[delivery.queue] = _Queue(delivery)

    async def start(self) -> None:
        for queue in self._queues.values():
            self._spawn(self._consume(queue))

    async def stop(self) -> None:
        self._stopping.set()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _spawn(self, work) -> None:  # type: ignore[no-untyped-def]  # any coroutine
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _consume(self, queue: _Queue) -> None:
        while batch := await self._next_batch(queue):
            outcomes = await queue.delivery.run(batch)
            for incoming, outcome in zip(batch, outcomes, strict=True):
                await self._carry_out(queue, incoming, outcome)

    async def _next_batch(self, queue: _Queue) -> list[Incoming]:
        """Up to `batch` messages, waiting `linger_s` for company; empty when the bus is stopping."""
        subscription = queue.delivery.subscription
        first = await self._next(queue)
        if first is None:
            return []
        batch = [first]
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(subscription.linger_s or None):
                while len(batch) < subscription.batch:
                    if subscription.linger_s or not queue.waiting.empty():
                        batch.append(await queue.waiting.get())
                    else:
                        break
        return batch

    async def _next(self, queue: _Queue) -> Incoming | None:
        taking = asyncio.ensure_future(queue.waiting.get())
        stopping = asyncio.ensure_future(self._stopping.wait())
        await asyncio.wait({taking, stopping}, return_when=asyncio.FIRST_COMPLETED)
        stopping.cancel()
        if taking.done() and not self._stopping.is_set():
            return taking.result()
        taking.cancel()
        return None

    async def _carry_out(self, queue: _Queue, incoming: Incoming, outcome: Outcome) -> None:
        if outcome.verdict is Verdict.RETRY:
            self._spawn(self._redeliver(queue, incoming, outcome.delay_s))
        elif outcome.verdict is Verdict.REJECT:
            await self._bury(queue, incoming, outcome.reason)

    async def _redeliver(self, queue: _Queue, incoming: Incoming, delay_s: float) -> None:
        waiting = asyncio.ensure_future(self._clock.sleep(delay_s))
        stopping = asyncio.ensure_future(self._stopping.wait())
        await asyncio.wait({waiting, stopping}, return_when=asyncio.FIRST_COMPLETED)
        waiting.cancel()
        stopping.cancel()
        if not self._stopping.is_set():
            again = Incoming(incoming.topic, incoming.body, incoming.attempt + 1)
            await queue.waiting.put(again)

    async def _bury(self, queue: _Queue, incoming: Incoming, reason: str) -> None:
        dead = DeadLetter(queue.delivery.queue, incoming.topic, incoming.body, reason, incoming.attempt)
        self.dead_letters.append(dead)
        if incoming.topic != MessageRejected.topic:  # else a poisoned rejection would feed itself
            await self.publish(rejection(dead, self._clock))


def _matches(pattern: str, topic: str) -> bool:
    """AMQP topic matching for the one wildcard that our topics use, `*` for one word."""
    wanted, words = pattern.split("."), topic.split(".")
    return len(wanted) == len(words) and all(
        want in ("*", word) for want, word in zip(wanted, words, strict=True)
    )
