"""RabbitMQ with its MQTT plugin, as a test sees it: a virtual host of its own, a broker to kill."""

import secrets
import uuid
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from servers.install import found_or_installed, missing
from servers.process import ServerProcess, free_ports

USER = "tests"


class Broker(ABC):
    """A private broker: its ports, password and data are its own, and outlive a kill."""

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

    @abstractmethod
    def control(self, *command: str) -> None:
        """Run `rabbitmqctl` on it."""

    def close(self) -> None:
        """End it for good."""
        self.kill()

    @asynccontextmanager
    async def virtual_host(self) -> AsyncIterator["Rabbit"]:
        """A fresh virtual host. MQTT has no word for it, so there it is a part of the user's name."""
        name = f"test-{uuid.uuid4().hex[:8]}"
        async with self._api() as api:
            (await api.put(f"/vhosts/{name}")).raise_for_status()
        login = f"{USER}:{self.password}@127.0.0.1"
        yield Rabbit(
            amqp_url=f"amqp://{login}:{self.amqp_port}/{name}",
            mqtt_url=f"mqtt://{name}%3A{login}:{self.mqtt_port}",
            broker=self,
        )
        if not await self._listens():
            await self.start()
        async with self._api() as api:
            (await api.delete(f"/vhosts/{name}")).raise_for_status()

    async def _listens(self) -> bool:
        try:
            async with self._api() as api:
                for protocol in ("amqp", "mqtt"):
                    (await api.get(f"/health/checks/protocol-listener/{protocol}")).raise_for_status()
            return True
        except httpx.HTTPError:
            return False

    def _api(self) -> httpx.AsyncClient:
        url = f"http://127.0.0.1:{self.management_port}/api"
        return httpx.AsyncClient(base_url=url, auth=(USER, self.password), trust_env=False, timeout=20)


@dataclass(frozen=True)
class Rabbit:
    """One test's virtual host; all that it can do is done to the whole broker.

    On a broker that was given by its URLs there is no broker to kill: the test that wants to is skipped.
    """

    amqp_url: str
    mqtt_url: str
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

    @property
    def _ours(self) -> Broker:
        if self.broker is None:
            pytest.skip("the broker was given by ESCOLTA_TEST_AMQP_URL: the tests leave it alone")
        return self.broker


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
