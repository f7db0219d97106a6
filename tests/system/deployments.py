"""The two worlds that Escolta runs in, as a test sees them: HTTP addresses, and processes to kill.

Everything that a test does in a deployment goes through the HTTP API, so the same lines walk both.
"""

import asyncio
import os
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
from pydantic import SecretStr

from escolta.runtime import find_services, running
from escolta.settings import Settings
from escolta.web import Session, Sessions

SERVICES = ("ingest", "embedder", "al-engine", "label-gateway", "node-agent")
SECRET = "a secret of the tests alone, long enough to sign with"


@dataclass(frozen=True)
class Servers:
    """Where the distributed deployment finds its servers."""

    amqp_url: str
    mqtt_url: str
    catalog_url: str
    objects_url: str


@dataclass
class Deployment:
    """Five services at work. `urls`: the address of each."""

    settings: Settings
    urls: dict[str, str]
    processes: dict[str, "ServiceProcess"] = field(default_factory=dict)

    @asynccontextmanager
    async def api(self, service: str) -> AsyncIterator[httpx.AsyncClient]:
        """An HTTP client of one service, signed in as a lead."""
        token = Sessions(self.settings).token(Session(labeler_id=0, name="test", role="lead"))
        headers = {"authorization": f"Bearer {token}"}
        async with httpx.AsyncClient(
            base_url=self.urls[service], headers=headers, timeout=30, trust_env=False
        ) as client:
            yield client

    async def get(self, service: str, path: str) -> Any:
        """The JSON of `path`, waiting while the service is away (it may just have been killed)."""
        async with self.api(service) as client, asyncio.timeout(60):
            while True:
                try:
                    response = await client.get(path)
                    if response.status_code < 500:
                        return response.raise_for_status().json()
                except httpx.TransportError:
                    pass
                await asyncio.sleep(0.2)


@asynccontextmanager
async def one_process(folder: Path, **chosen: object) -> AsyncIterator[Deployment]:
    """The embedded deployment: every service in this process, nothing else on the machine."""
    settings = _settings(folder, **chosen)
    settings = settings.model_copy(
        update={"catalog_url": f"embedded://{folder}/catalog", "objects_url": f"file://{folder}/objects"}
    )
    async with running(settings, find_services()) as (on, _):
        yield Deployment(settings, dict.fromkeys(SERVICES, on.http_url))


@asynccontextmanager
async def five_processes(folder: Path, servers: Servers, **chosen: object) -> AsyncIterator[Deployment]:
    """The distributed deployment: a process for each service, over real servers; the node speaks MQTT."""
    settings = _settings(folder, **chosen)
    deployment = Deployment(settings, {})
    async with AsyncExitStack() as stack:
        for service in SERVICES:
            environment = {
                **{f"ESCOLTA_{name.upper()}": str(value) for name, value in chosen.items()},
                "ESCOLTA_BUS_URL": servers.mqtt_url if service == "node-agent" else servers.amqp_url,
                "ESCOLTA_CATALOG_URL": servers.catalog_url,
                "ESCOLTA_OBJECTS_URL": servers.objects_url,
                "ESCOLTA_STATE_DIR": str(folder / service),
                "ESCOLTA_SECRET": SECRET,
                "ESCOLTA_HTTP_PORT": str(port := free_port()),
            }
            deployment.urls[service] = f"http://127.0.0.1:{port}"
            deployment.processes[service] = ServiceProcess(service, environment, folder / f"{service}.log")
        # The node comes last: what it says before ingest has its first queue, it would say again in a minute.
        for together in (SERVICES[:-1], SERVICES[-1:]):
            for service in together:
                deployment.processes[service].start()
                stack.callback(deployment.processes[service].end)
            for service in together:
                await deployment.processes[service].until_ready(deployment.urls[service])
        yield deployment


class ServiceProcess:
    """`escolta run <service>` as a process of its own."""

    def __init__(self, service: str, environment: dict[str, str], log: Path) -> None:
        self.service = service
        self._environment = {
            name: value for name, value in os.environ.items() if not name.startswith("ESCOLTA_")
        }
        self._environment |= environment
        self._log = log
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(  # our own command
                [str(Path(sys.executable).with_name("escolta")), "run", self.service],
                env=self._environment,
                cwd=self._log.parent,
                stdout=log,
                stderr=log,
            )

    def kill(self) -> None:
        """kill -9: no farewell, no drain."""
        assert self._process is not None
        self._process.kill()
        self._process.wait()

    def end(self) -> int:
        """SIGTERM, as an orchestrator sends it; must come to an end by itself. Returns the exit status."""
        assert self._process is not None
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
        return self._process.wait(timeout=40)

    async def until_ready(self, url: str) -> None:
        async with httpx.AsyncClient(base_url=url, trust_env=False) as client, asyncio.timeout(60):
            while True:
                assert self._process is not None
                assert self._process.poll() is None, f"{self.service} ended:\n{self._log.read_text()[-3000:]}"
                try:
                    if (await client.get("/readyz")).status_code == 200:
                        return
                except httpx.TransportError:
                    pass
                await asyncio.sleep(0.2)


def _settings(folder: Path, **chosen: object) -> Settings:
    fields: dict[str, Any] = {"state_dir": folder, "secret": SecretStr(SECRET), **chosen}
    return Settings(**fields)


def free_port() -> int:
    """A port of 127.0.0.1 that nobody listens on."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])
