"""The bus of a node: MQTT 3.1.1 to RabbitMQ's MQTT plugin, where `/` in a topic is AMQP's `.`.

The session is persistent: what is published for the node while it is away waits in the broker. A node records
without a network, so this bus starts without one too.
"""

import asyncio
import contextlib
import logging
from functools import partial

import aiomqtt
from prometheus_client import CollectorRegistry

from escolta.bus.address import address_of, client_id_of
from escolta.bus.delivery import BusMetrics, reason_of
from escolta.bus.local import LocalQueues
from escolta.bus.port import DeadLetter, Subscription
from escolta.cancellation import cancelled_by_us_alone
from escolta.clock import Clock
from escolta.errors import Misconfigured, Transient
from escolta.events import Event

log = logging.getLogger("escolta.bus")
paho_log = logging.getLogger("escolta.bus.paho")
paho_log.setLevel(logging.CRITICAL)  # it reports each broken connection as an error; we report the outage

START_S = 5.0
RECONNECT_S = 1.0
CONFIRM_S = 10.0
KEEPALIVE_S = 15
UNCONFIRMED = 20
"""Messages sent ahead of their PUBACK; paho, below aiomqtt, has no more than 20 on the way either."""

AT_LEAST_ONCE = 1
BAD_LOGIN = (134, 135)
"""A wrong user or password, and missing rights, as MQTT 5 numbers what 3.1.1 calls 4 and 5."""


