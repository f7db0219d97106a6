"""An installation with a catalog and objects, and the commands that back it up, each as a process."""

import asyncio
import hashlib
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

import asyncpg

from escolta.catalog import open_catalog
from escolta.objects import Objects, open_objects

ESCOLTA = Path(sys.executable).with_name("escolta")


@dataclass
class Said:
    """What a command printed, and its status."""

    status: int
    out: str
    err: str


async def escolta(*arguments: object, **environment: str) -> Said:
    """Run `escolta …` to its end."""
    process = await asyncio.create_subprocess_exec(
        str(ESCOLTA),
        *map(str, arguments),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env=os.environ | environment,
    )
    out, err = await process.communicate()
    return Said(process.returncode or 0, out.decode(), err.decode())


async def done(*arguments: object, **environment: str) -> str:
    """The same for a command that must go well."""
    said = await escolta(*arguments, **environment)
    assert said.status == 0, said.out + said.err
    return said.out


@dataclass
class Installation:
    """An embedded installation in a folder, at work or not."""

    folder: Path

    @property
    def objects(self) -> Objects:
        return open_objects(f"file://{self.folder}/objects")

    @asynccontextmanager
    async def catalog(self) -> AsyncIterator[asyncpg.Pool]:
        """Its catalog, at work for the length of the block. Its store has a folder."""
        (self.folder / "objects").mkdir(parents=True, exist_ok=True)
        async with open_catalog(f"embedded://{self.folder}/catalog", connections=2) as pool:
            yield pool

    async def words(self) -> list[str]:
        async with self.catalog() as pool:
            return await words_in(pool)


async def put_word(catalog: asyncpg.Pool, word: str) -> None:
    """A row that is easily told from others."""
    await catalog.execute("INSERT INTO audio.sources (name) VALUES ($1)", word)


async def words_in(catalog: asyncpg.Pool) -> list[str]:
    rows = await catalog.fetch("SELECT name FROM audio.sources ORDER BY source_id")
    return [row["name"] for row in rows]


@asynccontextmanager
async def following(backups: Path, folder: Path, catalog: asyncpg.Pool) -> AsyncIterator[None]:
    """`backup --follow` at work; the block is left when all that was committed in it is received."""
    process = await asyncio.create_subprocess_exec(
        str(ESCOLTA), "backup", "--to", str(backups), "--state-dir", str(folder), "--follow"
    )
    try:
        await until(catalog, "SELECT count(*) = 1 FROM pg_stat_replication WHERE state = 'streaming'")
        yield
        written = await catalog.fetchval("SELECT pg_current_wal_lsn()::text")
        await until(catalog, f"SELECT bool_or(flush_lsn >= '{written}') FROM pg_stat_replication")
    finally:
        process.send_signal(signal.SIGTERM)
        assert await process.wait() == 0


async def until(catalog: asyncpg.Pool, question: str) -> None:
    async with asyncio.timeout(600):
        while not await catalog.fetchval(question):
            await asyncio.sleep(0.1)


async def put_audio(
    catalog: asyncpg.Pool, objects: Objects, key: str, sound: bytes, days_ago: int = 0
) -> None:
    """An audio as ingest leaves it: object and row."""
    await objects.put(key, sound)
    folder, _, name = key.rpartition("/")
    await catalog.execute("SELECT audio.ensure_month(now())")
    for table, column in (("projects", "name"), ("sources", "name"), ("node_types", "name")):
        await catalog.execute(f"INSERT INTO audio.{table} ({column}) VALUES ('x') ON CONFLICT DO NOTHING")
    await catalog.execute(
        "INSERT INTO audio.nodes (name, project_id, source_id, node_type_id) SELECT 'quay-1', project_id,"
        " source_id, node_type_id FROM audio.projects, audio.sources, audio.node_types ON CONFLICT DO NOTHING"
    )
    await catalog.execute("INSERT INTO audio.paths (path) VALUES ($1) ON CONFLICT DO NOTHING", f"{folder}/")
    await catalog.execute(
        "INSERT INTO audio.audios (audio_id, start_utc, node_id, path_id, object_name, file_name, rate_hz,"
        " bits_per_sample, samples, duration_s, channels, sha256, clock_state, cataloged_at)"
        " SELECT $1, now(), node_id, path_id, $2, 'dawn.wav', 16000, 16, 1600, 0.1, 1, $3, 'unknown',"
        " now() - make_interval(days => $4) FROM audio.nodes, audio.paths",
        UUID(name.partition(".")[0]),
        name,
        hashlib.sha256(sound).digest(),
        days_ago,
    )
