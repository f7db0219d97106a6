"""The bus of one process: bounded queues in memory, with the rules of the real broker.

What is lost with the process is found again by the consumers' catch-up jobs: rows are truth, events
are hints.
"""

from prometheus_client import CollectorRegistry

from escolta.bus.delivery import BusMetrics, rejection
from escolta.bus.local import LocalQueues
from escolta.bus.port import DeadLetter, Subscription
from escolta.clock import Clock
from escolta.events import Event, MessageRejected


class MemoryBus:
    """Queues between the services of one process. `dead_letters` is public, for people and tests."""

    def __init__(self, clock: Clock, registry: CollectorRegistry) -> None:
        self._clock = clock
        self._metrics = BusMetrics(registry)
        self._queues = LocalQueues(clock, self._metrics, self._tell)

    @property
    def dead_letters(self) -> list[DeadLetter]:
        return self._queues.dead_letters

    async def publish(self, event: Event) -> None:
        self._metrics.published.labels(event.topic).inc()
        await self.publish_raw(event.routing_key(), event.model_dump_json().encode())

    async def publish_raw(self, topic: str, body: bytes) -> None:
        """Put `body` into each queue that wants `topic`, as a foreign sender would."""
        if not await self._queues.put(topic, body):
            self._metrics.count_unrouted(topic)

    def subscribe(self, service: str, subscription: Subscription) -> None:
        self._queues.subscribe(service, subscription)

    async def start(self) -> None:
        self._queues.start()

    async def stop(self) -> None:
        await self._queues.stop()

    async def _tell(self, dead: DeadLetter) -> None:
        if dead.topic != MessageRejected.topic:  # else a poisoned rejection would feed itself
            await self.publish(rejection(dead, self._clock))
