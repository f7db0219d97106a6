"""The catalog is lost while recording goes on, and nothing that a node was told is safe is gone."""

import asyncio
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from uuid import UUID

import asyncpg
import pytest
from unit.backup.at_work import done, following, until

from escolta.catalog.embedded import address_in_use
from escolta_demo.harbor import write_harbor
from node_agent.recording.replay import Replay
from system.deployments import one_process
from system.walk import ask_for_iterations, signed_in_team, until_embedded

AUDIOS = 200
BATCH = 8
FASTER = 40
"""Times real time: an audio every quarter of a second, so that recording goes on all the while."""
LOST_AT = 190
"""Audios that are cataloged when the catalog is lost."""
FOLLOWED = 100
"""Audios that are recorded, at the most, while the log is followed: a slow machine is not overtaken."""
NODE = {"node_name": "quay-1", "nodes": "quay-1", "model": "placeholder"}


@pytest.fixture
def recordings(tmp_path: Path) -> Path:
    folder = tmp_path / "recordings"
    write_harbor(folder, audios=AUDIOS)
    return folder


@dataclass
class Sea:
    """`most`: how many audios there are to record so far."""

    most: int = FOLLOWED


@pytest.fixture
def sea(monkeypatch: pytest.MonkeyPatch) -> Sea:
    sea, wait = Sea(), Replay._wait

    async def waited(replay: Replay, begun_s: float, played: int, start: datetime) -> None:
        await wait(replay, begun_s, played, start)
        while played > sea.most:
            await asyncio.sleep(0.02)

    monkeypatch.setattr(Replay, "_wait", waited)
    return sea


@asynccontextmanager
async def catalog_of(folder: Path) -> AsyncIterator[asyncpg.Pool]:
    """The catalog of a deployment that is at work."""
    address = address_in_use(folder / "catalog")
    assert address
    async with asyncpg.create_pool(address, min_size=1, max_size=2) as pool:
        yield pool


async def cataloged(catalog: asyncpg.Pool) -> set[UUID]:
    return {row["audio_id"] for row in await catalog.fetch("SELECT audio_id FROM audio.audios")}


async def until_cataloged(catalog: asyncpg.Pool, audios: int) -> None:
    await until(catalog, f"SELECT count(*) >= {audios} FROM audio.audios")


async def test_a_lost_catalog_comes_back_to_the_last_audio(recordings, sea, tmp_path):
    at_work, backups = tmp_path / "at-work", tmp_path / "backups"
    flow = {"replay_dir": recordings, "replay_speed": FASTER}
    async with one_process(at_work, **flow, **NODE) as deployment, catalog_of(at_work) as catalog:
        await until_embedded(deployment, 20)
        await done("backup", "--to", backups, "--state-dir", at_work)
        async with following(backups, at_work, catalog):
            async with signed_in_team(deployment, recordings, iterations=1):
                await ask_for_iterations(deployment, BATCH, iterations=1)
            labels = await catalog.fetchval("SELECT count(*) FROM label.submissions")
            received = await cataloged(catalog)
        assert len(received) <= FOLLOWED
        sea.most = AUDIOS
        await until_cataloged(catalog, LOST_AT)
        acknowledged = await cataloged(catalog)
    shutil.rmtree(at_work / "catalog")

    await done("restore", "--from", backups, "--state-dir", at_work)
    said = await done("rescan", "--state-dir", at_work)
    print(f"{len(acknowledged)} acknowledged, {labels} labels; rescan: {said}")

    # From here on as fast as it goes: what was not recorded yet, and what the node still had.
    async with one_process(at_work, replay_dir=recordings, **NODE), catalog_of(at_work) as catalog:
        assert await cataloged(catalog) >= acknowledged, said
        assert await catalog.fetchval("SELECT count(*) FROM label.submissions") == labels > 0
        await until_cataloged(catalog, AUDIOS)
        assert len(await cataloged(catalog)) == AUDIOS
        assert await catalog.fetchval("SELECT count(DISTINCT file_name) FROM audio.audios") == AUDIOS
        await until(catalog, f"SELECT count(*) = {AUDIOS} FROM audio.embeddings")
