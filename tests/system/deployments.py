"""The two worlds that Escolta runs in, as a test sees them: HTTP addresses, and processes to kill.

Everything that a test does in a deployment goes through the HTTP API, so the same lines walk both.
"""

import asyncio
import os
import signal
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
from servers.plain import NO_TLS
from servers.postgres import account
from servers.process import free_ports
from servers.rabbit import Rabbit
from servers.rabbit_accounts import accounts_at

SERVICES = ("ingest", "embedder", "al-engine", "label-gateway", "node-agent")
SECRET = "a secret of the tests alone, long enough to sign with"
ESCOLTA = Path(sys.executable).with_name("escolta")
PATIENCE_S = 600.0
"""How long a process may take to start where many others want the processor."""


@dataclass(frozen=True)
class Servers:
    """Where the distributed deployment finds its servers."""

    rabbit: Rabbit
    catalog_url: str
    objects_url: str

    def objects_url_of(self, service: str) -> str:
        """As `ESCOLTA_OBJECTS_URL` of a service has it; here all sign in as one."""
        return self.objects_url


@dataclass
class Deployment:
    """Five services at work. `urls`: the address of each."""

    urls: dict[str, str]
    token: str
    """Of a lead's session."""
    processes: dict[str, "ServiceProcess"] = field(default_factory=dict)
    nodes: dict[str, str] = field(default_factory=dict)
    """Where further nodes find the broker."""

    @asynccontextmanager
    async def api(self, service: str) -> AsyncIterator[httpx.AsyncClient]:
        """An HTTP client of one service, signed in as a lead."""
        headers = {"authorization": f"Bearer {self.token}"}
        async with httpx.AsyncClient(
            base_url=self.urls[service], headers=headers, timeout=120, trust_env=False, verify=NO_TLS
        ) as client:
            yield client

    async def get(self, service: str, path: str) -> Any:
        """The JSON of `path`, waiting while the service is away (it may just have been killed)."""
        async with self.api(service) as client, asyncio.timeout(PATIENCE_S):
            while True:
                try:
                    response = await client.get(path)
                    if response.status_code < 500:
                        return response.raise_for_status().json()
                except httpx.TransportError:
                    pass
                await asyncio.sleep(0.2)


@asynccontextmanager
async def further_node(
    deployment: Deployment, folder: Path, clock_ahead_s: float = 0, **chosen: object
) -> AsyncIterator["ServiceProcess"]:
    """Another node at work, in `deployment.processes` under its name."""
    name = str(chosen["node_name"])
    environment = {
        **{f"ESCOLTA_{key.upper()}": str(value) for key, value in chosen.items()},
        "ESCOLTA_BUS_URL": deployment.nodes[name],
        "ESCOLTA_STATE_DIR": str(folder / name),
        "ESCOLTA_SECRET": SECRET,
        "ESCOLTA_HTTP_PORT": str(port := free_port()),
    }
    process = ServiceProcess("node-agent", environment, folder / f"{name}.log", clock_ahead_s)
    deployment.urls[name], deployment.processes[name] = f"http://127.0.0.1:{port}", process
    process.start()
    try:
        await process.until_ready(deployment.urls[name])
        yield process
    finally:
        process.end()


@asynccontextmanager
async def one_process(folder: Path, **chosen: object) -> AsyncIterator[Deployment]:
    """The embedded deployment: every service in this process, nothing else on the machine."""
    settings = _settings(folder, **chosen)
    settings = settings.model_copy(
        update={"catalog_url": f"embedded://{folder}/catalog", "objects_url": f"file://{folder}/objects"}
    )
    async with running(settings, find_services()) as (on, _):
        yield Deployment(dict.fromkeys(SERVICES, on.http_url), on.own_token)


