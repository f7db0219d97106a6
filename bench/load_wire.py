"""MQTT 3.1.1 and HTTP/1.1 in as little as a load generator needs: it shares its processors with the measured.

Nothing is mended: a connection that ends makes the generator fail, which says why.
"""

import asyncio
import struct
from collections import deque
from collections.abc import Callable
from ssl import SSLContext
from urllib.parse import urlsplit

from escolta.bus.address import Address

CONNECT, CONNACK, PUBLISH, PUBACK, SUBSCRIBE, SUBACK = 0x10, 0x20, 0x30, 0x40, 0x82, 0x90
AT_LEAST_ONCE = 0x02
USER_AND_PASSWORD, CLEAN = 0xC0, 0x02
HEAD_END = b"\r\n\r\n"

Heard = Callable[[str, bytes], None]


class Mqtt(asyncio.Protocol):
    """One node's session at the broker, kept as a node's is; what it says is said at least once."""

    def __init__(self, address: Address, client_id: str, topics: list[str], heard: Heard) -> None:
        self._address, self._client_id, self._topics, self._heard = address, client_id, topics, heard
        self._rest = b""
        self._message_id = 1
        self.listening: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        variable = _text("MQTT") + bytes((4, USER_AND_PASSWORD)) + struct.pack("!H", 0)
        self._send(
            CONNECT,
            variable + b"".join(map(_text, (self._client_id, self._address.user, self._address.password))),
        )

    def publish(self, topic: str, body: bytes) -> None:
        """Say it; its PUBACK is not waited for, for an answer follows or it is said again."""
        self._message_id = self._message_id % 65535 + 1
        variable = _text(topic) + struct.pack("!H", self._message_id)
        self._send(PUBLISH | AT_LEAST_ONCE, variable + body)

    def data_received(self, data: bytes) -> None:
        data, at = self._rest + data, 0
        while (found := _length(data, at + 1)) and found[1] + found[0] <= len(data):
            length, start = found
            self._take(data[at], data[start : start + length])
            at = start + length
        self._rest = data[at:]

    def connection_lost(self, error: Exception | None) -> None:
        if not self.listening.done():
            self.listening.set_exception(error or ConnectionError(f"{self._client_id} is not let in"))

    def close(self) -> None:
        self._transport.close()

    def _take(self, kind: int, body: bytes) -> None:
        if kind & 0xF0 == PUBLISH:
            end = 2 + int.from_bytes(body[:2], "big")
            rest = end + 2 if kind & AT_LEAST_ONCE else end
            self._heard(body[2:end].decode(), body[rest:])
            if kind & AT_LEAST_ONCE:
                self._send(PUBACK, body[end:rest])
        elif kind == CONNACK:
            if body[1]:
                raise ConnectionError(f"the broker refuses {self._client_id}: {body[1]}")
            wanted = b"".join(_text(topic) + b"\1" for topic in self._topics)
            self._send(SUBSCRIBE, b"\0\1" + wanted)
        elif kind == SUBACK:
            self.listening.set_result(None)

    def _send(self, kind: int, body: bytes) -> None:
        head, length = bytearray((kind,)), len(body)
        while length > 127:
            head.append(length & 127 | 128)
            length >>= 7
        head.append(length)
        self._transport.write(bytes(head) + body)


def _text(text: str) -> bytes:
    data = text.encode()
    return struct.pack("!H", len(data)) + data


def _length(data: bytes, at: int) -> tuple[int, int] | None:
    """The length of what follows, and where that begins; None where not all of it is there."""
    length = 0
    for place, byte in enumerate(data[at : at + 4]):
        length |= (byte & 127) << 7 * place
        if byte < 128:
            return length, at + place + 1
    return None


Done = Callable[[int], None]


class _Connection(asyncio.Protocol):
    """A kept connection to the store, with one request at a time."""

    def __init__(self, free: Callable[["_Connection"], None]) -> None:
        self._free = free
        self._answer = b""
        self._done: Done | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def send(self, request: bytes, done: Done) -> None:
        self._done = done
        self._transport.write(request)

    def data_received(self, data: bytes) -> None:
        self._answer += data
        head, end, body = self._answer.partition(HEAD_END)
        if not end or len(body) < _content_length(head):
            return
        self._answer, done, self._done = b"", self._done, None
        assert done
        done(int(head.split(b" ", 2)[1]))
        self._free(self)

    def connection_lost(self, error: Exception | None) -> None:
        if self._done:
            raise ConnectionError("the store has hung up") from error


def _content_length(head: bytes) -> int:
    for line in head.lower().split(b"\r\n"):
        if line.startswith(b"content-length:"):
            return int(line[15:])
    return 0


class Store:
    """Kept connections to the store's S3 port; what has none to go by waits."""

    def __init__(self) -> None:
        self._idle: list[_Connection] = []
        self._waiting: deque[tuple[bytes, Done]] = deque()

    async def connect(self, url: str, connections: int, ssl: SSLContext | None) -> None:
        parts, loop = urlsplit(url), asyncio.get_running_loop()
        for _ in range(connections):
            _, connection = await loop.create_connection(
                lambda: _Connection(self._free),
                parts.hostname or "",
                parts.port or 0,
                ssl=ssl,
            )
            self._idle.append(connection)

    def put(self, url: str, headers: dict[str, str], body: bytes, done: Done) -> None:
        """Send it; `done` is called with the status of the answer."""
        parts = urlsplit(url)
        lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        head = f"PUT {parts.path}?{parts.query} HTTP/1.1\r\nhost: {parts.netloc}\r\n{lines}\r\n"
        request = head.encode() + body
        if self._idle:
            self._idle.pop().send(request, done)
        else:
            self._waiting.append((request, done))

    def _free(self, connection: _Connection) -> None:
        if self._waiting:
            connection.send(*self._waiting.popleft())
        else:
            self._idle.append(connection)
