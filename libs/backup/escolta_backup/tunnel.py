"""A door to a server over TLS, for programs that speak none: a socket in a folder that is ours alone."""

import asyncio
import os
import ssl
import struct
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from urllib.parse import parse_qsl, quote, urlencode, urlsplit

from escolta.errors import Misconfigured, Transient

ASK_FOR_TLS = struct.pack("!ii", 8, 80877103)
"""PostgreSQL's SSLRequest: TLS begins once the server has answered with an S."""
CHECKED = ("verify-full", "verify-ca", "require")
BOUND_TO_TLS = b"SCRAM-SHA-256-PLUS\0"
BLOCK = 1 << 18
ENDING_S = 10.0


@asynccontextmanager
async def plain(dsn: str) -> AsyncIterator[str]:
    """`dsn` for a program without TLS: the same, or, where it wants TLS, that of a socket which leads there.

    The server's certificate is checked, and its name: anything less is no `verify-full`.
    Raises `Misconfigured` for other kinds of TLS.
    """
    parts = urlsplit(dsn)
    query = dict(parse_qsl(parts.query))
    mode = query.pop("sslmode", "")
    if mode not in CHECKED:
        yield dsn
        return
    if mode != "verify-full":
        raise Misconfigured("ESCOLTA_CATALOG_URL: a backup goes over TLS with sslmode=verify-full alone")
    trust = ssl.create_default_context(cafile=query.pop("sslrootcert", os.environ.get("PGSSLROOTCERT")))
    host, port = parts.hostname or "", parts.port or 5432

    async def lead(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError, Transient):  # the program hears that its connection ends, and says so
            there, back = await _opened(host, port, trust)
            await asyncio.gather(_pour(reader, back), _answer(there, writer))
        writer.close()

    leading: set[asyncio.Task[None]] = set()

    def led(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        leading.add(asyncio.create_task(lead(reader, writer)))

    with tempfile.TemporaryDirectory(prefix="escolta-") as folder:
        server = await asyncio.start_unix_server(led, f"{folder}/.s.PGSQL.5432")
        try:
            user = parts.netloc.rpartition("@")[0]
            where = urlencode({**query, "host": folder, "port": "5432"}, quote_via=quote)
            yield parts._replace(netloc=f"{user}@", query=where).geturl()
        finally:
            server.close()
            if leading:
                await asyncio.wait(leading, timeout=ENDING_S)


async def _opened(
    host: str, port: int, trust: ssl.SSLContext
) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    reader, writer = await asyncio.open_connection(host, port, limit=BLOCK)
    writer.write(ASK_FOR_TLS)
    if await reader.readexactly(1) != b"S":
        writer.close()
        raise Transient(f"{host}:{port} speaks no TLS")
    await writer.start_tls(trust, server_hostname=host)
    return reader, writer


async def _answer(there: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """What the server says, but for the one way to sign in that needs TLS up to the program itself.

    A program without TLS would take its offer for a betrayal. The first message is the one that offers.
    """
    with suppress(asyncio.IncompleteReadError):  # it ended the connection: nothing more is to come
        kind, size = struct.unpack("!ci", await there.readexactly(5))
        body = (await there.readexactly(size - 4)).replace(BOUND_TO_TLS, b"")
        writer.write(struct.pack("!ci", kind, len(body) + 4) + body)
    await _pour(there, writer)


async def _pour(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while block := await reader.read(BLOCK):
            writer.write(block)
            await writer.drain()
    finally:
        writer.close()
