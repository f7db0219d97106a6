"""What the walks through a deployment have in common; everything by HTTP."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from escolta.truth import read_truth
from escolta_demo.simulated_labelers import Habits, label_until
from system.deployments import Deployment

PATIENCE_S = 600


async def until_embedded(deployment: Deployment, audios: int) -> None:
    """Return when `audios` are embedded."""
    async with asyncio.timeout(PATIENCE_S):
        while (await deployment.get("embedder", "/api/embedder"))["embedded"] < audios:
            await asyncio.sleep(0.1)


async def ask_for_iterations(deployment: Deployment, batch: int, iterations: int) -> None:
    """Ask for the first iteration; the others follow as each closes."""
    async with deployment.api("al-engine") as client:
        wanted = {"batch": batch, "follow_ups": iterations - 1}
        (await client.post("/api/iterations", json=wanted)).raise_for_status()


@asynccontextmanager
async def signed_in_team(deployment: Deployment, recordings: Path, iterations: int) -> AsyncIterator[None]:
    """Groups of 3 and 2 simulated people, signed in; the block is left when all iterations are closed."""
    ready = asyncio.Event()
    habits = Habits(error_rate=0.05, doubt_rate=0.05, seed=1)
    truth = read_truth(recordings / "truth.csv", recordings / "events.csv")
    url, lead = deployment.urls["label-gateway"], deployment.token
    async with asyncio.timeout(PATIENCE_S), asyncio.TaskGroup() as group:
        group.create_task(label_until(url, lead, truth, habits=habits, iterations=iterations, ready=ready))
        await ready.wait()
        yield
    async with asyncio.timeout(PATIENCE_S):
        while await _open_iterations(deployment, iterations):
            await asyncio.sleep(0.1)


async def _open_iterations(deployment: Deployment, wanted: int) -> bool:
    iterations = await deployment.get("al-engine", "/api/iterations")
    return [entry["status"] for entry in iterations] != ["closed"] * wanted
