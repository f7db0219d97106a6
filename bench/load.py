"""What an event costs the entrance, and how many a second it takes.

    .venv/bin/python bench/load.py --nodes 100 --rate 500 --seconds 300 --json bench/results/load-500.json

An event is an audio, from when its node is to tell of it until the node has heard `AudioAccepted`: by MQTT,
an upload by S3, and a row. ingest runs as a process of its own over a RabbitMQ, a PostgreSQL and a SeaweedFS
of this run, with the accounts of a deployment; with `--tls` they have the configuration of a deployment, too.
The nodes (`load_nodes.py`) are another process, and this one takes `AudioCataloged` in the embedder's place:
they share the machine's processors, and are counted apart.

`cpu_ms_per_event`: processor time, user and system, of each server with all of its processes. `lost`: audios
told of without a row; `doubled`: rows beyond one. `saturated`: less than 98 % of the events were accepted
while the load lasted. `--rows`: audios that are in the catalog before, over 36 months. ESCOLTA_TEST_SERVERS
gives the run the servers that are deployed (`tests/servers/newer.py`).
"""

import argparse
import asyncio
import json
import os
import re
import statistics
import sys
import tempfile
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

for variable in [name for name in os.environ if re.match("ESCOLTA_(?!TEST_SERVERS)", name)]:
    del os.environ[variable]  # what is set for a deployment must not reach the processes of this run

# The folder of a script comes first among those to import from, and there a file has a package's name.
HERE = Path(__file__).resolve().parent
sys.path[:] = [folder for folder in sys.path if Path(folder or ".").resolve() != HERE]
sys.path += [str(HERE.parent), str(HERE.parent / "tests")]

import aio_pika  # noqa: E402
import asyncpg  # noqa: E402

from bench.load_rows import add_rows  # noqa: E402
from servers.postgres import account  # noqa: E402
from servers.rabbit_accounts import accounts_at  # noqa: E402
from system.deployed_servers import deployed_servers  # noqa: E402
from system.deployments import SECRET, Servers, ServiceProcess, free_port  # noqa: E402
from system.private_servers import private_servers  # noqa: E402

GENERATORS = 1
TICK_S = 1 / os.sysconf("SC_CLK_TCK")
ENOUGH = 0.98
CATALOGED = "embedder-load.audio.cataloged"
UNACKNOWLEDGED = 200


@dataclass
class World:
    """The servers, where they are, and the process that each began with."""

    servers: Servers
    pids: dict[str, int]


@asynccontextmanager
async def plain(folder: Path) -> AsyncIterator[World]:
    """Without TLS; PostgreSQL writes to the disk by its defaults."""
    async with private_servers(folder) as run:
        pids = {"store": run.store.session, "broker": run.broker.session, "catalog": run.postgres.pid}
        yield World(run.at, pids)


@asynccontextmanager
async def deployed(folder: Path) -> AsyncIterator[World]:
    """By TLS alone, with the files of `deploy/`. PostgreSQL is the machine's, and waits for no disk."""
    async with deployed_servers(folder) as servers:
        assert servers.rabbit.broker
        pids = {
            "store": servers.store.process.session,
            "broker": servers.rabbit.broker.session,
            "catalog": servers.postgres.process.session,
        }
        yield World(servers, pids)


def cpu_s(pid: int) -> float:
    """Processor seconds of a process, of all that it has started, and of those among them that have ended."""
    after_name = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    children = Path(f"/proc/{pid}/task").glob("*/children")
    below = [int(child) for listed in children for child in listed.read_text().split()]
    return sum(map(int, after_name[11:15])) * TICK_S + sum(map(cpu_s, below))


async def take_cataloged(url: str, seen: Counter[str]) -> None:
    """In the embedder's place: take what is cataloged, and count it."""
    connection = await aio_pika.connect(url)
    async with connection, connection.channel() as channel:
        await channel.set_qos(2 * UNACKNOWLEDGED)
        queue = await channel.declare_queue(CATALOGED, durable=True, arguments={"x-queue-type": "quorum"})
        await queue.bind("amq.topic", "audio.cataloged")
        async for message in queue.iterator():
            seen["messages"] += 1
            if seen["messages"] % UNACKNOWLEDGED == 0:
                await message.ack(multiple=True)


