"""Audios go out to BAT: those that somebody there has to hear, and each of them once, whatever breaks."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from unit.label_gateway.bat_at_work import TeamInBat, team_in_bat

from escolta.work import Busy, alone
from label_gateway.bat.errors import BatError, BatUnreachable
from label_gateway.bat.session import Session
from label_gateway.bat.sync import LOCK
from servers.bat.process import BatProcess


@pytest.fixture
async def team(bat: BatProcess, catalog_url: str, tmp_path: Path) -> AsyncIterator[TeamInBat]:
    async with team_in_bat(bat, catalog_url, tmp_path) as team:
        yield team


async def test_a_batch_goes_to_bat_in_the_order_in_which_the_group_hears_it(team: TeamInBat):
    iteration_id = await team.given_out(3)
    await team.round()
    assert team.wavs_in_bat() == await team.names(await team.audio_ids(iteration_id))
    project = await team.project(iteration_id)
    assert team.bat.rows("SELECT id, name, overlap FROM projects") == [
        (project["bat_id"], project["name"], 1)
    ]
    assert {name for (name,) in team.bat.rows("SELECT name FROM classes")} == {"Doubt", "Gull"}
    assert project["last_error"] is None
    assert project["last_round_at"] is not None


async def test_what_is_there_is_not_pushed_again_nor_uploaded_at_once(team: TeamInBat):
    await team.given_out(3)
    await team.round()
    await team.bat.forget_requests()
    await team.round()
    asked = [(one["method"], one["path"]) for one in await team.bat.asked()]
    assert [path for method, path in asked if method == "POST"] == ["/annotation_tool/"]  # signing in
    assert await team.bat.most_at_once() == 1


async def test_nothing_goes_where_everybody_labels_on_the_page(team: TeamInBat):
    await team.label_in_bat("Marina", None)
    await team.given_out(3)
    await team.bat.forget_requests()
    await team.round()
    assert await team.bat.asked() == []
    await team.label_in_bat("Pau", "pau")
    await team.round()
    assert len(team.wavs_in_bat()) == 3


async def test_what_the_labeler_in_bat_has_said_on_the_page_does_not_go(team: TeamInBat):
    iteration_id = await team.given_out(3)
    [first, *rest] = await team.audio_ids(iteration_id)
    await team.labelers[0].put(f"/api/tasks/{iteration_id}/{first}", json={"events": []})
    await team.round()
    assert team.wavs_in_bat() == await team.names(rest)


async def test_a_project_waits_for_a_class_because_it_would_never_get_one(team: TeamInBat):
    await team.gateway.on.catalog.execute("DELETE FROM audio.ontology WHERE NOT is_doubt")
    iteration_id = await team.given_out(1)
    await team.round()
    project = await team.project(iteration_id)
    assert "add the classes on our page" in project["last_error"]
    assert project["last_round_at"] is not None  # it is no fault of BAT's
    assert team.bat.rows("SELECT * FROM projects") == []
    await team.gateway.class_named(team.lead, "Tern")
    await team.round()
    assert len(team.wavs_in_bat()) == 1
    assert (await team.project(iteration_id))["last_error"] is None


UPLOAD: dict[str, Any] = {"method": "POST", "where": "upload_data"}
CHANGES: list[dict[str, Any]] = [
    UPLOAD,
    {"method": "POST", "where": "/projects/"},
    {"method": "POST", "where": "/classes/"},
]


@pytest.mark.parametrize(
    "at", [*CHANGES, {"method": "GET", "where": "/admin/"}, {"method": "GET", "where": "tool/pro"}]
)
async def test_a_failure_in_the_middle_ends_in_each_audio_once(team: TeamInBat, at):
    audio_ids = []
    for kind in ("cut before", "cut after", "failed", "session expired", "elsewhere"):
        await team.gateway.class_named(team.lead, kind)
        audio_ids += await team.audio_ids(await team.given_out(3))
        await team.bat.fault(kind, **at)
        for _ in range(3):
            with suppress(BatError):
                await team.round()
    assert len(await team.bat.struck()) == 5
    assert sorted(team.wavs_in_bat()) == sorted(await team.names(audio_ids))
    assert len(team.bat.rows("SELECT * FROM projects")) == 5


async def test_an_upload_without_an_answer_is_not_repeated_while_it_may_be_under_way(team: TeamInBat):
    iteration_id = await team.given_out(2)
    team.settings(bat_settle_s=3600.0)
    await team.bat.fault("cut before", **UPLOAD)
    with pytest.raises(BatUnreachable):
        await team.round()
    await team.round()
    assert team.wavs_in_bat() == (await team.names(await team.audio_ids(iteration_id)))[1:]
    assert "may still be on its way" in (await team.project(iteration_id))["last_error"]
    team.settings(bat_settle_s=0.0)
    await team.round()
    assert len(team.wavs_in_bat()) == 2


class Killed(BaseException):
    """In the place of `kill -9`: nothing after it runs."""


@pytest.mark.parametrize("sent", [False, True])
async def test_killed_at_any_request_it_ends_in_each_audio_once(team: TeamInBat, monkeypatch, sent):
    send, countdown = Session.send, 0

    async def killed(self, method, path, **how):
        nonlocal countdown
        countdown -= 1
        if countdown == 0 and not sent:
            raise Killed
        response = await send(self, method, path, **how)
        if countdown == 0:
            raise Killed
        return response

    monkeypatch.setattr(Session, "send", killed)
    iteration_id = await team.given_out(3)
    for dies_at in range(1, 100):
        countdown = dies_at
        try:
            await team.round()
        except Killed:
            continue
        break
    assert dies_at > 3
    assert sorted(team.wavs_in_bat()) == sorted(await team.names(await team.audio_ids(iteration_id)))
    assert len(team.bat.rows("SELECT * FROM projects")) == 1


async def test_an_upload_that_always_fails_is_listed_and_the_others_go(team: TeamInBat):
    iteration_id = await team.given_out(3)
    [first, *rest] = await team.names(await team.audio_ids(iteration_id))
    for _ in range(5):
        await team.bat.mend()
        await team.bat.fault("failed", **UPLOAD)
        await team.round()
    assert team.wavs_in_bat() == rest
    assert len(team.bat.uploaded()) == len(rest) + 3  # BAT keeps the file of each that fails
    catalog = team.gateway.on.catalog
    [row] = await catalog.fetch("SELECT wav_name, refused FROM label.bat_wavs WHERE pushed_at IS NULL")
    assert row["wav_name"] == first
    assert "BAT has failed 3 times to take it" in row["refused"]
    await team.bat.mend()
    await team.round()
    assert first not in team.wavs_in_bat()
    await catalog.execute("UPDATE label.bat_wavs SET again_at = now() WHERE pushed_at IS NULL")
    await team.round()
    assert first in team.wavs_in_bat()
    assert await catalog.fetchval("SELECT count(*) FROM label.bat_wavs WHERE refused IS NOT NULL") == 0


async def test_a_bat_that_takes_nothing_is_left_alone_after_a_few_and_filled_when_it_is_well(team: TeamInBat):
    iteration_id = await team.given_out(5)
    await team.bat.fault("failed", **UPLOAD, times=99)
    await team.round()
    assert len(await team.bat.struck()) == 3
    project = await team.project(iteration_id)
    assert "BAT had trouble with POST" in project["last_error"]
    assert project["last_round_at"] is None
    await team.bat.mend()
    await team.round()
    assert len(team.wavs_in_bat()) == 5
    project = await team.project(iteration_id)
    assert project["last_error"] is None
    assert project["last_round_at"] is not None


async def test_what_stays_wrong_is_logged_once(team: TeamInBat, caplog):
    await team.gateway.on.catalog.execute("DELETE FROM audio.ontology WHERE NOT is_doubt")
    await team.given_out(1)
    for _ in range(3):
        await team.round()
    assert caplog.text.count("add the classes on our page") == 1


async def test_what_is_no_sound_is_listed_and_the_others_go(team: TeamInBat):
    iteration_id = await team.given_out(3)
    [first, second, third] = await team.audio_ids(iteration_id)
    key = f"audio/quay-1/{second}.wav"
    await team.on.objects.delete(key)
    await team.on.objects.put(key, b"no sound")
    await team.round()
    assert team.wavs_in_bat() == await team.names([first, third])
    assert f"audio {second} cannot go to BAT" in (await team.project(iteration_id))["last_error"]


async def test_a_project_that_somebody_deleted_is_made_and_filled_again(team: TeamInBat):
    iteration_id = await team.given_out(2)
    await team.round()
    first = await team.project(iteration_id)
    async with team.client() as bat:
        assert await bat.delete_project(first["bat_id"])
    await team.round()
    again = await team.project(iteration_id)
    assert again["bat_id"] != first["bat_id"]
    assert team.wavs_in_bat() == await team.names(await team.audio_ids(iteration_id))


async def test_what_may_not_be_heard_any_longer_leaves_bat_and_the_rest_stays(team: TeamInBat):
    iteration_id = await team.given_out(3)
    await team.round()
    [gone, *rest] = await team.audio_ids(iteration_id)
    await team.gateway.on.catalog.execute("DELETE FROM al.wavs_proposed WHERE audio_id = $1", gone)
    await team.round(pull=False)  # what is finished would be lost
    assert len(team.wavs_in_bat()) == 3
    await team.round()
    assert team.wavs_in_bat() == await team.names(rest)
    assert len(team.bat.uploaded()) == 2


async def test_what_is_withheld_does_not_go_and_what_went_before_does_not_stay(team: TeamInBat):
    policy = "UPDATE audio.nodes SET speech_policy = $1"
    iteration_id = await team.given_out(2)
    await team.gateway.on.catalog.execute(policy, "withhold")
    await team.round()
    assert team.wavs_in_bat() == []
    await team.gateway.on.catalog.execute(policy, "keep")
    await team.round()
    assert team.wavs_in_bat() == await team.names(await team.audio_ids(iteration_id))
    await team.gateway.on.catalog.execute(policy, "stay")
    await team.round()
    assert team.bat.rows("SELECT * FROM projects") == []
    assert team.bat.uploaded() == []


async def test_what_is_withheld_leaves_also_a_project_that_is_done_with(team: TeamInBat):
    iteration_id = await team.given_out(2)
    await team.round()
    await team.lead.post(f"/api/progress/{iteration_id}/close")
    await team.gateway.on.catalog.execute("UPDATE label.bat_projects SET read_to_end_at = now()")
    await team.gateway.on.catalog.execute("UPDATE audio.nodes SET speech_policy = 'stay'")
    await team.round()
    assert team.bat.rows("SELECT * FROM projects") == []
    assert (await team.project(iteration_id))["deleted_at"] is not None


@pytest.mark.parametrize(("closed", "left"), [("keep", 1), ("delete", 0)])
async def test_after_closing_a_project_stays_or_goes_once_all_of_it_is_read(team: TeamInBat, closed, left):
    iteration_id = await team.given_out(2)
    await team.round()
    team.settings(bat_closed=closed)
    await team.lead.post(f"/api/progress/{iteration_id}/close")
    await team.round()
    assert len(team.bat.rows("SELECT * FROM projects")) == 1
    await team.gateway.on.catalog.execute("UPDATE label.bat_projects SET read_to_end_at = now()")
    await team.round()
    assert len(team.bat.rows("SELECT * FROM projects")) == left
    await team.bat.forget_requests()
    await team.round()
    assert await team.bat.asked() == []


async def test_while_one_process_is_at_it_another_leaves_bat_alone(team: TeamInBat):
    await team.given_out(1)
    async with alone(team.on.catalog, LOCK):
        await team.bat.forget_requests()
        with pytest.raises(Busy):
            await team.round()
    assert await team.bat.asked() == []


async def test_a_bat_that_is_away_is_told_of_beside_each_project_and_delays_no_page(team: TeamInBat):
    iteration_id = await team.given_out(1)
    team.bat.kill()
    with pytest.raises(BatUnreachable):
        await team.round()
    assert "does not answer" in (await team.project(iteration_id))["last_error"]
    [task] = (await team.labelers[0].get("/api/tasks")).json()
    assert task["iteration_id"] == str(iteration_id)
    await team.bat.start()
    await asyncio.wait_for(team.round(), 240)
    assert len(team.wavs_in_bat()) == 1
