"""Updates of all services while nodes send and people label: one process starts before another ends.

Clients go by the address of each service (`endpoints.py`) and never try again: whatever is not answered, or
is answered by other than what was asked for, is an error that somebody has seen.
"""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import pytest

from escolta.truth import read_truth
from escolta_demo.harbor import write_harbor
from escolta_demo.simulated_labelers import Habits, client, label_until
from node_agent.recording.cut import AUDIO_S
from servers.plain import NO_TLS
from system.deployments import Deployment, Servers, ServiceProcess, five_processes, free_port
from system.endpoints import Endpoints, endpoints_of
from system.walk import until_embedded

PAGES = {
    "label-gateway": (
        "/api/progress",
        "/api/classes",
        "/api/labelers",
        "/batches",
        "/api/dataset/labels.csv",
    ),
    "al-engine": ("/api/iterations", "/api/predictions", "/iterations"),
    "ingest": ("/api/nodes", "/api/quarantine", "/nodes"),
    "embedder": ("/api/embedder",),
}
"""What is asked for all the while, of the services that have an address."""
NODE = {"node_name": "quay-1", "nodes": "quay-1", "model": "placeholder"}
LEAVE_S = 5
BATCH = 6
AUDIOS_A_SECOND = 2.0
PAUSE_S = 0.05


@dataclass
class Result:
    """What was sent, asked and said during the updates, and what came of it."""

    sent: int
    rows: int = 0
    embeddings: int = 0
    doubled: int = 0
    said: int = 0
    """By labelers, each answered with a yes."""
    submissions: int = 0
    iterations: int = 0
    requests: dict[str, int] = field(default_factory=dict)
    updates: dict[str, int] = field(default_factory=dict)
    longest_stop_s: dict[str, float] = field(default_factory=dict)
    errors: list[str] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def whole(self) -> bool:
        """Nobody has seen an error, nothing is lost and nothing is double."""
        kept = self.rows == self.embeddings == self.sent and self.submissions == self.said
        return kept and not self.doubled and not self.errors


async def run(
    audios: int,
    folder: Path,
    servers: Servers,
    over: Callable[[Result], bool],
    before: Path | None = None,
    leave_s: float = LEAVE_S,
) -> Result:
    """Update, over and over, until `over`; then wait until all that was sent is embedded.

    `before`: the code of another version, from which the services are updated the first time. `leave_s`: how
    long a process that leaves goes on, in which everybody has to hear that it does.
    """
    result, begun = Result(audios), time.monotonic()
    write_harbor(folder / "recordings", audios=audios)
    chosen = {
        "replay_dir": folder / "recordings",
        "replay_speed": AUDIOS_A_SECOND * AUDIO_S,
        "leave_s": leave_s,
        **NODE,
    }
    with pytest.MonkeyPatch.context() as patched:
        if before:
            patched.setenv("PYTHONPATH", _packages(before))
        async with five_processes(folder, servers, **chosen) as deployment:
            patched.undo()
            try:
                await _roll(deployment, folder, result, over)
                await until_embedded(deployment, audios)
            finally:
                ends = [asyncio.to_thread(process.end) for process in deployment.processes.values()]
                await asyncio.gather(*ends)
    await _count(servers.catalog_url, result)
    result.seconds = round(time.monotonic() - begun, 1)
    return result


def _packages(version: Path) -> str:
    """Where Python finds the code of another version, before that which is installed."""
    found = [version.glob(f"{part}/*/pyproject.toml") for part in ("libs", "services")]
    return ":".join(str(package.parent) for packages in found for package in packages)


async def _roll(deployment: Deployment, folder: Path, result: Result, over: Callable[[Result], bool]) -> None:
    async with _addresses(deployment) as addresses:
        await until_embedded(deployment, 2 * BATCH)
        async with _at_work(deployment, addresses, folder, result) as updated:
            while not updated.is_set():
                updates = [
                    _update(deployment, service, addresses[service], folder, result) for service in PAGES
                ]
                await asyncio.gather(*updates, _start_again(deployment, result))
                if over(result):
                    updated.set()


@asynccontextmanager
async def _addresses(deployment: Deployment) -> AsyncIterator[dict[str, Endpoints]]:
    async with AsyncExitStack() as stack:
        yield {
            service: await stack.enter_async_context(endpoints_of(deployment.urls[service]))
            for service in PAGES
        }


@asynccontextmanager
async def _at_work(
    deployment: Deployment, addresses: dict[str, Endpoints], folder: Path, result: Result
) -> AsyncIterator[asyncio.Event]:
    """People label and look at pages, until the event is set; the last batch is labeled to its end."""
    updated = asyncio.Event()
    async with asyncio.TaskGroup() as group:
        labeling = group.create_task(_label(deployment.token, addresses, folder, result, updated))
        looking = [
            group.create_task(_look(address.url, service, deployment.token, result))
            for service, address in addresses.items()
        ]
        yield updated
        await labeling
        for task in looking:
            task.cancel()


