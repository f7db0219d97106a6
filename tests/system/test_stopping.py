"""SIGTERM to an embedder in mid-work: the batches under way become rows, no other begins, and it ends."""

import asyncio
from pathlib import Path

import asyncpg
from pydantic import SecretStr
from unit.embedder.at_work import CATALOG, EmbedderAtWork, tone

from escolta.runtime import joined
from escolta.settings import Settings
from system.deployments import PATIENCE_S, SECRET, ServiceProcess, free_port

AUDIOS = 40
BATCH = 4
AT_ONCE = 2  # batches
DRAIN_S = 240


async def test_an_embedder_that_is_told_to_stop_finishes_its_batches(
    tmp_path: Path, catalog_url: str
) -> None:
    objects_url = f"file://{tmp_path}/objects"
    await _leave_audios(catalog_url, objects_url, tmp_path)
    port = free_port()
    environment = {
        "ESCOLTA_BUS_URL": "memory://",
        "ESCOLTA_CATALOG_URL": catalog_url,
        "ESCOLTA_OBJECTS_URL": objects_url,
        "ESCOLTA_STATE_DIR": str(tmp_path),
        "ESCOLTA_SECRET": SECRET,
        "ESCOLTA_HTTP_PORT": str(port),
        "ESCOLTA_MODEL": "placeholder",
        "ESCOLTA_EMBED_BATCH": str(BATCH),
        "ESCOLTA_DRAIN_S": str(DRAIN_S),
    }
    embedder = ServiceProcess("embedder", environment, tmp_path / "embedder.log")
    connection = await asyncpg.connect(catalog_url)
    async with connection.transaction():
        await connection.execute("LOCK TABLE audio.embeddings IN SHARE MODE")  # none gets beyond its writing
        embedder.start()
        async with asyncio.timeout(PATIENCE_S):
            while await _waiting(connection) < AT_ONCE:
                await asyncio.sleep(0.05)
        ending = asyncio.create_task(asyncio.to_thread(embedder.end))
        await asyncio.sleep(0.5)
        assert not ending.done()
    assert await asyncio.wait_for(ending, DRAIN_S) == 0
    assert await connection.fetchval("SELECT count(*) FROM audio.embeddings") == AT_ONCE * BATCH
    await connection.close()


async def _waiting(connection: asyncpg.Connection) -> int:
    return await connection.fetchval("SELECT count(*) FROM pg_locks WHERE NOT granted")


async def _leave_audios(catalog_url: str, objects_url: str, folder: Path) -> None:
    connection = await asyncpg.connect(catalog_url)
    await connection.execute(CATALOG)
    await connection.close()
    settings = Settings(
        catalog_url=catalog_url, objects_url=objects_url, state_dir=folder, secret=SecretStr(SECRET)
    )
    async with joined(settings) as on:
        desk = EmbedderAtWork(on)
        for number in range(AUDIOS):
            await desk.catalog(number, tone(200.0 + number))
