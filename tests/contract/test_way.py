"""`escolta audio`: the way of an audio, from the row that each step left."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import asyncpg
import pytest
from contract.test_forgetting import FILL, GONE, STAYS
from unit.backup.at_work import escolta

from escolta.catalog import open_catalog
from escolta.way.steps import Step, in_order, steps

TOLD_OTHERWISE = {
    "audio.embedding_marks",  # how far the embedder has looked
    *("audio.patch_scores", "audio.patches"),  # a part of the embedding
}
ITERATION = UUID(int=9)
SOURCE = Path(steps.__code__.co_filename).read_text("utf-8")


@pytest.fixture
async def db(catalog_url: str) -> AsyncIterator[asyncpg.Connection]:
    """A catalog of two audios with a row in every table that knows of audios."""
    sql = FILL.replace("%GONE", str(GONE)).replace("%STAYS", str(STAYS)).replace("%ITERATION", str(ITERATION))
    async with open_catalog(catalog_url) as pool, pool.acquire() as connection:
        await connection.execute(sql)
        await connection.execute(
            "UPDATE audio.quarantine SET audio_id = $1, reason = 'its header lies'; ".replace(
                "$1", f"'{GONE}'"
            )
        )
        yield connection


async def test_every_step_of_an_audio_is_told(db):
    told = [step.what for step in await steps(db, GONE)]
    assert set(told) == {
        *("recorded", "refused", "cataloged", "embedded", "not embedded", "waits", "proposed", "assigned"),
        *("asked", "withdrawn", "in BAT", "said in BAT", "labeled", "settled", "medoid", "unresolved"),
    }


async def test_a_step_says_how_it_went(db):
    said = {step.what: step.how for step in await steps(db, STAYS)}
    assert said["recorded"].startswith("by quay-2, 1.00 s")
    assert said["embedded"] == "by m: a 0.50"
    assert said["labeled"] == "by Nuria of harbor: Doubt 0.00–1.00 s"
    assert said["settled"] == "without a class; 1 labelers, 100 %"


async def test_what_has_left_the_catalog_is_told_as_forgotten(db):
    await db.execute("INSERT INTO audio.forgotten VALUES ($1, now(), 'audio/x.wav')", UUID(int=1))
    assert [step.what for step in await steps(db, UUID(int=1))] == ["forgotten"]
    assert await steps(db, UUID(int=2)) == []


async def test_an_export_is_told_where_the_audio_may_be_in_it(db):
    await db.execute(
        "INSERT INTO audio.audit (at, service, name, what, which) VALUES"
        " (now() - interval '1 day', 'x', 'Ana', 'exported', 'early.csv'),"
        " (now() + interval '1 day', 'x', 'Ana', 'exported', 'late.csv')"
    )
    exported = [step.how for step in await steps(db, GONE) if step.what == "exported"]
    assert exported == ["late.csv by Ana may have it"]


async def test_no_table_that_knows_of_audios_is_left_out(db):
    """A new table with audios is read, or is listed above."""
    knows = await db.fetch(
        "SELECT DISTINCT c.oid::regclass::text AS name FROM pg_attribute JOIN pg_class c ON c.oid = attrelid"
        " WHERE attname IN ('audio_id', 'audio_ids') AND atttypid IN ('uuid'::regtype, 'uuid[]'::regtype)"
        " AND c.relkind IN ('r', 'p') AND NOT c.relispartition"
        " AND c.relnamespace::regnamespace::text IN ('audio', 'al', 'label')"
    )
    assert {row["name"] for row in knows if row["name"] not in SOURCE} == TOLD_OTHERWISE


def test_a_step_without_a_time_stays_behind_the_one_before():
    early, late = datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 1, 2, tzinfo=UTC)
    settled, proposed, assigned = (
        Step(late, "settled", ""),
        Step(early, "proposed", ""),
        Step(None, "assigned", ""),
    )
    assert in_order([settled, proposed, assigned]) == [proposed, assigned, settled]


async def test_the_command_tells_it_to_the_owner_and_to_nobody_else(db, catalog_url, tmp_path):
    environment = {"ESCOLTA_CATALOG_URL": catalog_url, "ESCOLTA_STATE_DIR": str(tmp_path)}
    told = await escolta("audio", GONE, **environment)
    assert told.status == 0, told.err
    assert "cataloged     object audio/" in told.out
    unknown = await escolta("audio", UUID(int=2), **environment)
    assert (unknown.status, unknown.out) == (2, "")
    assert "knows of no audio" in unknown.err
