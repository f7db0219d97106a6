"""Connections that say nothing, or too slowly, hold nobody up. Real servers, by sockets."""

import asyncio
from collections.abc import AsyncIterator

import httpx
import pytest
from fastapi import FastAPI
from starlette.responses import StreamingResponse

from escolta.runtime import _listen, _serving
from escolta.settings import Settings
from escolta.web import bodies, connections
from escolta.web.bodies import BodyLimit
from servers.plain import NO_TLS

HEAD = b"GET /here HTTP/1.1\r\nHost: escolta\r\n\r\n"
SLOW_HEAD = b"GET /here HTTP/1.1\r\nHost: escolta\r\nX-Slow: "
BODY = b"POST /said HTTP/1.1\r\nHost: escolta\r\nContent-Length: 100\r\n\r\n"
PATIENCE_S = 240


class Served:
    """A process, and clients who do as they please."""

    def __init__(self, host: str, port: int) -> None:
        self.host, self.port = host, port
        self._writers: list[asyncio.StreamWriter] = []

    async def connect(self, data: bytes = b"") -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        reader, writer = await asyncio.open_connection(self.host, self.port)
        self._writers.append(writer)
        writer.write(data)
        return reader, writer

    async def ask(self) -> str:
        """What a labeler gets, who comes anew."""
        async with httpx.AsyncClient(trust_env=False, timeout=PATIENCE_S, verify=NO_TLS) as client:
            return (await client.get(f"http://{self.host}:{self.port}/here")).json()

    async def leave(self) -> None:
        for writer in self._writers:
            writer.close()


@pytest.fixture
async def served() -> AsyncIterator[Served]:
    app = FastAPI()

    @app.get("/here")
    async def here() -> str:
        return "here"

    @app.post("/said")
    async def said(words: list[str]) -> list[str]:
        return words

    @app.get("/much")
    async def much() -> StreamingResponse:
        async def endless() -> AsyncIterator[bytes]:
            while True:
                yield bytes(1 << 20)
                await asyncio.sleep(0)

        return StreamingResponse(endless())

    app.add_middleware(BodyLimit)
    listener = _listen(Settings(http_port=0))
    async with _serving(app, listener, Settings()):
        served = Served(*listener.getsockname())
        yield served
        await served.leave()


async def ended(reader: asyncio.StreamReader) -> bytes:
    """What came before the server ended the connection."""
    async with asyncio.timeout(PATIENCE_S):
        try:
            return await reader.read()
        except ConnectionResetError:
            return b""


async def drip(writer: asyncio.StreamWriter) -> None:
    """A byte now and then, for ever."""
    while True:
        writer.write(b"x")
        await asyncio.sleep(0.01)


async def test_two_hundred_idle_and_fifty_slow_ones_do_not_hold_up_a_labeler(served):
    for _ in range(200):
        await served.connect()
    slow = [asyncio.create_task(drip((await served.connect(SLOW_HEAD))[1])) for _ in range(25)]
    slow += [asyncio.create_task(drip((await served.connect(BODY))[1])) for _ in range(25)]
    assert [await served.ask() for _ in range(20)] == ["here"] * 20
    for task in slow:
        task.cancel()


async def test_where_there_are_too_many_the_idle_one_that_came_first_makes_room(served, monkeypatch):
    monkeypatch.setattr(connections, "MOST", 10)
    idle = [await served.connect() for _ in range(10)]
    assert [await served.ask() for _ in range(3)] == ["here"] * 3
    for reader, _ in idle[:1]:
        assert await ended(reader) == b""
    reader, writer = idle[-1]
    writer.write(HEAD)
    assert (await reader.readline()).startswith(b"HTTP/1.1 200")


async def test_whoever_never_asks_is_let_go(served, monkeypatch):
    monkeypatch.setattr(connections, "REQUEST_S", 0.05)
    reader, _ = await served.connect()
    assert await ended(reader) == b""


@pytest.mark.parametrize("before", [b"", HEAD], ids=["at first", "after an answer"])
async def test_whoever_asks_byte_by_byte_is_let_go(served, monkeypatch, before):
    monkeypatch.setattr(connections, "REQUEST_S", 0.3)
    reader, writer = await served.connect(before)
    if before:
        assert (await reader.readuntil(b'"here"')).startswith(b"HTTP/1.1 200")
    writer.write(SLOW_HEAD)
    dripping = asyncio.create_task(drip(writer))
    assert await ended(reader) == b""
    dripping.cancel()


async def test_whoever_sends_a_body_byte_by_byte_is_told_so(served, monkeypatch):
    monkeypatch.setattr(bodies, "BODY_S", 0.1)
    reader, _ = await served.connect(BODY + b'["wor')
    assert (await ended(reader)).startswith(b"HTTP/1.1 408")


async def test_whoever_does_not_read_is_let_go(served, monkeypatch):
    monkeypatch.setattr(connections, "ANSWER_S", 0.1)
    _, writer = await served.connect()
    writer.transport.pause_reading()
    writer.write(HEAD.replace(b"/here", b"/much"))
    async with asyncio.timeout(PATIENCE_S):
        while not await is_reset(writer):
            await asyncio.sleep(0.05)


async def is_reset(writer: asyncio.StreamWriter) -> bool:
    try:
        writer.write(b"x")
        await writer.drain()
    except ConnectionError:
        return True
    return writer.transport.is_closing()


async def test_a_request_that_comes_in_pieces_is_answered(served):
    reader, writer = await served.connect()
    for at in range(len(HEAD)):
        writer.write(HEAD[at : at + 1])
        await asyncio.sleep(0)
    assert (await reader.readline()).startswith(b"HTTP/1.1 200")


async def test_an_answer_that_takes_its_time_is_not_cut_off(served, monkeypatch):
    """What is waited for is the client, not ourselves."""
    monkeypatch.setattr(connections, "REQUEST_S", 0.05)
    monkeypatch.setattr(bodies, "BODY_S", 0.05)
    reader, writer = await served.connect(HEAD.replace(b"/here", b"/much"))
    async with asyncio.timeout(PATIENCE_S):
        got = 0
        while got < 20_000_000:
            got += len(await reader.read(1 << 16))
            if got % 7 == 0:
                await asyncio.sleep(0.01)
    assert not writer.transport.is_closing()
