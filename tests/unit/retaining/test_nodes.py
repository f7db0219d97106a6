"""A node whose sounds are kept for longer, for less long, or for good."""

from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import asyncpg
import pytest
from unit.backup.at_work import escolta
from unit.retaining.at_work import FILL, LATE, NEW, OLD, PROPOSED, TO, Harbor
from unit.retaining.test_command import retain

from escolta.catalog import migrate
from escolta.catalog.schema import shipped
from escolta.objects import open_objects
from escolta.retaining.sounds import Gone
from servers.postgres import database

OTHER = UUID(int=8 << 64)
"""Of quay-2, as old as OLD."""
FIRST = "0035"
"""The migration that gave each node a moment of its own."""


async def add_other(harbor: Harbor, days: int | None) -> None:
    """quay-2, whose one sound is as old as OLD, and what is said of it."""
    await harbor.db.execute(
        "INSERT INTO audio.nodes (name, project_id, source_id, node_type_id, registered_at, keep_audio_days)"
        " VALUES ('quay-2', 1, 1, 1, '2024-05-01Z', $1)",
        days,
    )
    await harbor.db.execute(
        "INSERT INTO audio.audios SELECT (jsonb_populate_record(a, jsonb_build_object("
        " 'audio_id', $2::uuid, 'node_id', 2, 'object_name', $2::uuid || '.wav'))).*"
        " FROM audio.audios AS a WHERE audio_id = $1",
        OLD,
        OTHER,
    )
    await harbor.db.execute(
        "INSERT INTO audio.embeddings (audio_id, start_utc, model_id, vector, top_classes, top_probabilities)"
        " SELECT audio_id, start_utc, 'm', '\\x0000', '{0}', '{0.5}' FROM audio.audios WHERE audio_id = $1",
        OTHER,
    )
    await harbor.objects.put(f"audio/{OTHER}.wav", b"x")


@pytest.mark.parametrize("days", [0, 300], ids=["for good", "for longer"])
async def test_a_node_that_keeps_longer_than_others_loses_nothing(harbor: Harbor, days: int) -> None:
    await add_other(harbor, days)
    assert await harbor.drop() == Gone(audios=1, bytes=200, kept=1)
    assert await harbor.stored() == {PROPOSED, LATE, NEW, OTHER}
    for view in ("audio.hearable", "audio.hearable_embeddings"):
        assert await harbor.ids(view) == {PROPOSED, LATE, NEW, OTHER}


async def test_what_one_node_drops_is_not_hearable_and_the_others_keep_theirs(harbor: Harbor) -> None:
    await add_other(harbor, 30)
    assert await harbor.drop(days=0) == Gone(audios=1, bytes=200, kept=0)
    assert await harbor.stored() == {OLD, PROPOSED, LATE, NEW}
    for view in ("audio.hearable", "audio.hearable_embeddings"):
        assert await harbor.ids(view) == {OLD, PROPOSED, LATE, NEW}


async def test_nodes_of_one_policy_are_one_drop(harbor: Harbor) -> None:
    await add_other(harbor, None)
    assert (await harbor.drop()).audios == 2
    assert await harbor.db.fetch("SELECT node_ids, to_at, done FROM audio.drops") == [([1, 2], TO, True)]


async def test_who_keeps_longer_from_now_on_gets_nothing_back_and_loses_nothing_more(harbor: Harbor) -> None:
    await harbor.drop()
    await harbor.db.execute("UPDATE audio.nodes SET keep_audio_days = 300")
    assert await harbor.drop(datetime(2024, 7, 5, tzinfo=UTC)) == Gone()
    assert await harbor.ids("audio.hearable") == {PROPOSED, LATE, NEW}


async def test_the_operator_says_it_of_a_node_and_it_is_dropped_by_that(
    harbor: Harbor, catalog_url: str, tmp_path: Path
) -> None:
    keep = "node", "keep", "quay-1"
    said = await escolta(*keep, "--days", "1", ESCOLTA_CATALOG_URL=catalog_url)
    assert said.out == "quay-1: its sounds are kept 1 days. What is dropped already does not come back.\n"
    assert (await retain(catalog_url, tmp_path, "--yes")).status == 0
    assert await harbor.stored() == {PROPOSED}
    assert (await escolta(*keep, "--as-others", ESCOLTA_CATALOG_URL=catalog_url)).status == 0
    assert await harbor.db.fetchval("SELECT keep_audio_days FROM audio.nodes") is None
    assert await harbor.db.fetchval("SELECT which FROM audio.audit ORDER BY audit_id DESC LIMIT 1") == (
        "quay-1: as those of others"
    )


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        (("quay-1",), "say how long: --days N"),
        (("quay-1", "--days", "3", "--as-others"), "say how long: --days N"),
        (("quay-9", "--days", "3"), "No node is called 'quay-9'"),
    ],
)
async def test_what_says_nothing_changes_nothing(
    harbor: Harbor, catalog_url: str, asked: tuple[str, ...], told: str
) -> None:
    said = await escolta("node", "keep", *asked, ESCOLTA_CATALOG_URL=catalog_url)
    assert (said.status, told in said.err) == (2, True)
    assert await harbor.db.fetchval("SELECT keep_audio_days FROM audio.nodes WHERE name = 'quay-1'") is None


async def test_what_was_dropped_before_a_node_had_a_policy_stays_dropped_and_is_removed(
    postgres_url: str, tmp_path: Path
) -> None:
    async with database(postgres_url) as url:
        await migrate(url, [one for one in shipped() if one.name < FIRST])
        db = await asyncpg.connect(url)
        await db.execute(FILL)
        await db.execute("UPDATE audio.retention SET dropped_to = $1", TO)
        await migrate(url, shipped())
        harbor = Harbor(db, open_objects(f"file://{tmp_path}/objects"))
        for audio_id in (OLD, PROPOSED, LATE, NEW):
            await harbor.objects.put(f"audio/{audio_id}.wav", b"x")
        assert await harbor.ids("audio.hearable") == {PROPOSED, LATE, NEW}
        assert (await harbor.drop()).audios == 1
        assert await harbor.stored() == {PROPOSED, LATE, NEW}
        await db.close()
