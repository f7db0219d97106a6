"""What both walks through a world have in common; everything by HTTP."""

import asyncio
from pathlib import Path

from escolta.web import Session, Sessions
from label_gateway.simulated_labelers import Habits, label_until, read_truth
from system.worlds import World

AUDIOS = 36
BATCH = 8
ITERATIONS = 2
PATIENCE_S = 120


async def until_embedded(world: World, audios: int) -> None:
    """Return when the node has played everything and `audios` are embedded."""
    async with asyncio.timeout(PATIENCE_S):
        while (await world.get("embedder", "/api/embedder"))["embedded"] < audios:
            await asyncio.sleep(0.2)


async def ask_for_iterations(world: World, batch: int = BATCH, iterations: int = ITERATIONS) -> None:
    """Ask for the first iteration; the others follow as each closes."""
    async with world.api("al-engine") as client:
        wanted = {"batch": batch, "follow_ups": iterations - 1}
        (await client.post("/api/iterations", json=wanted)).raise_for_status()


async def label(world: World, recordings: Path, iterations: int = ITERATIONS) -> None:
    """Groups of 3 and 2 simulated people label until all iterations are closed everywhere.

    The first iteration is asked for here, once everybody is signed in.
    """
    ready = asyncio.Event()
    lead = Sessions(world.settings).token(Session(labeler_id=0, name="test", role="lead"))
    async with asyncio.timeout(PATIENCE_S), asyncio.TaskGroup() as group:
        group.create_task(
            label_until(
                world.urls["label-gateway"],
                lead,
                read_truth(recordings / "truth.csv"),
                habits=Habits(error_rate=0.05, doubt_rate=0.05, seed=1),
                iterations=iterations,
                ready=ready,
            )
        )
        await ready.wait()
        await ask_for_iterations(world, iterations=iterations)
    async with asyncio.timeout(PATIENCE_S):
        while await _open_iterations(world):
            await asyncio.sleep(0.2)


async def _open_iterations(world: World) -> bool:
    iterations = await world.get("al-engine", "/api/iterations")
    return any(entry["status"] != "closed" for entry in iterations)
