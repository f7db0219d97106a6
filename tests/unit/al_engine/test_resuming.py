"""An iteration ends the same, however often it is killed, and its record is enough to repeat it."""

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import asyncpg
import pytest
from unit.al_engine.at_work import START, EngineAtWork, add_nodes, joined_engine

from al_engine.iterations import inputs, records, requests
from al_engine.iterations.handlers import Iterations
from al_engine.iterations.replay import replay
from escolta.audit import INSTALLATION
from escolta.errors import Rejected
from escolta.events import IterationRequested
from escolta.work import MOST_ATTEMPTS, Busy
from servers.postgres import database

WANTED = IterationRequested(
    iteration_id=UUID(int=7), window_start=START, window_end=START + timedelta(days=1), batch=8
)

RUNNER = """
import asyncio, sys, time
from pathlib import Path
from uuid import UUID
from al_engine.iterations import proposing
from al_engine.iterations.handlers import Iterations
from unit.al_engine.at_work import joined_engine

def for_ever(*_):
    print("selecting", flush=True)
    time.sleep(3600)

async def main():
    async with joined_engine(sys.argv[1], Path(sys.argv[2])) as on:
        if sys.argv[3] == "select":
            proposing.select = for_ever
        print("running", flush=True)
        await Iterations(on).work.do_all()

asyncio.run(main())
"""


@asynccontextmanager
async def filled(catalog_url: str, folder: Path) -> AsyncIterator[EngineAtWork]:
    """A catalog of 40 audios, 9 of them labeled, and a request that nobody has run."""
    await add_nodes(catalog_url)
    async with joined_engine(catalog_url, folder) as on:
        engine = EngineAtWork(on)
        await engine.add_audios(40)
        first = IterationRequested(**{**WANTED.model_dump(), "iteration_id": UUID(int=6), "batch": 9})
        await requests.add_request(on.catalog, first)
        await Iterations(engine.quiet()).work.do_all()
        await label(engine, first.iteration_id)
        await requests.add_request(on.catalog, WANTED)
        yield engine


async def label(engine: EngineAtWork, iteration_id: UUID) -> None:
    await engine.on.catalog.execute(
        "UPDATE al.wavs_proposed SET label = split_part(file_name, '-', 1), labeled_at = now()"
        " WHERE iteration_id = $1",
        iteration_id,
    )


@contextmanager
def running_process(engine: EngineAtWork, folder: Path, held_at: str) -> Iterator[subprocess.Popen[str]]:
    """Runs the request in a process of its own, which is killed with -9 when the block is left."""
    command = [sys.executable, "-c", RUNNER, engine.on.settings.catalog_url, str(folder), held_at]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[2])
    try:
        yield process
    finally:
        process.kill()
        process.wait()


async def chosen(engine: EngineAtWork) -> list[UUID]:
    return [row["audio_id"] for row in await records.proposals(engine.on.catalog, WANTED.iteration_id)]


async def grow(engine: EngineAtWork) -> None:
    """More audios of the same window, and other labels."""
    await engine.add_audios(30, first=40)
    await engine.on.catalog.execute("UPDATE al.wavs_proposed SET label = 'horn', labeled_at = now()")


@pytest.fixture
async def expected(postgres_url: str, migrated_template: str, tmp_path: Path) -> list[UUID]:
    """What the iteration proposes when nothing happens to it."""
    async with (
        database(postgres_url, template=migrated_template) as url,
        filled(url, tmp_path / "twin") as twin,
    ):
        await Iterations(twin.quiet()).work.do_all()
        return await chosen(twin)


@pytest.fixture
async def engine(catalog_url: str, tmp_path: Path) -> AsyncIterator[EngineAtWork]:
    async with filled(catalog_url, tmp_path / "one") as engine:
        yield engine


async def test_killed_while_it_selects_it_ends_the_same(engine, expected, tmp_path):
    with running_process(engine, tmp_path / "killed", "select") as process:
        assert process.stdout
        while await asyncio.to_thread(process.stdout.readline) != "selecting\n":
            assert process.poll() is None
    assert await chosen(engine) == []
    await grow(engine)
    await until_run(engine)
    assert await chosen(engine) == expected


