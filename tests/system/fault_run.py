"""Audios on their way while everything fails, by chance, but the same by the same seed; then all is at work.

Three nodes send: one that is registered, one that is registered only later, and one whose clock is ahead
until it is put right. `faults.py` has what happens meanwhile.
"""

import asyncio
import random
import sqlite3
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, closing
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from escolta import audio
from node_agent.recording.cut import AUDIO_S
from system.deployments import five_processes, further_node
from system.faults import Server, World, clock_put_right, plan, registered
from system.private_servers import private_servers

RATE_HZ, DURATION_S = 8_000, 1.0
AUDIOS_A_SECOND = 8.0
SETTLED_S = 10.0
"""All is there for so long before it is counted for the last time: what comes twice has come by then."""


@dataclass
class Result:
    """What was sent and what came of it; what a person still had to do by hand stands in `by_hand`."""

    seed: int
    sent: int
    rows: int = 0
    embeddings: int = 0
    doubled: int = 0
    manual_steps: int = 0
    by_hand: dict[str, int] = field(default_factory=dict)
    faults: dict[str, int] = field(default_factory=dict)
    seconds: float = 0.0
    seconds_after_the_last_fault: float = 0.0

    @property
    def whole(self) -> bool:
        """Nothing is lost, nothing is double, and nobody had to do anything."""
        return self.rows == self.embeddings == self.sent and not self.doubled and not self.manual_steps


async def run(audios: int, seed: int, folder: Path, patience_s: float = 1800) -> Result:
    """Send `audios` through faults until all are recorded, and wait until nothing moves any more."""
    chance, begun = random.Random(seed), time.monotonic()
    result = Result(seed, audios)
    async with _world(audios, chance, folder) as world:
        await asyncio.sleep(5)  # RabbitMQ 3.10 may lose a queue that is younger than some seconds
        faults = plan(chance)
        while faults or _recorded(folder) < audios:
            faults = faults or [fault for fault in plan(chance) if fault not in (registered, clock_put_right)]
            await faults.pop()(world)
            await asyncio.sleep(chance.uniform(0.5, 4))
        last = time.monotonic()
        await _until_still(world, audios, folder, patience_s)
        result.rows, result.embeddings = await world.counts()
        result.doubled = await world.doubled()
        result.by_hand = {
            "quarantine": await world.quarantined(),
            "dead_letters": await world.dead_letters(),
            "refused": _in_spools(folder, "refused"),
            "spooled": _in_spools(folder, "waiting"),
        }
        result.manual_steps = sum(result.by_hand.values())
        result.faults = world.faults
        result.seconds = round(time.monotonic() - begun, 1)
        result.seconds_after_the_last_fault = round(time.monotonic() - last, 1)
    return result


def _recorded(folder: Path) -> int:
    """How many audios the nodes have recorded, by their journals."""
    recorded = 0
    for journal in folder.glob("*/spool/*/replay.sqlite"):
        with closing(sqlite3.connect(f"file:{journal}?mode=ro", uri=True, timeout=30)) as db:
            recorded += db.execute("SELECT coalesce(sum(played), 0) FROM sounds").fetchone()[0]
    return recorded


def _ahead_s(audios: int) -> float:
    """How far the third node's clock is ahead: 60 s are tolerated, and beyond is what is held.

    A replay begins in the past, so that with a smaller lead nothing would lie in the future.
    """
    return 60 + min(4.0 * audios, 180)


def _in_spools(folder: Path, part: str) -> int:
    """How many audios wait at the nodes (`waiting`), or are set aside there (`refused`)."""
    return sum(1 for _ in folder.glob(f"*/spool/*/{part}/*.json"))


async def _until_still(world: World, audios: int, folder: Path, patience_s: float) -> None:
    """All is there or refused, and the nodes have forgotten it, or patience has ended; then a moment more."""
    deadline = time.monotonic() + patience_s
    while min(await world.counts()) + _in_spools(folder, "refused") < audios or _in_spools(folder, "waiting"):
        if time.monotonic() > deadline:
            break
        await asyncio.sleep(1)
    await asyncio.sleep(SETTLED_S)


@asynccontextmanager
async def _world(audios: int, chance: random.Random, folder: Path) -> AsyncIterator[World]:
    shares = {"quay-2": audios // 6, "quay-3": audios // 6}
    shares = {"quay-1": audios - sum(shares.values()), **shares}
    for node, count in shares.items():
        write_recordings(folder / "recordings" / node, count)
    async with AsyncExitStack() as stack:
        run = await stack.enter_async_context(private_servers(folder))
        chosen = {
            node: {
                "node_name": node,
                "replay_dir": folder / "recordings" / node,
                "replay_speed": AUDIO_S * AUDIOS_A_SECOND * count / audios,
            }
            for node, count in shares.items()
        }
        deployment = await stack.enter_async_context(
            five_processes(
                folder,
                run.at,
                *("quay-2", "quay-3"),
                **chosen["quay-1"],
                nodes="quay-1,quay-3",
                model="placeholder",
            )
        )
        for node, ahead_s in (("quay-2", 0.0), ("quay-3", _ahead_s(shares["quay-3"]))):
            await stack.enter_async_context(further_node(deployment, folder, ahead_s, **chosen[node]))
        servers: dict[str, Server] = {"postgres": run.postgres, "rabbit": run.broker, "store": run.store}
        yield World(deployment, servers, run.at.catalog_url, run.at.rabbit.admin_url, chance)


def write_recordings(folder: Path, count: int) -> None:
    """So many audios of a second, each another noise."""
    folder.mkdir(parents=True)
    for number in range(count):
        noise = np.random.default_rng([count, number]).uniform(-0.5, 0.5, round(RATE_HZ * DURATION_S))
        (folder / f"audio-{number:05d}.wav").write_bytes(audio.write(noise.astype(np.float32), RATE_HZ))
