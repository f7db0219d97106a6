"""The bus over RabbitMQ: what the broker has confirmed survives its crash and ours.

Whatever goes wrong with the connection or with a consumer is answered in one way: close, connect again.
"""

import asyncio
import logging

from prometheus_client import CollectorRegistry

from escolta.bus.address import address_of
from escolta.bus.delivery import BusMetrics, Delivery, reason_of, rejection
from escolta.bus.port import DeadLetter, Subscription
from escolta.bus.rabbit_consumer import TOPICS, Consumer
from escolta.bus.rabbit_depths import LOOK_EVERY_S, tell_depths
from escolta.bus.rabbit_link import AWAY, Link, open_link, refusals
from escolta.cancellation import cancelled_by_us_alone
from escolta.clock import Clock
from escolta.errors import Misconfigured, Transient
from escolta.events import Event, MessageRejected

log = logging.getLogger("escolta.bus")

START_S = 60.0
RECONNECT_S = 1.0


class RabbitBus:
    """The `Bus` over AMQP 0-9-1, for RabbitMQ 3.10 to 4.x."""

    def __init__(
        self, url: str, clock: Clock, registry: CollectorRegistry, *, answers_within_s: float | None = None
    ) -> None:
        self._address = address_of(url, port=5672, tls_port=5671)
        self._clock = clock
        self._answers_within_s = answers_within_s
        self._metrics = BusMetrics(registry)
        self._consumers: list[Consumer] = []
        self._link: Link | None = None
        self._keeper: asyncio.Task[None] | None = None
        self._counter: asyncio.Task[None] | None = None
        self._workers: list[asyncio.Task[None]] = []

    async def publish(self, event: Event) -> None:
        """Returns with the broker's confirm; an event that no queue wanted is counted, not an error."""
        topic = event.routing_key()
        if self._link is None:
            raise Transient(f"RabbitMQ at {self._address} is away: {topic} was not published")
        body = event.model_dump_json().encode()
        if not await self._link.send(TOPICS, topic, body, lasting=not event.asked_for_again):
            self._metrics.count_unrouted(topic)
        self._metrics.published.labels(event.topic).inc()

    def subscribe(self, service: str, subscription: Subscription) -> None:
        self._consumers.append(Consumer(service, Delivery(service, subscription, self._metrics), self._tell))

    async def start(self) -> None:
        """Connect and consume; waits up to `START_S`, or `answers_within_s`, for a broker that is coming up.

        Raises `Misconfigured` when none answers, when it refuses us, or when a queue has other arguments.
        """
        why = "no answer"
        try:
            async with asyncio.timeout(self._answers_within_s or START_S):
                while self._link is None:
                    try:
                        await self._connect()
                    except Misconfigured:
                        raise
                    except AWAY as error:
                        if reason_of(error) != why:
                            why = reason_of(error)
                            log.warning("no RabbitMQ at %s yet (%s): waiting for it", self._address, why)
                        await asyncio.sleep(RECONNECT_S)
        except TimeoutError:
            raise Misconfigured(
                f"ESCOLTA_BUS_URL: no RabbitMQ answers at {self._address} ({why}): "
                "start it, or correct the address"
            ) from None
        self._keeper = asyncio.create_task(self._keep_connected())
        self._counter = asyncio.create_task(self._count_for_ever())
        self._workers = [asyncio.create_task(consumer.work()) for consumer in self._consumers]

    async def stop(self) -> None:
        """Take no further message, return what has not begun, finish what has, and close."""
        if self._keeper and self._counter:
            self._keeper.cancel()
            self._counter.cancel()
            await asyncio.gather(self._keeper, self._counter, return_exceptions=True)
        try:
            await asyncio.gather(*(consumer.close() for consumer in self._consumers))
            await asyncio.gather(*self._workers)
        finally:
            await self._disconnect()

    async def _connect(self) -> None:
        self._link = await open_link(self._address)
        try:
            with cancelled_by_us_alone(), refusals(self._address):
                for consumer in self._consumers:
                    await consumer.open(self._link)
        except BaseException:
            await self._disconnect()
            raise

    async def _disconnect(self) -> None:
        link, self._link = self._link, None
        for consumer in self._consumers:
            consumer.forget()
        if link:
            await link.close()

    async def _keep_connected(self) -> None:
        while self._link:
            why = await asyncio.shield(self._link.lost)  # a stop must not make it look lost
            log.warning("RabbitMQ at %s is lost (%s): connecting again", self._address, why)
            await self._disconnect()
            while self._link is None:
                await asyncio.sleep(RECONNECT_S)
                try:
                    await self._connect()
                except AWAY as error:
                    if reason_of(error) != why:
                        why = reason_of(error)
                        log.warning("RabbitMQ at %s is still away: %s", self._address, why)
            log.info("RabbitMQ at %s is back", self._address)

    async def _count_for_ever(self) -> None:
        queues = {consumer.queues for consumer in self._consumers}
        while True:
            await tell_depths(self._link, queues, self._metrics)
            await asyncio.sleep(LOOK_EVERY_S)

    async def _tell(self, dead: DeadLetter) -> None:
        if dead.topic != MessageRejected.topic:  # else a poisoned rejection would feed itself
            await self.publish(rejection(dead, self._clock))