async def test_killed_while_it_records_it_ends_the_same(engine, expected, tmp_path):
    async with engine.on.catalog.acquire() as holding, holding.transaction():
        await holding.execute("LOCK TABLE al.wavs_proposed IN SHARE MODE")
        with running_process(engine, tmp_path / "killed", "record") as process:
            async with asyncio.timeout(240):
                while not await engine.on.catalog.fetchval("SELECT count(*) FROM pg_locks WHERE NOT granted"):
                    assert process.poll() is None
                    await asyncio.sleep(0.02)
    assert await chosen(engine) == []
    await grow(engine)
    await until_run(engine)
    assert await chosen(engine) == expected


async def until_run(engine: EngineAtWork) -> None:
    """The server may take a moment to see that the killed process is gone, and its lock with it."""
    async with asyncio.timeout(240):
        while not await chosen(engine):
            with suppress(Busy):
                await Iterations(engine.quiet()).work.do_all()
            await asyncio.sleep(0.02)


async def test_an_iteration_that_was_begun_is_ended_before_another_one_starts(engine, expected):
    iterations = Iterations(engine.quiet())
    async with engine.on.catalog.acquire() as connection:
        await iterations.running.freeze(connection, WANTED)
    other = await iterations.request(INSTALLATION, batch=20)
    await iterations.work.do_all()
    assert await chosen(engine) == expected
    others = {row["audio_id"] for row in await records.proposals(engine.on.catalog, other)}
    assert len(others) == 20
    assert not others & set(expected)


WAITS = "SELECT EXISTS (SELECT FROM al.al_preprocessing WHERE status = 'requested')"


async def test_two_requests_at_once_for_one_window_share_no_audio(engine):
    one, two = Iterations(engine.quiet()), Iterations(engine.quiet())
    first, second = await one.request(INSTALLATION, batch=12), await two.request(INSTALLATION, batch=12)

    async def run(iterations: Iterations) -> None:
        async with asyncio.timeout(240):
            while await engine.on.catalog.fetchval(WAITS):
                with suppress(Busy):
                    await iterations.work.do_all()
                await asyncio.sleep(0.01)

    await asyncio.gather(run(one), run(two))
    batches = [
        {row["audio_id"] for row in await records.proposals(engine.on.catalog, iteration_id)}
        for iteration_id in (first, second)
    ]
    assert [len(batch) for batch in batches] == [12, 11]  # 31 were left, 8 of which the first request got
    assert not batches[0] & batches[1]


async def test_a_replay_finds_the_same_audios_after_the_catalog_has_grown(engine, expected):
    await Iterations(engine.quiet()).work.do_all()
    await grow(engine)
    await Iterations(engine.quiet()).request(INSTALLATION, batch=5)
    await Iterations(engine.quiet()).work.do_all()
    again = await replay(engine.on.catalog, WANTED.iteration_id)
    assert again.found == again.recorded == expected
    assert await chosen(engine) == expected


GONE = {
    "an audio": "(SELECT min(audio_id::text)::uuid FROM al.wavs_proposed WHERE labeled_at IS NULL)",
    "a medoid": "(SELECT audio_ids[1] FROM al.medoids WHERE cardinality(audio_ids) > 0 LIMIT 1)",
}


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        (
            f"DELETE FROM audio.embeddings WHERE audio_id = {GONE['an audio']}",
            "chose from 31 audios, of which",
        ),
        (f"DELETE FROM audio.embeddings WHERE audio_id = {GONE['a medoid']}", "1 of 9 audios no longer have"),
        ("UPDATE al.al_preprocessing SET method = 0", "was chosen by method 0 and this Escolta has method"),
        ("DELETE FROM al.medoids", "did not record what it stood on"),
    ],
)
async def test_a_replay_that_is_not_possible_says_why(engine, damage, reason):
    await Iterations(engine.quiet()).work.do_all()
    await engine.on.catalog.execute(damage)
    with pytest.raises(Rejected, match=reason):
        await replay(engine.on.catalog, WANTED.iteration_id)


