"""`escolta retain` as the operator's timer runs it."""

from pathlib import Path

from unit.backup.at_work import Said, escolta
from unit.retaining.at_work import LATE, NEW, OLD, PROPOSED, Harbor

from servers.postgres import account

KEEP = {"ESCOLTA_KEEP_AUDIO_DAYS": "1", "ESCOLTA_KEEP_PATCH_SCORES_DAYS": "1"}


async def retain(catalog_url: str, tmp_path: Path, *options: object, **environment: str) -> Said:
    return await escolta(
        "retain",
        *options,
        ESCOLTA_CATALOG_URL=catalog_url,
        ESCOLTA_OBJECTS_URL=f"file://{tmp_path}/objects",
        ESCOLTA_STATE_DIR=str(tmp_path),
        **environment,
    )


async def test_without_yes_it_counts(harbor: Harbor, catalog_url: str, tmp_path: Path) -> None:
    said = await retain(catalog_url, tmp_path, **KEEP)
    assert said.status == 0, said.err
    assert "The embedder has come to 2024-07-06 00:00 UTC: no later sound goes." in said.out
    assert "3 sounds are too old" in said.out
    assert "1 more stay, because they were proposed" in said.out
    assert "audio.patches_2024_05: 0.00 GB of scores" in said.out
    assert await harbor.stored() == await harbor.ids("audio.patches") == {OLD, PROPOSED, LATE, NEW}


async def test_with_yes_it_drops_and_tells_prometheus(
    harbor: Harbor, catalog_url: str, tmp_path: Path
) -> None:
    said = await retain(catalog_url, tmp_path, "--yes", "--metrics", tmp_path / "retain.prom", **KEEP)
    assert said.status == 0, said.err
    assert await harbor.stored() == {PROPOSED}
    assert await harbor.ids("audio.patches") == await harbor.ids("audio.patch_scores") == set()
    assert "escolta_retain_dropped_audios 3\n" in (tmp_path / "retain.prom").read_text()


async def test_without_a_policy_it_says_what_to_set(harbor: Harbor, catalog_url: str, tmp_path: Path) -> None:
    said = await retain(catalog_url, tmp_path, "--yes")
    assert (said.status, said.out) == (2, "")
    assert "everything is kept for ever: set ESCOLTA_KEEP_AUDIO_DAYS" in said.err


async def test_no_service_may_do_it(harbor: Harbor, catalog_url: str, tmp_path: Path) -> None:
    said = await retain(account(catalog_url, "ingest"), tmp_path, "--yes", **KEEP)
    assert said.status == 2
    assert "this account may not delete" in said.err
    assert await harbor.stored() == {OLD, PROPOSED, LATE, NEW}
