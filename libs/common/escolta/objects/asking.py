"""Asks an S3 store about objects over kept connections: many at once, and no thread waits for an answer."""

import asyncio
import ssl
from collections.abc import Mapping

import aiohttp
from yarl import URL

AT_ONCE = 16
ANSWER_S = 30.0
CONNECT_S = 5.0
AGAIN_S = (0.2, 0.4)
"""Quick ones, for a restarted proxy or a dropped connection. Longer trouble is the caller's."""
RETRIED_STATUSES = (500, 502, 503, 504)


class Asking:
    """HEAD requests. `close` it where it was made: its connections belong to an event loop."""

    def __init__(self) -> None:
        self._session: aiohttp.ClientSession | None = None

    async def head(self, url: str) -> tuple[int, Mapping[str, str]]:
        """Status and headers of the answer. Raises `aiohttp.ClientError` or TimeoutError where none comes."""
        for pause_s in AGAIN_S:
            try:
                status, headers = await self._head(url)
            except (aiohttp.ClientConnectorCertificateError, aiohttp.ClientConnectorSSLError):
                raise
            except (aiohttp.ClientError, TimeoutError):
                status = 503
            if status not in RETRIED_STATUSES:
                return status, headers
            await asyncio.sleep(pause_s)
        return await self._head(url)

    async def _head(self, url: str) -> tuple[int, Mapping[str, str]]:
        async with self._opened().head(URL(url, encoded=True), allow_redirects=False) as answer:
            return answer.status, answer.headers

    def _opened(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=AT_ONCE, ssl=ssl.create_default_context()),
                timeout=aiohttp.ClientTimeout(total=ANSWER_S, sock_connect=CONNECT_S),
                cookie_jar=aiohttp.DummyCookieJar(),
            )
        return self._session

    async def close(self) -> None:
        """Close the connections; the next question opens others."""
        session, self._session = self._session, None
        if session:
            await session.close()
