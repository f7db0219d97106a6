"""The address of a service, as a cluster's: a new connection goes to one of the processes that are ready."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import httpx

from servers.plain import NO_TLS

LOOK_S = 0.2


class Endpoints:
    """A connection stays with the process that it was given to; whoever leaves is given no further one."""

    def __init__(self) -> None:
        self.url = ""
        self._processes: list[str] = []
        self._ready: list[str] = []
        self._given = 0

    def add(self, url: str) -> None:
        """Give it connections as soon as it says that it is ready."""
        self._processes.append(url)

    def take(self, url: str) -> None:
        """It has ended."""
        self._processes.remove(url)
        self._ready = [ready for ready in self._ready if ready != url]

    async def until_ready(self, url: str) -> None:
        """Return when it is given connections."""
        while url not in self._ready:
            await asyncio.sleep(LOOK_S)

    async def look(self) -> None:
        """Ask each process, over and over, whether it is ready."""
        async with httpx.AsyncClient(trust_env=False, timeout=60, verify=NO_TLS) as client:
            while True:
                for url in list(self._processes):
                    await self._look_at(client, url)
                await asyncio.sleep(LOOK_S)

    async def _look_at(self, client: httpx.AsyncClient, url: str) -> None:
        ready = False
        with suppress(httpx.TransportError):
            ready = (await client.get(f"{url}/readyz")).status_code == 200
        known = url in self._ready
        if ready and not known and url in self._processes:
            self._ready.append(url)
        if known and not ready:
            self._ready.remove(url)

    async def carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection, in both directions, to its end."""
        if not self._ready:
            writer.transport.abort()
            return
        self._given += 1
        url = httpx.URL(self._ready[self._given % len(self._ready)])
        try:
            there = await asyncio.open_connection(url.host, url.port)
        except OSError:
            writer.transport.abort()
            return
        await asyncio.gather(_pass_on(reader, there[1]), _pass_on(there[0], writer))
        for one in (writer, there[1]):
            one.close()


async def _pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """An end comes through as the end that it is: in good order, or by a reset."""
    try:
        while data := await reader.read(1 << 16):
            writer.write(data)
            await writer.drain()
        writer.write_eof()
    except OSError:
        writer.transport.abort()


@asynccontextmanager
async def endpoints_of(*urls: str) -> AsyncIterator[Endpoints]:
    """An address of these processes, once all of them are ready."""
    endpoints = Endpoints()
    for url in urls:
        endpoints.add(url)
    looking = asyncio.create_task(endpoints.look())
    server = await asyncio.start_server(endpoints.carry, "127.0.0.1")
    host, port = server.sockets[0].getsockname()
    endpoints.url = f"http://{host}:{port}"
    try:
        for url in urls:
            await endpoints.until_ready(url)
        yield endpoints
    finally:
        looking.cancel()
        server.close()
