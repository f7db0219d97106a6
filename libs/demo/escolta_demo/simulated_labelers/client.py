"""A patient client of the HTTP API, in the name of one person."""

import asyncio
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from typing import Any

import httpx

from escolta.errors import Misconfigured, Rejected, Transient

PAUSES_S = (0.1, 0.3, 1.0, 3.0)
PATIENCE = 40
"""How often a gateway that is away is asked again, the last pause over and over: about two minutes."""

TOO_MANY = 429

AWAY = (httpx.NetworkError, httpx.TimeoutException, httpx.RemoteProtocolError)


class Client:
    """Asks as whoever the session token belongs to; without one, as somebody who is not signed in yet."""

    def __init__(self, http: httpx.AsyncClient, token: str = "") -> None:
        self._http = http
        self._headers = {"authorization": f"Bearer {token}"} if token else {}

    def as_somebody(self, token: str) -> "Client":
        """The same connection in the name of somebody else."""
        return Client(self._http, token)

    async def ask(
        self, verb: str, path: str, body: object = None, *, but: Collection[int] = ()
    ) -> httpx.Response:
        """The answer; while the gateway is away, or in trouble, again and again.

        Raises `Rejected` for a refusal whose status is not in `but`, `Transient` when patience is at its end.
        """
        trouble = ""
        for attempt in range(PATIENCE):
            pause_s = PAUSES_S[min(attempt, len(PAUSES_S) - 1)]
            try:
                response = await self._http.request(verb, path, json=body, headers=self._headers)
            except AWAY as error:
                trouble = f"{type(error).__name__}: {error}"
            else:
                if response.is_success or response.status_code in but:
                    return response
                trouble = f"{verb} {path}: {response.status_code} {response.text[:500]}"
                if response.status_code < 500 and response.status_code != TOO_MANY:
                    raise Rejected(trouble)
                pause_s = max(pause_s, float(response.headers.get("retry-after", 0)))
            await asyncio.sleep(pause_s)
        raise Transient(f"{self._http.base_url} stays away: {trouble}")

    async def json(self, path: str) -> Any:
        """What is at `path`."""
        return (await self.ask("GET", path)).json()


@asynccontextmanager
async def open_client(base_url: str, token: str = "") -> AsyncIterator[Client]:
    """A client that is closed with the block. Raises `Misconfigured` for an address that is none."""
    if not base_url.startswith(("http://", "https://")):
        raise Misconfigured(
            f"{base_url!r} is not the address of a gateway: it begins with http:// or https://"
        )
    async with httpx.AsyncClient(base_url=base_url, timeout=30, trust_env=False) as http:
        yield Client(http, token)