class MqttBus:
    """The `Bus` over MQTT. Retries and `dead_letters` live in this process: the broker has neither.

    A dead letter is logged and counted, and not told of on the bus: a node may not speak for a service.
    A broker keeps a queue for each client, so two clients never share one: each gets every message.
    """

    def __init__(
        self,
        url: str,
        clock: Clock,
        registry: CollectorRegistry,
        *,
        name: str,
        answers_within_s: float | None = None,
    ) -> None:
        self._address = address_of(url, port=1883, tls_port=8883)
        self._client_id = client_id_of(name, self._address.password) if name else ""
        self._answers_within_s = answers_within_s
        self._metrics = BusMetrics(registry)
        self._queues = LocalQueues(clock, self._metrics, self._tell)
        self._online: tuple[aiomqtt.Client, asyncio.Future[None]] | None = None
        self._keeper: asyncio.Task[None] | None = None
        self._reason = ""

    @property
    def dead_letters(self) -> list[DeadLetter]:
        return self._queues.dead_letters

    async def publish(self, event: Event) -> None:
        """Returns with the broker's PUBACK, which RabbitMQ sends once its queues have the message."""
        topic = event.routing_key()
        if self._online is None:
            raise Transient(f"the MQTT broker at {self._address} is away: {topic} was not published")
        client, lost = self._online
        sending = asyncio.create_task(
            client.publish(
                topic.replace(".", "/"), event.model_dump_json(), qos=AT_LEAST_ONCE, timeout=CONFIRM_S
            )
        )
        try:
            with cancelled_by_us_alone():
                await asyncio.wait({sending, lost}, return_when=asyncio.FIRST_COMPLETED)
                if not sending.done():
                    raise Transient(
                        f"the MQTT broker at {self._address} hung up instead of confirming {topic}; "
                        f"if it does so each time, {self._address.user!r} may not write there"
                    )
                sending.result()
        except Transient:
            raise
        except Exception as error:
            raise Transient(
                f"the MQTT broker at {self._address} did not confirm {topic}: {reason_of(error)}"
            ) from error
        finally:
            sending.cancel()
        self._metrics.published.labels(event.topic).inc()

    def subscribe(self, service: str, subscription: Subscription) -> None:
        self._queues.subscribe(service, subscription)

    async def start(self) -> None:
        """Connect and subscribe; where no broker answers in `START_S`, go on trying in the background.

        Raises `Misconfigured` when the broker answers and refuses us, or does not answer and must
        (`answers_within_s`).
        """
        connected: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._keeper = asyncio.create_task(self._keep_connected(connected))
        await asyncio.wait({connected}, timeout=self._answers_within_s or START_S)
        if connected.done():
            connected.result()
        elif self._answers_within_s:
            raise Misconfigured(
                f"ESCOLTA_BUS_URL: no MQTT broker answers at {self._address} ({self._reason or 'no answer'}):"
                " start it, or correct the address"
            )
        else:
            connected.cancel()
            log.warning("no MQTT broker answers at %s yet: starting without, and trying on", self._address)
        self._queues.start()

    async def stop(self) -> None:
        """Finish the running handlers; what was not begun is not acknowledged, so the broker keeps it."""
        try:
            await self._queues.stop()
        finally:
            if self._keeper:
                self._keeper.cancel()
                await asyncio.gather(self._keeper, return_exceptions=True)

    async def _keep_connected(self, connected: asyncio.Future[None]) -> None:
        while True:
            try:
                with cancelled_by_us_alone():
                    await self._session(connected)
            except Exception as error:  # noqa: BLE001  # nobody starts a node in the field again
                if _refuses(error) and not connected.done():
                    connected.set_exception(self._refused())
                    return
                if reason_of(error) != self._reason:
                    self._reason = reason_of(error)
                    log.warning("the MQTT broker at %s is away (%s): trying on", self._address, self._reason)
            await asyncio.sleep(RECONNECT_S)

    async def _session(self, connected: asyncio.Future[None]) -> None:
        """One connection, from CONNECT until it is lost, which is an MqttError."""
        async with contextlib.AsyncExitStack() as connection:
            with cancelled_by_us_alone():  # here already: what comes next has no end
                client = await connection.enter_async_context(self._new_client())
                await self._subscribe(client)
            lost: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._online, self._reason = (client, lost), ""
            log.info("connected to the MQTT broker at %s as %r", self._address, self._client_id)
            if not connected.done():
                connected.set_result(None)
            try:
                async for message in client.messages:
                    settled = partial(self._acknowledge, client, message.mid, message.qos)
                    await self._queues.put(str(message.topic).replace("/", "."), message.payload, settled)
            finally:
                self._online = None
                lost.set_result(None)

    def _new_client(self) -> aiomqtt.Client:
        user = self._address.user
        if user and self._address.vhost != "/":
            user = f"{self._address.vhost}:{user}"  # RabbitMQ's way to name a virtual host in MQTT
        client = aiomqtt.Client(
            self._address.host,
            self._address.port,
            username=user or None,
            password=self._address.password or None,
            identifier=self._client_id or None,
            clean_session=not self._client_id,
            keepalive=KEEPALIVE_S,
            timeout=CONFIRM_S,
            max_concurrent_outgoing_calls=UNCONFIRMED,
            logger=paho_log,
            tls_context=self._address.tls_context(),
        )
        client.pending_calls_threshold = UNCONFIRMED
        # aiomqtt acknowledges what it has received; paho can wait until the handler is done.
        client._client.manual_ack_set(True)
        # Where we are stopped just as the connection is lost, nobody else asks what it was lost by.
        client._disconnected.add_done_callback(_asked)
        return client

    async def _subscribe(self, client: aiomqtt.Client) -> None:
        for pattern in sorted({delivery.subscription.pattern for delivery in self._queues.deliveries}):
            topic = pattern.replace(".", "/").replace("*", "+")
            [granted] = await client.subscribe(topic, qos=AT_LEAST_ONCE)
            if getattr(granted, "is_failure", False):
                raise aiomqtt.MqttError(f"{self._address.user!r} may not listen to {topic}")

    async def _tell(self, dead: DeadLetter) -> None:
        log.error("a message on %s is of no use and dropped: %s", dead.topic, dead.reason)

    def _acknowledge(self, client: aiomqtt.Client, mid: int, qos: int) -> None:
        # Over another connection the same number would be another message.
        if self._online and self._online[0] is client:
            client._client.ack(mid, qos)

    def _refused(self) -> Misconfigured:
        return Misconfigured(
            f"ESCOLTA_BUS_URL: the MQTT broker at {self._address} refuses the user "
            f"{self._address.user!r}, its password or its rights"
        )


def _asked(lost: asyncio.Future[None]) -> None:
    if not lost.cancelled():
        lost.exception()


def _refuses(error: Exception) -> bool:
    return isinstance(error, aiomqtt.MqttCodeError) and getattr(error.rc, "value", None) in BAD_LOGIN