async def ended(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def measure(chosen: argparse.Namespace, folder: Path) -> dict[str, Any]:
    """One load upon one world."""
    names = [f"load-{number}" for number in range(chosen.nodes)]
    async with AsyncExitStack() as stack:
        world = await stack.enter_async_context((deployed if chosen.tls else plain)(folder))
        accounts = await stack.enter_async_context(accounts_at(world.servers.rabbit, *names))
        url = f"http://127.0.0.1:{(port := free_port())}"
        ingest = ServiceProcess(
            "ingest",
            {
                "ESCOLTA_BUS_URL": accounts.url_of_service("ingest"),
                "ESCOLTA_CATALOG_URL": account(world.servers.catalog_url, "ingest"),
                "ESCOLTA_OBJECTS_URL": world.servers.objects_url_of("ingest"),
                "ESCOLTA_STATE_DIR": str(folder / "ingest"),
                "ESCOLTA_SECRET": SECRET,
                "ESCOLTA_HTTP_PORT": str(port),
                "ESCOLTA_NODES": ",".join(names),
            },
            folder / "ingest.log",
        )
        if chosen.rows:
            await add_rows(world.servers.catalog_url, chosen.rows)
        ingest.start()
        stack.callback(ingest.end)
        await ingest.until_ready(url)
        world.pids["ingest"] = ingest.pid
        seen: Counter[str] = Counter()
        embedder = asyncio.create_task(take_cataloged(accounts.url_of_service("embedder"), seen))
        stack.push_async_callback(ended, embedder)
        urls = {name: accounts.url_of_node(name) for name in names}
        generators = [await Generator.started(chosen, urls, world, number) for number in range(GENERATORS)]
        since = datetime.now(UTC)
        before = {name: cpu_s(pid) for name, pid in world.pids.items()}
        found = await asyncio.gather(*(generator.done() for generator in generators))
        spent = {name: cpu_s(pid) - before[name] for name, pid in world.pids.items()}
        rows, distinct = await count(world.servers.catalog_url, since)
        return result(chosen, found, spent, rows, distinct) | {"cataloged_messages": seen["messages"]}


class Generator:
    """A process of nodes."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    @classmethod
    async def started(
        cls, chosen: argparse.Namespace, urls: dict[str, str], world: World, number: int
    ) -> "Generator":
        """One that waits for the word to begin, its nodes connected."""
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            str(HERE / "load_nodes.py"),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            limit=1 << 28,
        )
        where = world.servers.objects_url
        s3, _, query = where.partition("?")
        plan = {
            "nodes": dict(list(urls.items())[number::GENERATORS]),
            "store": f"http{'s' if query else ''}://{s3.rpartition('@')[2].partition('/')[0]}",
            "rate": chosen.rate / GENERATORS,
            "seconds": chosen.seconds,
            "object_bytes": chosen.object_bytes,
            "first": number << 40,
        }
        generator = cls(process)
        await generator._say(json.dumps(plan))
        await generator._heard()
        return generator

    async def done(self) -> dict[str, Any]:
        """Let it begin; what came of it."""
        await self._say("go")
        found: dict[str, Any] = await self._heard()
        return found

    async def _say(self, line: str) -> None:
        assert self._process.stdin
        self._process.stdin.write(f"{line}\n".encode())
        await self._process.stdin.drain()

    async def _heard(self) -> Any:
        assert self._process.stdout
        return json.loads(await self._process.stdout.readline())


async def count(catalog_url: str, since: datetime) -> tuple[int, int]:
    """Rows of the run, and the audios that these are of."""
    connection = await asyncpg.connect(catalog_url)
    try:
        row = await connection.fetchrow(
            "SELECT count(*), count(DISTINCT (node_id, file_name)) FROM audio.audios WHERE start_utc >= $1",
            since,
        )
        return row[0], row[1]
    finally:
        await connection.close()


def result(
    chosen: argparse.Namespace, found: list[dict[str, Any]], spent: dict[str, float], rows: int, distinct: int
) -> dict[str, Any]:
    latencies = sorted(latency for each in found for latency in each["latencies"])
    sent, accepted = sum(each["sent"] for each in found), len(latencies)
    in_time = sum(each["in_time"] for each in found)
    cpu_ms = {name: round(1000 * seconds / max(1, accepted), 3) for name, seconds in spent.items()}
    cuts = statistics.quantiles(latencies, n=100) if accepted > 1 else [0.0] * 99
    return {
        "nodes": chosen.nodes,
        "rate": chosen.rate,
        "seconds": chosen.seconds,
        "object_bytes": chosen.object_bytes,
        "rows": chosen.rows,
        "tls": chosen.tls,
        "events": sent,
        "events_per_s": round(accepted / max(each["seconds"] for each in found), 1),
        "p50_s": round(cuts[49], 3),
        "p99_s": round(cuts[98], 3),
        "lost": sent - distinct,
        "doubled": rows - distinct,
        "unanswered": sent - accepted,
        "cpu_ms_per_event": cpu_ms | {"all": round(sum(cpu_ms.values()), 3)},
        "nodes_cpu_ms_per_event": round(sum(1000 * each["cpu_s"] for each in found) / max(1, accepted), 3),
        "told_again": sum(each["told_again"] for each in found),
        "uploads_failed": sum(each["failed"] for each in found),
        "refused": [reason for each in found for reason in each["refused"]],
        "saturated": in_time < ENOUGH * chosen.rate * chosen.seconds,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--nodes", type=int, default=100)
    parser.add_argument("--rate", type=float, default=500, help="events a second, of all nodes together")
    parser.add_argument("--seconds", type=float, default=300)
    parser.add_argument("--object-bytes", type=int, default=8192)
    parser.add_argument("--rows", type=int, default=0)
    parser.add_argument("--tls", action="store_true")
    parser.add_argument("--json", type=Path)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="escolta-load-", ignore_cleanup_errors=True) as folder:
        found = asyncio.run(measure(chosen, Path(folder)))
    told = json.dumps(found, indent=2)
    print(told)
    if chosen.json:
        chosen.json.write_text(told + "\n", "utf-8")


if __name__ == "__main__":
    main()
