"""kill -9 in mid-work, service by service, and the broker too: nothing is lost and nothing is double."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import asyncpg

from escolta_demo.harbor import write_harbor
from servers.rabbit import Rabbit
from system.deployments import Deployment, Servers, five_processes
from system.walk import PATIENCE_S, ask_for_iterations, signed_in_team

AUDIOS = 60
BATCH = 10
ITERATIONS = 2
FASTER = 50  # 5 audios a second: long enough for everybody to be killed in mid-work


async def test_crashes_lose_nothing_and_double_nothing(tmp_path, rabbit, catalog_url, s3_url):
    recordings = tmp_path / "recordings"
    write_harbor(recordings, audios=AUDIOS)
    servers = Servers(rabbit, catalog_url, s3_url)
    chosen = {"replay_dir": recordings, "replay_speed": FASTER, "node_name": "quay-1", "nodes": "quay-1"}
    async with five_processes(tmp_path, servers, **chosen) as deployment:
        await _crash_while_sound_comes_in(deployment, rabbit, catalog_url)
        await _crash_while_people_label(deployment, recordings, catalog_url)
        proposals = await _proposals(deployment)
        assert await deployment.get("ingest", "/api/quarantine") == []
    await _check_rows(catalog_url, proposals)


async def _crash_while_sound_comes_in(deployment: Deployment, rabbit: Rabbit, catalog_url: str) -> None:
    await _until(deployment, 8)
    deployment.processes["ingest"].kill()
    assert await _embedded(deployment) < AUDIOS, "ingest was not killed in mid-work"
    await _start(deployment, "ingest")
    await _until(deployment, 18)
    async with _gate(catalog_url, "audio.embeddings") as gate:
        await gate.somebody_waits()
        deployment.processes["embedder"].kill()
        await gate.forget_the_dead()
        await _start(deployment, "embedder")
        await gate.somebody_waits()
        rabbit.kill()
        assert await _embedded(deployment) < AUDIOS, "the broker was not killed in mid-work"
        await rabbit.start()
    await _until(deployment, AUDIOS)


async def _crash_while_people_label(deployment: Deployment, recordings: Path, catalog_url: str) -> None:
    async with signed_in_team(deployment, recordings, ITERATIONS):
        async with _gate(catalog_url, "al.wavs_proposed") as gate:
            await ask_for_iterations(deployment, BATCH, ITERATIONS)
            await gate.somebody_waits()
            deployment.processes["al-engine"].kill()
        await _start(deployment, "al-engine")
        async with asyncio.timeout(PATIENCE_S):
            while (
                not 2 <= sum(batch["finished"] for batch in await _progress(deployment)) < ITERATIONS * BATCH
            ):
                await asyncio.sleep(0.05)
        await _restart(deployment, "label-gateway")


class Gate:
    """Before a table: whoever writes into it gets as far as that and no farther."""

    def __init__(self, connection: asyncpg.Connection) -> None:
        self._connection = connection

    async def somebody_waits(self) -> None:
        async with asyncio.timeout(PATIENCE_S):
            while not await self._connection.fetchval("SELECT count(*) FROM pg_locks WHERE NOT granted"):
                await asyncio.sleep(0.05)

    async def forget_the_dead(self) -> None:
        """PostgreSQL would see that they are gone when the gate opens."""
        await self._connection.execute("SELECT pg_terminate_backend(pid) FROM pg_locks WHERE NOT granted")


@asynccontextmanager
async def _gate(catalog_url: str, table: str) -> AsyncIterator[Gate]:
    connection = await asyncpg.connect(catalog_url)
    async with connection.transaction():
        await connection.execute(f"LOCK TABLE {table} IN SHARE MODE")
        yield Gate(connection)
    await connection.close()


async def _restart(deployment: Deployment, service: str) -> None:
    deployment.processes[service].kill()
    await _start(deployment, service)


async def _start(deployment: Deployment, service: str) -> None:
    deployment.processes[service].start()
    await deployment.processes[service].until_ready(deployment.urls[service])


async def _until(deployment: Deployment, embedded: int) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while await _embedded(deployment) < embedded:
            await asyncio.sleep(0.05)


async def _embedded(deployment: Deployment) -> int:
    return (await deployment.get("embedder", "/api/embedder"))["embedded"]


async def _progress(deployment: Deployment) -> list[dict]:
    return await deployment.get("label-gateway", "/api/progress")


async def _proposals(deployment: Deployment) -> list[dict]:
    iterations = await deployment.get("al-engine", "/api/iterations")
    assert [entry["status"] for entry in iterations] == ["closed"] * ITERATIONS
    found = []
    for entry in iterations:
        found += (await deployment.get("al-engine", f"/api/iterations/{entry['iteration_id']}"))["proposals"]
    return found


async def _check_rows(catalog_url: str, proposals: list[dict]) -> None:
    connection = await asyncpg.connect(catalog_url)
    files = [row["file_name"] for row in await connection.fetch("SELECT file_name FROM audio.audios")]
    assert len(files) == len(set(files)) == AUDIOS
    assert await connection.fetchval("SELECT count(DISTINCT audio_id) FROM audio.embeddings") == AUDIOS
    assert await connection.fetchval("SELECT count(*) FROM audio.embeddings") == AUDIOS
    assert len({entry["audio_id"] for entry in proposals}) == len(proposals) == ITERATIONS * BATCH
    assert all(entry["labeled_at"] for entry in proposals)
    assert await connection.fetchval("SELECT count(*) FROM label.agreements") == ITERATIONS * BATCH
    submissions = await connection.fetchval("SELECT count(*) FROM label.submissions")
    assert submissions == ITERATIONS * BATCH // 2 * (3 + 2)
    await connection.close()
