"""What breaks is told to operators, and told to be over once it is mended: with a real Prometheus."""

import asyncio
from pathlib import Path

import asyncpg
import pytest

from monitored.small_disk import filled
from monitored.watched import Watched, watched
from monitoring.queries import OF_A_CLUSTER, OF_OTHERS
from system.deployments import Servers
from system.fault_run import write_recordings
from system.walk import until_embedded

AUDIOS = 2000
"""More than are played before the test ends: a node whose source has ended is not silent."""
ASKED = """
    INSERT INTO al.al_preprocessing
        (iteration_id, nodes, window_start, window_end, batch, follow_ups, strategy, requested_at)
    VALUES (gen_random_uuid(), '{}', '2024-01-01', '2030-01-01', 4, 0, 'by-heart', now())
"""
CHOSEN = {"node_name": "quay-1", "nodes": "quay-1", "model": "placeholder", "replay_speed": 20}


@pytest.fixture
def recordings(tmp_path: Path) -> Path:
    write_recordings(tmp_path / "recordings", AUDIOS)
    return tmp_path / "recordings"


async def test_what_breaks_is_told_and_what_is_mended_is_over(
    recordings, servers_folder, rabbit, catalog_url, s3_url
):
    servers = Servers(rabbit, catalog_url, s3_url)
    async with watched(servers_folder / "watched", servers, replay_dir=recordings, **CHOSEN) as world:
        await world.until('count(up{service!="disks"} == 1) == 5')
        await until_embedded(world.deployment, 10)
        await world.told.until_silent()
        world.deployment.processes["node-agent"].kill()
        async with asyncio.TaskGroup() as group:  # none of them is in another's way, and each is waited for
            group.create_task(_a_full_disk(world))
            group.create_task(_a_failed_iteration(world, catalog_url))
            group.create_task(_a_service_that_is_away(world, "embedder"))
        await world.told.until("firing", "NodeSilent", node="quay-1")
        for name in OF_OTHERS - OF_A_CLUSTER:
            await world.until(name)
        await world.start("node-agent")
        await world.told.until("resolved", "NodeSilent", node="quay-1")
        await world.told.until_silent()


async def _a_full_disk(world: Watched) -> None:
    """Both who write to it and node_exporter tell."""
    disks = ("al-engine", "al-engine state")
    with filled(world.disk):
        for disk in disks:
            await world.told.until("firing", "DiskAlmostFull", disk=disk)
    for disk in disks:
        await world.told.until("resolved", "DiskAlmostFull", disk=disk)


async def _a_failed_iteration(world: Watched, catalog_url: str) -> None:
    """Asked for by a row that names a strategy which this version does not know; then by a good request."""
    owner = await asyncpg.connect(catalog_url)
    await owner.execute(ASKED)
    await owner.close()
    await world.told.until("firing", "IterationFailed")
    async with world.deployment.api("al-engine") as api:
        (await api.post("/api/iterations", json={"batch": 4})).raise_for_status()
    await world.told.until("resolved", "IterationFailed")


async def _a_service_that_is_away(world: Watched, service: str) -> None:
    world.deployment.processes[service].kill()
    await world.told.until("firing", "ServiceAway", service=service)
    await world.start(service)
    await world.told.until("resolved", "ServiceAway", service=service)
