"""RabbitMQ with its MQTT plugin, as a test sees it: a virtual host of its own, a broker to kill."""

import secrets
import ssl
import uuid
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest

from servers.install import found_or_installed, missing
from servers.plain import NO_TLS
from servers.process import ServerProcess, free_ports

USER = "tests"


class Broker(ABC):
    """A private broker: its ports, password and data are its own, and outlive a kill."""

    host = "127.0.0.1"
    secure = ""
    """What the scheme of an address ends in: `s` where the broker speaks TLS."""
    authority: Path | None = None
    listeners: tuple[str, ...] = ("protocol-listener/amqp", "protocol-listener/mqtt")

    def __init__(self) -> None:
        self.password = secrets.token_urlsafe(24)
        self.amqp_port, self.mqtt_port, self.management_port = free_ports(3)
        self._process: ServerProcess | None = None

    @abstractmethod
    def launch(self) -> ServerProcess:
        """Start the server process; what it has stored before is there again."""

    async def start(self) -> None:
        """Start the broker, at first or again; it returns when both protocols listen."""
        self._process = self.launch()
        await self._process.until(self._listens)

    async def stop(self) -> None:
        """An orderly stop."""
        if self._process:
            await self._process.stop()

    def kill(self) -> None:
        """kill -9."""
        if self._process:
            self._process.kill()

    def freeze(self) -> None:
        """It stands still with its connections open."""
        if self._process:
            self._process.freeze()

    def thaw(self) -> None:
        """Let it go on."""
        if self._process:
            self._process.thaw()

    @abstractmethod
    def control(self, *command: str) -> None:
        """Run `rabbitmqctl` on it."""

    @property
    def session(self) -> int:
        """Of its processes."""
        assert self._process
        return self._process.session

    def close(self) -> None:
        """End it for good."""
        self.kill()

    @asynccontextmanager
    async def virtual_host(self) -> AsyncIterator["Rabbit"]:
        """A fresh virtual host. MQTT has no word for it, so there it is a part of the user's name."""
        name = f"test-{uuid.uuid4().hex[:8]}"
        async with self._api() as api:
            (await api.put(f"/vhosts/{name}")).raise_for_status()
        login, s = f"{USER}:{self.password}@{self.host}", self.secure
        yield Rabbit(
            amqp_url=f"amqp{s}://{login}:{self.amqp_port}/{name}",
            mqtt_url=f"mqtt{s}://{name}%3A{login}:{self.mqtt_port}",
            admin_url=f"http{s}://{login}:{self.management_port}/{name}",
            broker=self,
        )
        if not await self._listens():
            await self.start()
        async with self._api() as api:
            (await api.delete(f"/vhosts/{name}")).raise_for_status()

    async def _listens(self) -> bool:
        try:
            async with self._api() as api:
                for listener in self.listeners:
                    (await api.get(f"/health/checks/{listener}")).raise_for_status()
            return True
        except httpx.HTTPError:
            return False

    def _api(self) -> httpx.AsyncClient:
        url = f"http{self.secure}://{self.host}:{self.management_port}/api"
        trusted = ssl.create_default_context(cafile=self.authority) if self.authority else NO_TLS
        login = (USER, self.password)
        return httpx.AsyncClient(base_url=url, auth=login, trust_env=False, timeout=120, verify=trusted)


@dataclass(frozen=True)
class Rabbit:
    """One test's virtual host; all that it can do is done to the whole broker.

    On a broker that was given by its URLs there is no broker to kill: the test that wants to is skipped.
    `admin_url` is the one of its management, as `ESCOLTA_BROKER_ADMIN_URL` has it.
    """

    amqp_url: str
    mqtt_url: str
    admin_url: str = ""
    broker: Broker | None = None

    async def start(self) -> None:
        """Start it again after `kill` or `stop`, with what it had stored."""
        await self._ours.start()

    async def stop(self) -> None:
        """An orderly stop."""
        await self._ours.stop()

    def kill(self) -> None:
        """kill -9. In RabbitMQ 3.10 a quorum queue must be some seconds old to survive it."""
        self._ours.kill()

    @contextmanager
    def short_of_disk(self) -> Iterator[None]:
        """Let the broker raise its alarm, as if the disk were nearly full."""
        self._ours.control("set_disk_free_limit", str(10**15))
        try:
            yield
        finally:
            self._ours.control("set_disk_free_limit", "50000000")

    def amqp_url_of(self, user: str, password: str) -> str:
        """The same virtual host, for somebody else."""
        return _signed_in(self.amqp_url, user, password)

    def mqtt_url_of(self, user: str, password: str) -> str:
        """The same virtual host by MQTT, for somebody else."""
        vhost, colon, _ = (urlsplit(self.mqtt_url).username or "").partition("%3A")
        return _signed_in(self.mqtt_url, f"{vhost}{colon}{user}" if colon else user, password)

    @property
    def _ours(self) -> Broker:
        if self.broker is None:
            pytest.skip("the broker was given by ESCOLTA_TEST_AMQP_URL: the tests leave it alone")
        return self.broker


def _signed_in(url: str, user: str, password: str) -> str:
    parts = urlsplit(url)
    return parts._replace(netloc=f"{user}:{password}@{parts.hostname}:{parts.port}").geturl()


@asynccontextmanager
async def private_broker(folder: Path) -> AsyncIterator[Broker]:
    """A broker from the installed program, or by Docker; without both the test is skipped."""
    from servers.rabbit_container import ContainerBroker, docker
    from servers.rabbit_installed import InstalledBroker, server_program

    broker: Broker
    if program := found_or_installed(server_program, "rabbitmq-server"):
        broker = InstalledBroker(folder, program)
    elif docker():
        broker = ContainerBroker(folder)
    else:
        missing("RabbitMQ is absent: install rabbitmq-server, or start Docker")
    try:
        await broker.start()
        yield broker
    finally:
        broker.close()