@asynccontextmanager
async def five_processes(
    folder: Path, servers: Servers, *further_nodes: str, **chosen: object
) -> AsyncIterator[Deployment]:
    """The distributed deployment: a process for each service, over real servers; the node speaks MQTT.

    At the broker and in the catalog each has an account of its own, with no right that it does not need; at
    the store, too, where the servers are as they are deployed. `further_nodes` have accounts at the broker as
    well, to be started by `further_node`.
    """
    deployment = Deployment({}, "")
    node = str(chosen["node_name"])
    async with AsyncExitStack() as stack:
        accounts = await stack.enter_async_context(accounts_at(servers.rabbit, node, *further_nodes))
        deployment.nodes = {name: accounts.url_of_node(name) for name in further_nodes}
        for service in SERVICES:
            is_node = service == "node-agent"
            environment = {
                **{f"ESCOLTA_{name.upper()}": str(value) for name, value in chosen.items()},
                "ESCOLTA_BUS_URL": (
                    accounts.url_of_node(node) if is_node else accounts.url_of_service(service)
                ),
                **_in_the_catalog(service, servers.catalog_url),
                "ESCOLTA_STATE_DIR": str(folder / service),
                "ESCOLTA_SECRET": SECRET,
                "ESCOLTA_HTTP_PORT": str(port := free_port()),
            }
            if not is_node:  # it has an account at the broker, and no other
                environment["ESCOLTA_OBJECTS_URL"] = servers.objects_url_of(service)
            deployment.urls[service] = f"http://127.0.0.1:{port}"
            deployment.processes[service] = ServiceProcess(service, environment, folder / f"{service}.log")
        # The node comes last: what it says before ingest has its first queue, it would say again in a minute.
        for together in (SERVICES[:-1], SERVICES[-1:]):
            for service in together:
                deployment.processes[service].start()
                stack.callback(deployment.processes[service].end)
            for service in together:
                await deployment.processes[service].until_ready(deployment.urls[service])
        deployment.token = deployment.processes["label-gateway"].lead_token()
        yield deployment


def _in_the_catalog(service: str, url: str) -> dict[str, str]:
    """How a service signs in to the catalog; a node does not."""
    return {} if service == "node-agent" else {"ESCOLTA_CATALOG_URL": account(url, service)}


# The command `escolta`, on a machine whose clock is wrong.
WITH_A_CLOCK_AHEAD = """
import sys
from datetime import timedelta
from escolta.cli import main
from escolta.clock import SystemClock
right, ahead = SystemClock.now, timedelta(seconds=float(sys.argv.pop(1)))
SystemClock.now = lambda clock: right(clock) + ahead
main()
"""


class ServiceProcess:
    """`escolta run <service>` as a process of its own; `clock_ahead_s` may be changed before a start."""

    def __init__(
        self, service: str, environment: dict[str, str], log: Path, clock_ahead_s: float = 0
    ) -> None:
        self.service = service
        self.clock_ahead_s = clock_ahead_s
        self._environment = {
            name: value for name, value in os.environ.items() if not name.startswith("ESCOLTA_")
        }
        self._environment |= environment
        self._log = log
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        program = [str(ESCOLTA)]
        if self.clock_ahead_s:
            program = [sys.executable, "-c", WITH_A_CLOCK_AHEAD, str(self.clock_ahead_s)]
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(  # our own command
                [*program, "run", self.service],
                env=self._environment,
                cwd=self._log.parent,
                stdout=log,
                stderr=log,
            )

    @property
    def pid(self) -> int:
        """Of the process at work."""
        assert self._process is not None
        return self._process.pid

    def beside(self, port: int, folder: Path) -> "ServiceProcess":
        """Another one of the same service, not started yet, of the version that is installed."""
        own = {"ESCOLTA_HTTP_PORT": str(port), "ESCOLTA_STATE_DIR": str(folder)}
        environment = {name: value for name, value in self._environment.items() if name != "PYTHONPATH"} | own
        return ServiceProcess(self.service, environment, self._log, self.clock_ahead_s)

    def lead_token(self) -> str:
        """What `escolta greet` prints beside it, for a lead who labels nothing."""
        command = [str(ESCOLTA), "greet", "test", "--lead", "--token"]
        return subprocess.check_output(command, env=self._environment, text=True).strip()

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
        return self._process.wait(timeout=PATIENCE_S)

    async def until_ready(self, url: str) -> None:
        async with (
            httpx.AsyncClient(base_url=url, trust_env=False, timeout=60, verify=NO_TLS) as client,
            asyncio.timeout(PATIENCE_S),
        ):
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
    [port] = free_ports(1)
    return port
