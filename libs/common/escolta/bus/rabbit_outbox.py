"""What is sent to RabbitMQ in one turn of the loop goes there in one write; each message has its confirm.

It goes past aiormq's own `basic_publish`, which takes a lock, a task's switch and a write for each message:
together they cost more than all else that is done for it (docs/decisions/0048).
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from functools import lru_cache
from typing import NamedTuple
from uuid import uuid4

from aiormq import Channel, spec
from aiormq.abc import ChannelFrame
from pamqp import body, frame, header

TRANSIENT, PERSISTENT = 1, 2


class Letter(NamedTuple):
    """A message on its way. `lasting`: a queue keeps it over a restart of the broker, whatever its kind."""

    exchange: str
    routing_key: str
    body: bytes
    headers: Mapping[str, str | int]
    lasting: bool


class Outbox:
    """Sends over the channel that `opened` gives, which has confirms and returns what no queue wants."""

    def __init__(self, opened: Callable[[], Awaitable[Channel]]) -> None:
        self._opened = opened
        self._waiting: list[tuple[Letter, asyncio.Future[None]]] = []
        self._writing: asyncio.Task[None] | None = None

    async def send(self, letter: Letter) -> None:
        """Return with the broker's confirm. Raises `PublishError` where no queue wants it, and `AWAY`."""
        written: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((letter, written))
        if self._writing is None:
            self._writing = asyncio.create_task(self._write_all())
        await written

    def close(self) -> None:
        """Write nothing more."""
        if self._writing:
            self._writing.cancel()

    async def _write_all(self) -> None:
        """In one task, so that confirms are numbered as messages are written."""
        letters: list[tuple[Letter, asyncio.Future[None]]] = []
        try:
            while self._waiting:
                channel = await self._opened()
                letters, self._waiting = self._waiting, []
                await channel.write_queue.put(ChannelFrame(_written(channel, letters), should_close=False))
                letters = []  # written: whether they have come the broker says, whatever fails from here on
        except BaseException as error:
            for _, written in letters + self._waiting:
                if not written.done():
                    written.set_exception(ConnectionError(f"not sent: {error!r}"))
            self._waiting = []
            if not isinstance(error, Exception):
                raise
        finally:
            self._writing = None


def _written(channel: Channel, letters: list[tuple[Letter, "asyncio.Future[None]"]]) -> bytes:
    """The bytes of all, whose confirms the channel now waits for. Given up ones are left out."""
    parts: list[bytes] = []
    for letter, written in letters:
        if not written.done():
            message_id = uuid4().hex  # by which what is returned is found
            _await_confirm(channel, message_id, written)
            parts += _frames(channel, letter, message_id)
    return b"".join(parts)


def _await_confirm(channel: Channel, message_id: str, written: "asyncio.Future[None]") -> None:
    """As the channel does it: by the number of the message, and by its id where it is returned."""
    confirmed = channel.create_future()  # fails where the channel ends
    channel.delivery_tag += 1
    channel.confirmations[channel.delivery_tag] = confirmed
    channel.message_id_delivery_tag[message_id] = channel.delivery_tag

    def pass_on(confirmed: "asyncio.Future[object]") -> None:
        channel.message_id_delivery_tag.pop(message_id, None)
        error = asyncio.CancelledError() if confirmed.cancelled() else confirmed.exception()
        if written.done():
            return
        if error:
            written.set_exception(error if isinstance(error, Exception) else ConnectionError(repr(error)))
        else:
            written.set_result(None)

    confirmed.add_done_callback(pass_on)


def _frames(channel: Channel, letter: Letter, message_id: str) -> list[bytes]:
    properties = spec.Basic.Properties(
        content_type="application/json",
        delivery_mode=PERSISTENT if letter.lasting else TRANSIENT,
        headers=dict(letter.headers) or None,
        message_id=message_id,
    )
    size, most = len(letter.body), channel.max_content_size
    return [
        _publish(channel.number, letter.exchange, letter.routing_key),
        frame.marshal(header.ContentHeader(body_size=size, properties=properties), channel.number),
        *(
            frame.marshal(body.ContentBody(letter.body[at : at + most]), channel.number)
            for at in range(0, size, most)
        ),
    ]


@lru_cache(maxsize=4096)
def _publish(number: int, exchange: str, routing_key: str) -> bytes:
    publish = spec.Basic.Publish(exchange=exchange, routing_key=routing_key, mandatory=True)
    return frame.marshal(publish, number)
