"""What may be at fault in a deployment: every service, every node, every server; and what mends the rest.

Everything is killed with kill -9; servers are away for a while, or stand still with their connections open;
sometimes a service is killed while a server is.
"""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, Protocol

import asyncpg
import httpx

from servers.plain import NO_TLS
from system.deployments import SERVICES, Deployment


class Server(Protocol):
    """What faults need of a server."""

    def kill(self) -> None: ...
    async def start(self) -> None: ...
    def freeze(self) -> None: ...
    def thaw(self) -> None: ...


@dataclass
class World:
    """Everything that can be at fault."""

    deployment: Deployment
    servers: dict[str, Server]
    catalog_url: str
    admin_url: str
    chance: random.Random
    faults: dict[str, int] = field(default_factory=dict)

    def note(self, fault: str) -> None:
        self.faults[fault] = self.faults.get(fault, 0) + 1
        print(f"  {time.strftime('%H:%M:%S')} {fault}", flush=True)

    async def counts(self) -> tuple[int, int]:
        """Audios and embeddings in the catalog."""
        rows = await self._look(
            "SELECT (SELECT count(*) FROM audio.audios), (SELECT count(*) FROM audio.embeddings)"
        )
        return rows[0][0], rows[0][1]

    async def doubled(self) -> int:
        """Rows beyond one for each file of each node, and beyond one embedding for each audio."""
        [row] = await self._look(
            "SELECT (SELECT count(*) - count(DISTINCT (node_id, file_name)) FROM audio.audios)"
            " + (SELECT count(*) - count(DISTINCT audio_id) FROM audio.embeddings)"
        )
        return row[0]

    async def quarantined(self) -> int:
        """Rows that wait for a person to look at them."""
        [row] = await self._look("SELECT count(*) FROM audio.quarantine")
        return row[0]

    async def dead_letters(self) -> int:
        """Messages that nobody will try again."""
        url, _, vhost = self.admin_url.rpartition("/")
        async with httpx.AsyncClient(trust_env=False, timeout=120, verify=NO_TLS) as client:
            queues = (await client.get(f"{url}/api/queues/{vhost}")).raise_for_status().json()
        return sum(queue.get("messages", 0) for queue in queues if queue["name"].endswith(".dead"))

    async def _look(self, query: str) -> list[Any]:
        connection = await asyncpg.connect(self.catalog_url)
        try:
            return await connection.fetch(query)
        finally:
            await connection.close()

    async def restart(self, name: str) -> None:
        """Start what was killed, and wait until it is ready."""
        process = self.deployment.processes[name]
        process.start()
        await process.until_ready(self.deployment.urls[name])

    def draw_process(self) -> str:
        return self.chance.choice(sorted(self.deployment.processes))


Fault = Callable[[World], Awaitable[None]]


def killed(name: str) -> Fault:
    """kill -9 of a service or a node, which comes back after a moment."""

    async def fault(world: World) -> None:
        world.note(f"kill {name}")
        world.deployment.processes[name].kill()
        await asyncio.sleep(world.chance.uniform(0, 3))
        await world.restart(name)

    return fault


def absent(name: str) -> Fault:
    """kill -9 of a server, which comes back later; perhaps a service dies meanwhile."""

    async def fault(world: World) -> None:
        world.note(f"kill {name}")
        world.servers[name].kill()
        victim = await _meanwhile(world, world.chance.uniform(1, 15))
        await world.servers[name].start()
        if victim:
            await world.restart(victim)

    return fault


def frozen(name: str) -> Fault:
    """A server that stands still with its connections open; perhaps a service dies meanwhile."""

    async def fault(world: World) -> None:
        world.note(f"freeze {name}")
        world.servers[name].freeze()
        try:
            victim = await _meanwhile(world, world.chance.uniform(5, 30))
        finally:
            world.servers[name].thaw()
        if victim:
            await world.restart(victim)

    return fault


async def _meanwhile(world: World, for_s: float) -> str | None:
    """Let time pass; who was killed in it, if somebody was."""
    victim = world.draw_process() if world.chance.random() < 0.4 else None
    await asyncio.sleep(for_s / 2)
    if victim:
        world.note(f"kill {victim} meanwhile")
        world.deployment.processes[victim].kill()
    await asyncio.sleep(for_s / 2)
    return victim


async def registered(world: World) -> None:
    """The operator lets the second node in."""
    world.note("register quay-2")
    async with world.deployment.api("ingest") as api:
        (await api.post("/api/nodes", json={"name": "quay-2"})).raise_for_status()


async def clock_put_right(world: World) -> None:
    """The third node's clock is set, and the node starts again."""
    world.note("put the clock of quay-3 right")
    process = world.deployment.processes["quay-3"]
    process.kill()
    process.clock_ahead_s = 0
    await world.restart("quay-3")


def plan(chance: random.Random) -> list[Fault]:
    """Each fault once, in an order of chance."""
    faults = [killed(name) for name in (*SERVICES, "quay-2", "quay-3")]
    faults += [kind(server) for server in ("postgres", "rabbit", "store") for kind in (absent, frozen)]
    chance.shuffle(faults)
    for mended in (registered, clock_put_right):
        faults.insert(chance.randrange(len(faults) // 3, len(faults)), mended)
    return faults