async def test_a_replay_needs_an_iteration_that_was_run(engine):
    with pytest.raises(Rejected, match="has not been run yet"):
        await replay(engine.on.catalog, WANTED.iteration_id)
    with pytest.raises(Rejected, match="there is no iteration"):
        await replay(engine.on.catalog, UUID(int=99))


async def test_an_embedding_that_is_not_finite_fails_the_iteration_with_the_reason(engine):
    await engine.on.catalog.execute(
        "UPDATE audio.embeddings SET vector = decode(repeat('007c', 8), 'hex') WHERE audio_id ="
        " (SELECT e.audio_id FROM audio.embeddings AS e LEFT JOIN al.wavs_proposed AS w USING (audio_id)"
        "  WHERE w.audio_id IS NULL LIMIT 1)"
    )
    await Iterations(engine.quiet()).work.do_all()
    row = await records.iteration(engine.on.catalog, WANTED.iteration_id)
    assert row is not None
    assert row["status"] == "failed"
    assert "is not finite" in row["failure"]


async def test_an_iteration_that_never_ends_does_not_stop_the_others_for_ever(engine):
    await engine.on.catalog.execute(
        "UPDATE al.al_preprocessing SET attempts = $1 WHERE status = 'requested'", MOST_ATTEMPTS
    )
    iterations = Iterations(engine.quiet())
    await iterations.work.do_all()
    row = await records.iteration(engine.on.catalog, WANTED.iteration_id)
    assert row is not None
    assert f"begun {MOST_ATTEMPTS} times" in row["failure"]


async def test_the_database_gone_for_a_moment_is_no_attempt(engine, monkeypatch):
    async def away(*_: object) -> None:
        raise asyncpg.ConnectionDoesNotExistError("the connection was closed")

    iterations = Iterations(engine.quiet())
    with monkeypatch.context() as patched:
        patched.setattr(inputs, "freeze", away)
        for _ in range(MOST_ATTEMPTS + 1):
            with pytest.raises(asyncpg.ConnectionDoesNotExistError):
                await iterations.work.do_all()
    await iterations.work.do_all()
    row = await records.iteration(engine.on.catalog, WANTED.iteration_id)
    assert row is not None
    assert row["status"] == "proposed"


async def test_what_takes_too_long_every_time_is_given_up_and_lets_others_pass(engine, monkeypatch):
    async def too_slow(*_: object) -> None:
        raise TimeoutError

    monkeypatch.setattr(inputs, "freeze", too_slow)
    iterations = Iterations(engine.quiet())
    for _ in range(MOST_ATTEMPTS):
        with pytest.raises(TimeoutError):
            await iterations.work.do_all()
    await iterations.work.do_all()
    row = await records.iteration(engine.on.catalog, WANTED.iteration_id)
    assert row is not None
    assert row["status"] == "failed"


async def test_an_embedding_that_is_being_written_is_waited_for(engine):
    """No embedding from before the cutoff may appear after it: whoever is writing is waited for."""
    audio_ids = await engine.add_audios(1, first=100)
    row = await engine.on.catalog.fetchrow(
        "DELETE FROM audio.embeddings WHERE audio_id = $1 RETURNING *", *audio_ids
    )
    async with engine.on.catalog.acquire() as writing:
        transaction = writing.transaction()
        await transaction.start()
        await writing.execute(
            "INSERT INTO audio.embeddings VALUES ($1, $2, $3, $4, $5, $6)", *list(row.values())[:6]
        )
        iterations = asyncio.create_task(Iterations(engine.quiet()).work.do_all())
        await asyncio.sleep(0.3)
        assert not iterations.done()
        await transaction.commit()
        await iterations
    found = await records.iteration(engine.on.catalog, WANTED.iteration_id)
    assert found is not None
    assert found["unlabeled"] == 32
    assert (await replay(engine.on.catalog, WANTED.iteration_id)).found == await chosen(engine)
