"""Five services at work that Prometheus asks, and what is told of them."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from monitored.listener import PATIENCE_S, Told, listener
from monitored.small_disk import small_disk
from servers.monitoring import Monitoring, monitoring
from system.deployments import Deployment, Servers, five_processes

TOKEN = "a token of the tests alone"


@dataclass(frozen=True)
class Watched:
    """A deployment, its small disk (al-engine's), and who watches it."""

    deployment: Deployment
    disk: Path
    monitoring: Monitoring
    told: Told

    async def start(self, service: str) -> None:
        """Start what was killed, and wait until it is ready."""
        self.deployment.processes[service].start()
        await self.deployment.processes[service].until_ready(self.deployment.urls[service])

    async def until(self, query: str) -> None:
        """Wait until Prometheus has an answer to the query."""
        async with asyncio.timeout(PATIENCE_S):
            while not await self.monitoring.ask(query):
                await asyncio.sleep(0.2)


@asynccontextmanager
async def watched(folder: Path, servers: Servers, **chosen: object) -> AsyncIterator[Watched]:
    """Five processes over real servers, and Prometheus and Alertmanager beside them."""
    volumes = folder / "volumes"
    with small_disk(volumes / "al-engine") as disk, listener() as (webhook, told):
        async with five_processes(volumes, servers, metrics_token=TOKEN, **chosen) as deployment:
            services = {name: urlsplit(url).netloc for name, url in deployment.urls.items()}
            async with monitoring(folder / "monitoring", services, TOKEN, webhook, volumes) as found:
                yield Watched(deployment, disk, found, told)
