"""What has to leave BAT leaves it, and nothing that people have finished there is lost by that."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from unit.label_gateway.bat_pulled import Pulled, pulled

from escolta.forgetting import audios
from escolta.forgetting.audios import Chosen
from servers.bat.annotator import Heard
from servers.bat.process import BatProcess

GULL = Heard("Gull", 1.5, 3.25)


@pytest.fixture
async def team(bat: BatProcess, catalog_url: str, tmp_path: Path) -> AsyncIterator[Pulled]:
    async with pulled(bat, catalog_url, tmp_path) as team:
        yield team


async def forget(team: Pulled, wav: str) -> None:
    """As the operator does."""
    async with team.gateway.on.catalog.acquire() as db:
        audio_id = await db.fetchval("SELECT audio_id FROM label.bat_wavs WHERE wav_name = $1", wav)
        assert await audios.forget(db, team.on.objects, Chosen([audio_id])) == 1


async def test_a_forgotten_audio_leaves_bat_and_what_was_finished_of_the_others_is_kept(team: Pulled):
    finished = await team.finishes("marina", [GULL])
    marina = await team.annotator("marina")
    begun = await marina.next(await team.project_name)
    assert begun
    [gone] = set(team.wavs_in_bat()) - {*finished, begun.wav}
    await forget(team, gone)
    await team.rounds(1)
    submitted = await team.gateway.on.catalog.fetchval("SELECT count(*) FROM label.submissions")
    assert submitted == 1
    assert team.wavs_in_bat() == [begun.wav]
    assert [path.name for path in team.bat.uploaded()] == [begun.wav]
    assert team.bat.rows("SELECT * FROM annotations") == []


async def test_the_labeler_goes_on_in_the_project_that_was_made_anew(team: Pulled):
    [first] = await team.finishes("marina", [GULL])
    await forget(team, first)
    await team.rounds(1)
    left = team.wavs_in_bat()
    assert sorted(await team.finishes("marina", [GULL], [])) == sorted(left)
    await team.rounds(2)
    assert await team.answered() == sorted(("Marina", wav) for wav in left)
    assert await team.listed() == []


async def test_while_something_cannot_be_read_the_project_stays_and_the_lead_is_told(team: Pulled):
    [first] = await team.finishes("marina", [GULL])
    [gone, *_] = set(team.wavs_in_bat()) - {first}
    await forget(team, gone)
    await team.bat.fault("failed", "GET", "/annotations/", times=1)
    await team.rounds(1)
    assert len(team.wavs_in_bat()) == 3
    assert "BAT had trouble" in (await team.project(team.iteration_id))["last_error"]
    await team.rounds(1)
    assert gone not in team.wavs_in_bat()
    assert await team.gateway.on.catalog.fetchval("SELECT count(*) FROM label.submissions") == 1


async def test_a_page_that_fails_to_be_read_does_not_keep_the_next_audios_from_going(team: Pulled):
    await team.bat.fault("failed", "GET", "/annotations/", times=9)
    second = await team.given_out(2)
    await team.rounds(1)
    assert {*await team.names(await team.audio_ids(second))} <= set(team.wavs_in_bat())


async def test_after_closing_a_project_is_deleted_once_all_that_was_finished_is_here(team: Pulled):
    team.settings(bat_closed="delete")
    await team.finishes("marina", [GULL], [], [GULL])
    await team.lead.post(f"/api/progress/{team.iteration_id}/close")
    for _ in range(6):
        await team.rounds(1)
        if not team.bat.rows("SELECT * FROM projects"):
            break
    assert team.bat.rows("SELECT * FROM projects") == []
    assert team.bat.uploaded() == []
    project = await team.project(team.iteration_id)
    assert project["read_to_end_at"] is not None
    assert project["deleted_at"] is not None
    await team.bat.forget_requests()
    await team.rounds(2)
    assert await team.bat.asked() == []
