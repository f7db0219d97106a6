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

PART = 20
"""Recordings that come at once: each time when somebody is to be killed in the midst of them."""
AUDIOS = 3 * PART
BATCH = 10
ITERATIONS = 2


async def test_crashes_lose_nothing_and_double_nothing(tmp_path, rabbit, catalog_url, s3_url):
    harbor = Harbor(tmp_path)
    harbor.play()
    servers = Servers(rabbit, catalog_url, s3_url)
    chosen = {"replay_dir": harbor.played, "node_name": "quay-1", "nodes": "quay-1"}
    async with five_processes(tmp_path, servers, **chosen) as deployment:
        await _crash_while_sound_comes_in(deployment, harbor, rabbit, catalog_url)
        await _crash_while_people_label(deployment, harbor.folder, catalog_url)
        proposals = await _proposals(deployment)
        assert await deployment.get("ingest", "/api/quarantine") == []
    await _check_rows(catalog_url, proposals)


async def _crash_while_sound_comes_in(
    deployment: Deployment, harbor: "Harbor", rabbit: Rabbit, catalog_url: str
) -> None:
    await _until(deployment, PART)
    async with _gate(catalog_url, "audio.audios") as gate:
        harbor.play()
        await _restart(deployment, "node-agent")  # it looks for further recordings when it starts
        await gate.somebody_waits()
        deployment.processes["ingest"].kill()
        await gate.forget_the_dead()
    await _start(deployment, "ingest")
    await _until(deployment, 2 * PART)
    async with _gate(catalog_url, "audio.embeddings") as gate:
        harbor.play()
        await _restart(deployment, "node-agent")
        await gate.somebody_waits()
        deployment.processes["embedder"].kill()
        await gate.forget_the_dead()
        await _start(deployment, "embedder")
        await gate.somebody_waits()
        rabbit.kill()
        await rabbit.start()
    await _until(deployment, AUDIOS)


async def _crash_while_people_label(deployment: Deployment, recordings: Path, catalog_url: str) -> None:
    async with signed_in_team(deployment, recordings, ITERATIONS):
        async with _gate(catalog_url, "label.submissions") as submissions:
            async with _gate(catalog_url, "al.wavs_proposed") as proposals:
                await ask_for_iterations(deployment, BATCH, ITERATIONS)
                await proposals.somebody_waits()
                deployment.processes["al-engine"].kill()
                await proposals.forget_the_dead()
            await _start(deployment, "al-engine")
            await submissions.somebody_waits()
            deployment.processes["label-gateway"].kill()
            await submissions.forget_the_dead()
        await _start(deployment, "label-gateway")


class Harbor:
    """Recordings, with the truth beside them; they are in `played`, where the node looks, part by part."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.played = folder / "recordings", folder / "played"
        write_harbor(self.folder, audios=AUDIOS)
        self.played.mkdir()
        self._to_come = sorted(self.folder.glob("*.wav"))

    def play(self) -> None:
        """Let the next part come."""
        now, self._to_come = self._to_come[:PART], self._to_come[PART:]
        for recording in now:
            (self.played / recording.name).hardlink_to(recording)


class Gate:
    """Before a table: whoever writes into it gets as far as that and no farther."""

    def __init__(self, connection: asyncpg.Connection, table: str) -> None:
        self._connection = connection
        self._waiting = (
            "FROM pg_locks JOIN pg_database AS d ON d.oid = database AND datname = current_database()"
            f" WHERE NOT granted AND relation = '{table}'::regclass"
        )

    async def somebody_waits(self) -> None:
        async with asyncio.timeout(PATIENCE_S):
            while not await self._connection.fetchval(f"SELECT count(*) {self._waiting}"):
                await asyncio.sleep(0.05)

    async def forget_the_dead(self) -> None:
        """PostgreSQL would see that they are gone when the gate opens."""
        await self._connection.execute(f"SELECT pg_terminate_backend(pid) {self._waiting}")


@asynccontextmanager
async def _gate(catalog_url: str, table: str) -> AsyncIterator[Gate]:
    connection = await asyncpg.connect(catalog_url)
    async with connection.transaction():
        await connection.execute(f"LOCK TABLE {table} IN SHARE MODE")
        yield Gate(connection, table)
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