async def _look(url: str, service: str, token: str, result: Result) -> None:
    """Ask for its pages in turn, on a connection that is kept."""
    headers, asked = {"authorization": f"Bearer {token}"}, Counter[str]()
    async with httpx.AsyncClient(
        base_url=url, headers=headers, timeout=240, trust_env=False, verify=NO_TLS
    ) as people:
        while True:
            for path in PAGES[service]:
                await asyncio.sleep(PAUSE_S)
                try:
                    answer = await people.get(path)
                    trouble = "" if answer.status_code == 200 else f"{answer.status_code} {answer.text[:200]}"
                except httpx.HTTPError as error:
                    trouble = f"{type(error).__name__} {error}"
                asked[service] += 1
                result.requests[service] = asked[service]
                if trouble:
                    result.errors.append(f"{service}: GET {path}: {trouble}")


async def _label(
    token: str, addresses: dict[str, Endpoints], folder: Path, result: Result, updated: asyncio.Event
) -> None:
    """One batch after another, by people who never ask twice."""
    recordings = folder / "recordings"
    truth = read_truth(recordings / "truth.csv", recordings / "events.csv")
    headers = {"authorization": f"Bearer {token}"}
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(client, "PATIENCE", 1)
        patched.setattr(client.Client, "ask", _counted(client.Client.ask, result))
        async with httpx.AsyncClient(
            base_url=addresses["al-engine"].url, headers=headers, timeout=240, verify=NO_TLS
        ) as lead:
            while not updated.is_set():
                embedder = await lead.get(f"{addresses['embedder'].url}/api/embedder")
                if embedder.raise_for_status().json()["embedded"] < BATCH * (result.iterations + 1):
                    await asyncio.sleep(PAUSE_S)  # people are quicker than the node: a batch would be empty
                    continue
                (await lead.post("/api/iterations", json={"batch": BATCH})).raise_for_status()
                result.iterations += 1
                url = addresses["label-gateway"].url
                await label_until(url, token, truth, habits=Habits(seed=1), iterations=result.iterations)


def _counted(ask: Callable[..., Any], result: Result) -> Callable[..., Any]:
    async def counted(who: client.Client, verb: str, path: str, *rest: Any, **named: Any) -> httpx.Response:
        answer = await ask(who, verb, path, *rest, **named)
        result.said += verb == "PUT" and path.startswith("/api/tasks/") and answer.is_success
        return answer

    return counted


async def _update(
    deployment: Deployment, service: str, address: Endpoints, folder: Path, result: Result
) -> None:
    """As a Deployment with maxSurge 1 and maxUnavailable 0 does, of one replica."""
    old, old_url = deployment.processes[service], deployment.urls[service]
    port = free_port()
    new = old.beside(port, folder / f"{service}-{port}")
    deployment.urls[service], deployment.processes[service] = f"http://127.0.0.1:{port}", new
    new.start()
    await new.until_ready(deployment.urls[service])
    address.add(deployment.urls[service])
    await address.until_ready(deployment.urls[service])
    await _end(old, service, result)
    address.take(old_url)


async def _start_again(deployment: Deployment, result: Result) -> None:
    """A node is one: what it has recorded is in its spool."""
    node = deployment.processes["node-agent"]
    await _end(node, "node-agent", result)
    node.start()
    await node.until_ready(deployment.urls["node-agent"])


async def _end(process: ServiceProcess, service: str, result: Result) -> None:
    begun = time.monotonic()
    status = await asyncio.to_thread(process.end)
    took_s = round(time.monotonic() - begun, 1)
    result.longest_stop_s[service] = max(took_s, result.longest_stop_s.get(service, 0))
    result.updates[service] = result.updates.get(service, 0) + 1
    if status:
        result.errors.append(f"{service}: it ended with status {status}")


async def _count(catalog_url: str, result: Result) -> None:
    catalog = await asyncpg.connect(catalog_url)
    result.rows = await catalog.fetchval("SELECT count(*) FROM audio.audios")
    files = await catalog.fetchval("SELECT count(DISTINCT file_name) FROM audio.audios")
    result.embeddings = await catalog.fetchval("SELECT count(DISTINCT audio_id) FROM audio.embeddings")
    embedded = await catalog.fetchval("SELECT count(*) FROM audio.embeddings")
    result.doubled = result.rows - files + embedded - result.embeddings
    result.submissions = await catalog.fetchval("SELECT count(*) FROM label.submissions")
    await catalog.close()
