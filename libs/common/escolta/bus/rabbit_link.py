"""One connection to RabbitMQ: it is opened, sends with confirms, says when it is lost, and is not mended."""

import asyncio
import contextlib
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple, cast

import aio_pika
from aio_pika import exceptions as amqp
from aio_pika.abc import AbstractChannel, AbstractConnection
from aio_pika.connection import make_url
from aiormq import Channel
from aiormq.connection import TCPTransportFactory, TLSTransportFactory, TransportFactory
from aiormq.exceptions import ChannelAccessRefused

from escolta.bus.address import Address
from escolta.bus.delivery import reason_of
from escolta.bus.rabbit_outbox import Letter, Outbox
from escolta.cancellation import cancelled_by_us_alone
from escolta.errors import Misconfigured, Transient

CONNECT_S = 10.0
CONFIRM_S = 10.0
CLOSE_S = 5.0
HEARTBEAT_S = 15
UNCONFIRMED = 256
"""Messages sent ahead of their confirms: enough for the broker's full rate, few enough for `CONFIRM_S`."""

AWAY = Exception
"""What aio-pika raises when a connection ends. Nothing narrower will do: besides AMQPError, OSError and
RuntimeError, what was under way may fail with a bare Exception."""

NOT_ALLOWED = 530


class QueueOf(NamedTuple):
    """A queue that is reached by `exchange`, which exists, under the queue's own name."""

    exchange: str
    name: str
    arguments: Mapping[str, str | int]


class Link:
    """A connection and its channel for sending. `lost` is set, with the reason, once it is of no more use."""

    def __init__(self, address: Address, connection: AbstractConnection, wire: "_Wire") -> None:
        self.connection = connection
        self._wire = wire
        self.lost: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._address = address
        self._sending: AbstractChannel | None = None
        self._opening = asyncio.Lock()
        self._unconfirmed = asyncio.Semaphore(UNCONFIRMED)
        self._outbox = Outbox(self._sending_below)
        connection.close_callbacks.add(lambda _, error: self.lose(reason_of(error)))

    def lose(self, why: str) -> None:
        """Declare the connection lost."""
        if not self.lost.done():
            self.lost.set_result(why)

    async def send(
        self,
        exchange: str,
        routing_key: str,
        body: bytes,
        headers: Mapping[str, str | int] | None = None,
        *,
        lasting: bool = True,
    ) -> bool:
        """True once a queue has the message, False if no queue wanted it; else `Transient`.

        `lasting`: for good. Otherwise a classic queue, such as each node has, keeps it in memory alone.
        """
        letter = Letter(exchange, routing_key, body, headers or {}, lasting)
        try:
            with cancelled_by_us_alone():
                async with self._unconfirmed, asyncio.timeout(CONFIRM_S):
                    await self._outbox.send(letter)
        except amqp.PublishError:
            return False
        except AWAY as error:
            raise Transient(
                f"RabbitMQ at {self._address} did not confirm {routing_key}: {reason_of(error)}"
            ) from error
        return True

    async def send_to_queue(self, queue: QueueOf, body: bytes, headers: Mapping[str, str | int]) -> None:
        """Put a message into one durable queue, which is made if it is not there. Raises `Transient`."""
        try:
            with cancelled_by_us_alone():
                async with asyncio.timeout(CONFIRM_S):
                    channel = await self._sending_channel()
                    made = await channel.declare_queue(
                        queue.name, durable=True, arguments=dict(queue.arguments)
                    )
                    await made.bind(queue.exchange, queue.name)
        except AWAY as error:
            raise Transient(
                f"RabbitMQ at {self._address} gives no queue {queue.name}: {reason_of(error)}"
            ) from error
        if not await self.send(queue.exchange, queue.name, body, headers):
            raise Transient(
                f"the queue {queue.name} of RabbitMQ at {self._address} was deleted under our hands"
            )

    async def close(self) -> None:
        """Close the connection: the broker redelivers what it had handed out over it.

        Where the broker reads no more, it is cut: aiormq would wait, cancelled or not, until all is sent that
        it holds.
        """
        self._outbox.close()
        closing = asyncio.create_task(self.connection.close())
        closing.add_done_callback(lambda done: done.cancelled() or done.exception())  # whatever it was
        try:
            await asyncio.wait({closing}, timeout=CLOSE_S)
        finally:
            if not closing.done():
                self._wire.cut()

    async def _sending_below(self) -> Channel:
        """aiormq's own, which aio-pika stands on."""
        return cast(Channel, await (await self._sending_channel()).get_underlay_channel())

    async def _sending_channel(self) -> AbstractChannel:
        """The broker closes a channel on which it refused something: then a new one is opened."""
        async with self._opening:
            if self._sending is None or self._sending.is_closed:
                self._sending = await self.connection.channel(on_return_raises=True)
            return self._sending


async def open_link(address: Address) -> Link:
    """Connect. Raises `AWAY` where no broker answers, `Misconfigured` where it refuses us."""
    url = make_url(
        host=address.host,
        port=address.port,
        login=address.user or "guest",
        password=address.password or "guest",
        virtualhost=address.vhost,
        ssl=address.tls,
        heartbeat=HEARTBEAT_S,
        name="escolta",
    )
    connection, wire = aio_pika.Connection(url, ssl_context=address.tls_context()), _Wire(address.tls)
    connection.kwargs["transport_factory"] = wire  # aio-pika has no parameter for it
    with cancelled_by_us_alone():
        try:
            with cancelled_by_us_alone(), refusals(address):
                await connection.connect(timeout=CONNECT_S)
        except BaseException:
            with contextlib.suppress(AWAY):
                await connection.close()
            raise
    return Link(address, connection, wire)


class _Wire(TransportFactory):
    """Makes the TCP connection below a connection, and can cut it."""

    def __init__(self, tls: bool) -> None:
        self._maker = TLSTransportFactory() if tls else TCPTransportFactory()
        self._writer: asyncio.StreamWriter | None = None

    async def create(self, url: Any, **kwargs: Any) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        reader, self._writer = await self._maker.create(url, **kwargs)
        return reader, self._writer

    def cut(self) -> None:
        if self._writer:
            self._writer.transport.abort()


@contextlib.contextmanager
def refusals(address: Address) -> Iterator[None]:
    """Raise `Misconfigured`, without the password, where the broker answers but does not want us."""
    refuses = f"ESCOLTA_BUS_URL: RabbitMQ at {address} refuses"
    try:
        yield
    except (amqp.AuthenticationError, amqp.ProbableAuthenticationError):
        raise Misconfigured(f"{refuses} the user {address.user!r} or its password") from None
    except amqp.ChannelPreconditionFailed as error:
        raise Misconfigured(
            f"{refuses} a queue that exists with other arguments ({error}): delete it once it is empty"
        ) from None
    except ChannelAccessRefused as error:
        raise Misconfigured(f"{refuses} the user {address.user!r}: {error}") from None
    except amqp.ConnectionClosed as error:
        if error.args[:1] != (NOT_ALLOWED,):
            raise
        raise Misconfigured(f"{refuses} the virtual host {address.vhost!r}: {error.args[1]}") from None
