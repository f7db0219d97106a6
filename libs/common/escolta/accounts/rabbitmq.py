"""RabbitMQ's management API, as far as accounts need it: the operator's, which no service has."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import SplitResult, quote, unquote

import httpx

from escolta.accounts.rights import TOPICS, Rights
from escolta.errors import Misconfigured, Transient
from escolta.url import split_url

SETTING = "ESCOLTA_BROKER_ADMIN_URL"
SHAPE = "http(s)://user:password@host:port, and /vhost where it is not the default"
TIMEOUT_S = 20.0
AGAIN_S = (0.1, 0.5, 2.0)
"""After which pauses connections are closed again."""


@dataclass(frozen=True)
class Limits:
    """How much of the broker one account may hold at a time."""

    connections: int
    channels: int


class Administration:
    """The accounts of a virtual host. A verb can be said again; it raises `Transient` or `Misconfigured`."""

    def __init__(self, api: httpx.AsyncClient, vhost: str) -> None:
        self.vhost = vhost
        self._api, self._vhost = api, quote(vhost, safe="")

    async def give(self, user: str, password: str, rights: Rights, limits: Limits, *, tag: str = "") -> None:
        """Make the account, or give it this password and exactly these rights. `tag`: the management's."""
        name = quote(user, safe="")
        await self._call("PUT", f"/users/{name}", {"password": password, "tags": tag})
        for what, value in (("connections", limits.connections), ("channels", limits.channels)):
            await self._call("PUT", f"/user-limits/{name}/max-{what}", {"value": value})
        # The topics come first: who has no rights over topics may use every topic of an exchange.
        topics = {"exchange": TOPICS, "write": rights.write_topics, "read": rights.read_topics}
        await self._call("PUT", f"/topic-permissions/{self._vhost}/{name}", topics)
        names = {"configure": rights.configure, "write": rights.write, "read": rights.read}
        await self._call("PUT", f"/permissions/{self._vhost}/{name}", names)

    async def take(self, user: str) -> bool:
        """Delete the account and close its connections; whether it was there."""
        found = await self._call("DELETE", f"/users/{quote(user, safe='')}", missing_ok=True)
        await self.close_connections(user)
        return found is not None

    async def close_connections(self, user: str) -> None:
        """Close what is open under this account, such as with a password that it no longer has.

        Where one ends by itself meanwhile, RabbitMQ answers 500, and has perhaps not closed the others.
        """
        for pause_s in AGAIN_S:
            try:
                await self._close_connections(user)
            except Transient:
                await asyncio.sleep(pause_s)
            else:
                return
        await self._close_connections(user)

    async def _close_connections(self, user: str) -> None:
        await self._call("DELETE", f"/connections/username/{quote(user, safe='')}", missing_ok=True)

    async def mark(self, user: str, tag: str) -> None:
        """Leave the name with a tag, without a password or a right: nobody can sign in with it."""
        await self._call("PUT", f"/users/{quote(user, safe='')}", {"password_hash": "", "tags": tag})

    async def users(self) -> dict[str, list[str]]:
        """The tags of every account."""
        return {user["name"]: user["tags"] for user in await self._call("GET", "/users") or ()}

    async def queues(self) -> list[str]:
        """The names of all queues."""
        return [queue["name"] for queue in await self._call("GET", f"/queues/{self._vhost}") or ()]

    async def bound_queues(self, name: str, pattern: str, messages: int, size_bytes: int) -> None:
        """Let no queue whose name matches hold more: the oldest messages make room."""
        definition = {"max-length": messages, "max-length-bytes": size_bytes}
        policy = {"pattern": pattern, "definition": definition, "apply-to": "queues"}
        await self._call("PUT", f"/operator-policies/{self._vhost}/{quote(name, safe='')}", policy)

    async def _call(self, method: str, path: str, body: object = None, *, missing_ok: bool = False) -> Any:
        """The answer's JSON, or {} where it has none; None where `missing_ok` and it is not there."""
        try:
            response = await self._api.request(method, f"/api{path}", json=body)
        except httpx.HTTPError as error:
            raise Transient(
                f"{SETTING}: RabbitMQ's management at {self._api.base_url.netloc.decode()} does not answer "
                f"({error or type(error).__name__}): start it, or correct the address"
            ) from None
        if response.status_code == httpx.codes.NOT_FOUND and missing_ok:
            return None
        if response.status_code in (httpx.codes.UNAUTHORIZED, httpx.codes.FORBIDDEN):
            raise Misconfigured(f"{SETTING}: RabbitMQ refuses the user, its password, or that it administers")
        if response.is_error:
            answered = f"{response.status_code} to {method} {path}: {response.text[:300]}"
            kind = Transient if response.is_server_error else Misconfigured
            raise kind(f"{SETTING}: RabbitMQ answered {answered}")
        return response.json() if response.content else {}


def vhost_of(url: str) -> str:
    """The virtual host of which `url` is the operator's address."""
    return unquote(_parts(url).path[1:]) or "/"


@asynccontextmanager
async def administration(url: str) -> AsyncIterator[Administration]:
    """Of the broker that `url` names. Raises `Misconfigured`, which shows nothing of it."""
    parts = _parts(url)
    base_url = parts._replace(netloc=parts.netloc.rpartition("@")[2], path="", query="").geturl()
    login = unquote(parts.username or ""), unquote(parts.password or "")
    tls = ssl.create_default_context()
    async with httpx.AsyncClient(
        base_url=base_url, auth=login, timeout=TIMEOUT_S, trust_env=False, verify=tls
    ) as api:
        yield Administration(api, vhost_of(url))


def _parts(url: str) -> SplitResult:
    if not url:
        raise Misconfigured(f"{SETTING} is not set: write {SHAPE}, of a user whose tag is administrator")
    parts = split_url(url, SETTING, SHAPE)
    if parts.scheme not in ("http", "https") or not parts.hostname or not parts.username:
        raise Misconfigured(f"{SETTING} names no host or no user: write {SHAPE}")
    return parts
