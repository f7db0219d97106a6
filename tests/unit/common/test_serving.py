"""How a process listens for people and services."""

import asyncio
import socket

from escolta.runtime import _listen
from escolta.settings import Settings


async def test_an_answer_is_sent_at_once_however_short_it_is():
    accepted: asyncio.Future[socket.socket] = asyncio.get_running_loop().create_future()

    async def serve(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        accepted.set_result(writer.get_extra_info("socket"))

    listener = _listen(Settings(http_host="127.0.0.1", http_port=0))
    async with await asyncio.start_server(serve, sock=listener):
        _, writer = await asyncio.open_connection(*listener.getsockname())
        assert (await accepted).getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
        writer.close()
