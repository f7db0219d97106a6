"""What cannot be taken over from BAT is listed for a lead with what to do, and nothing else waits for it."""

import os
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from unit.label_gateway.bat_pulled import Pulled, pulled

from label_gateway.bat.errors import BatUnreachable
from label_gateway.bat.figures import figures
from label_gateway.bat.pull import FAILURES_IN_A_ROW
from servers.bat.annotator import Heard
from servers.bat.process import BatProcess
from servers.bat.serve import SERVED

GULL = Heard("Gull", 1.5, 3.25)


@pytest.fixture
async def team(bat: BatProcess, catalog_url: str, tmp_path: Path) -> AsyncIterator[Pulled]:
    async with pulled(bat, catalog_url, tmp_path) as team:
        yield team


async def add_class_in_bat(team: Pulled, name: str) -> None:
    async with team.client() as bat:
        await bat.add_class(name)


async def moved(team: Pulled, wav: str, start_s: float, end_s: float) -> None:
    """The one region of a wav lies there, as BAT lets it."""
    await team.bat_stores(
        "UPDATE regions SET start_time = ?, end_time = ? WHERE annotation_id IN (SELECT annotations.id"
        " FROM annotations JOIN segments ON segments.id = segment_id JOIN wavs ON wavs.id = wav_id"
        " WHERE wavs.name = ?)",
        *(start_s, end_s, wav),
    )


async def test_a_user_whom_nobody_is_waits_for_a_lead_and_nobody_waits_for_the_user(team: Pulled):
    [stranger] = await team.finishes("dani", [GULL])
    [known] = await team.finishes("marina", [GULL])
    await team.rounds(2)
    assert await team.answered() == [("Marina", known)]
    [listed] = await team.listed()
    assert (listed.bat_user, listed.audios) == ("dani", 1)
    assert "nobody here labels in BAT as this user" in listed.reason
    assert "Who labels where" in listed.todo
    await team.label_in_bat("Pau", "dani")
    await team.rounds(1)
    assert ("Pau", stranger) in await team.answered()
    assert await team.listed() == []


async def test_capitals_tell_users_apart(team: Pulled):
    await team.finishes("Marina", [GULL])
    await team.rounds(2)
    assert await team.answered() == []
    assert [listed.bat_user for listed in await team.listed()] == ["Marina"]


async def test_a_user_who_turns_out_to_be_somebody_else_has_said_it_as_that_person(team: Pulled):
    [wav] = await team.finishes("marina", [GULL])
    await team.rounds(2)
    await team.label_in_bat("Marina", None)
    await team.label_in_bat("Pau", "marina")
    await team.rounds(1)
    assert ("Pau", wav) in await team.answered()


async def test_whose_labeler_may_not_sign_in_says_nothing(team: Pulled):
    await team.finishes("marina", [GULL])
    await team.gateway.on.catalog.execute("UPDATE audio.labelers SET enabled = false WHERE name = 'Marina'")
    await team.rounds(2)
    assert await team.answered() == []
    [listed] = await team.listed()
    assert "may not sign in" in listed.reason


async def test_a_class_that_the_ontology_has_not_is_taken_over_once_it_has(team: Pulled):
    await add_class_in_bat(team, "Tern")
    wavs = await team.finishes("marina", [Heard("Tern", 1, 2), Heard("Gull", 4, 5)], [GULL])
    await team.rounds(2)
    assert await team.answered() == [("Marina", wavs[1])], "nothing is taken over by half"
    [listed] = await team.listed()
    assert "'Tern' of BAT is none of ours" in listed.reason
    await team.gateway.class_named(team.lead, "Tern")
    await team.bat.forget_requests()
    await team.rounds(1)
    assert {name for _, name, _, _ in await team.said()} == {"Tern", "Gull"}
    assert await team.listed() == []
    read = [one["path"] for one in await team.bat.asked() if "change" in one["path"]]
    assert read == [], "from what was read before"


async def test_a_mark_that_a_hand_drew_past_the_end_is_cut_to_the_audio(team: Pulled):
    [wav] = await team.finishes("marina", [GULL])
    await moved(team, wav, -0.4, 10.3)
    await team.rounds(2)
    assert await team.said() == [(wav, "Gull", 0.0, 10.0)]


@pytest.mark.parametrize("at", [(-0.4, -0.1), (10.1, 10.4), (3, 3), (5, 4), (-3, 1), (9, 60)])
async def test_a_mark_that_is_not_in_the_audio_is_listed_until_it_is_corrected(team: Pulled, at):
    wrong, right = await team.finishes("marina", [GULL], [GULL])
    await moved(team, wrong, *at)
    await team.rounds(2)
    assert await team.answered() == [("Marina", right)]
    [listed] = await team.listed()
    assert "outside the audio" in listed.reason
    assert f"Gull from {at[0]:g} s to {at[1]:g} s" in listed.which[0]
    await team.says_again("marina", wrong, GULL)
    await team.rounds(2)
    assert len(await team.answered()) == 2
    assert await team.listed() == []


async def test_a_mark_without_a_class_is_listed(team: Pulled):
    await team.finishes("marina", [GULL])
    await team.bat_stores("DELETE FROM prominences")
    await team.rounds(2)
    assert await team.answered() == []
    assert [listed.reason for listed in await team.listed()] == ["a mark has no class"]


async def test_somebody_of_another_group_is_told_to_the_lead(team: Pulled):
    await team.gateway.team(team.lead, "campus", "Nuria")
    await team.label_in_bat("Nuria", "nuria")
    await team.finishes("nuria", [GULL])
    await team.rounds(2)
    assert await team.answered() == []
    assert ["for the labeler's group" in listed.reason for listed in await team.listed()] == [True]


async def test_an_audio_that_may_not_be_heard_any_longer_is_not_taken_over(team: Pulled):
    await team.finishes("marina", [GULL])
    await team.gateway.on.catalog.execute("UPDATE audio.nodes SET speech_policy = 'stay'")
    await team.rounds(3)
    assert await team.answered() == []
    assert team.bat.rows("SELECT * FROM projects") == [], "and leaves BAT"


async def test_a_wav_of_somebody_else_in_our_project_is_told_to_the_lead(team: Pulled):
    [(project_id,)] = team.bat.rows("SELECT id FROM projects")
    async with team.client() as bat:
        await bat.upload(project_id, "holiday.wav", team.bat.uploaded()[0].read_bytes())
    await team.finishes("marina", [GULL], [GULL], [GULL], [GULL])
    await team.rounds(2)
    assert len(await team.answered()) == 3
    [listed] = await team.listed()
    assert ("we have not brought it there" in listed.reason, listed.which) == (True, ["holiday.wav"])


async def test_what_is_being_done_anew_is_not_listed(team: Pulled):
    [wav] = await team.finishes("dani", [GULL])
    await team.rounds(2)
    assert len(await team.listed()) == 1
    await team.bat_stores("UPDATE annotations SET status = 'unfinished'")
    await team.rounds(1)
    assert await team.listed() == []
    await team.says_again("dani", wav, GULL)
    await team.rounds(2)
    assert len(await team.listed()) == 1


JUST_NOW_S = 600
"""How long a page stays one that was just opened: its time lies ahead, however slow the rounds are."""


def page_was_opened(team: Pulled, seconds_ago: float) -> None:
    """The audio of the page that was opened last is so old."""
    [wav] = (team.bat.folder / SERVED / "tmp").iterdir()
    os.utime(wav, (time.time() - seconds_ago,) * 2)


async def opened_pages(team: Pulled) -> list[str]:
    return [one["path"] for one in await team.bat.asked() if "new_annotation/" in one["path"]]


async def somebody_types_a_tag_that_breaks_the_admin(team: Pulled) -> None:
    await team.annotator("dani")
    await team.finishes("dani", [Heard("Gull", 1, 3, ("naïve",)), Heard("Doubt", 2, 4)])


async def test_where_the_admin_fails_a_page_is_opened_once_a_round_while_nobody_hears(team: Pulled):
    wavs = await team.finishes("marina", [GULL], [Heard("Gull", 1, 3), Heard("Doubt", 2, 4)])
    await somebody_types_a_tag_that_breaks_the_admin(team)
    await team.bat.forget_requests()
    page_was_opened(team, seconds_ago=-JUST_NOW_S)
    await team.rounds(3)
    assert await team.answered() == []
    assert await opened_pages(team) == [], "somebody may be waiting for their audio"
    [listed] = [listed for listed in await team.listed() if listed.bat_user == "marina"]
    assert ("BAT cannot show what was said" in listed.reason, listed.audios) == (True, 2)
    for taken in (1, 2):
        page_was_opened(team, seconds_ago=60)
        await team.rounds(1)
        assert len(await team.answered()) == taken
        assert len(await opened_pages(team)) == taken
    assert sorted(await team.said()) == sorted(
        [(wavs[0], "Gull", 1.5, 3.25), (wavs[1], "Gull", 1.0, 3.0), (wavs[1], "Doubt", 2.0, 4.0)]
    )


async def test_what_fails_does_not_keep_the_rest_from_its_turn(
    bat: BatProcess, catalog_url: str, tmp_path: Path
):
    async with pulled(bat, catalog_url, tmp_path, audios=FAILURES_IN_A_ROW + 2) as team:
        wavs = await team.finishes("marina", *[[GULL]] * (FAILURES_IN_A_ROW + 2))
        page = "/(" + "|".join(str(number) for number in range(1, FAILURES_IN_A_ROW + 1)) + ")/change"
        await team.bat.fault("failed", "GET", f"region{page}", times=10_000)
        page_was_opened(team, seconds_ago=-JUST_NOW_S)
        await team.rounds(3)
        assert len(await team.answered()) == 2
        await team.bat.mend()
        await team.rounds(1)
        assert len(await team.answered()) == len(wavs)
        assert await team.listed() == []


async def test_whoever_watches_is_told_how_old_the_last_round_is_and_what_waits(team: Pulled):
    bat = figures(team.on)
    before = (await bat.read())["escolta_bat_last_round_timestamp_seconds"][()]
    await team.finishes("dani", [GULL], [])
    await team.rounds(2)
    told = await bat.read()
    assert told["escolta_bat_listed_audios"] == {(): 2}
    last = told["escolta_bat_last_round_timestamp_seconds"][()]
    assert last > before
    team.bat.kill()
    with pytest.raises(BatUnreachable):
        await team.rounds(1)
    assert (await bat.read())["escolta_bat_last_round_timestamp_seconds"][()] == last
    team.settings(bat_url="")
    assert await bat.read() == {}


async def test_what_nobody_reads_does_not_keep_a_closed_project_open(team: Pulled):
    """Of somebody whom nobody knows, of somebody who left, and of a wav that is not ours."""
    [(project_id,)] = team.bat.rows("SELECT id FROM projects")
    async with team.client() as bat:
        await bat.upload(project_id, "holiday.wav", team.bat.uploaded()[0].read_bytes())
    await team.label_in_bat("Pau", "pau")
    for user in ("dani", "pau", "marina"):
        await team.finishes(user, [GULL], [GULL], [GULL], [GULL])
    await team.gateway.on.catalog.execute("UPDATE audio.labelers SET enabled = false WHERE name = 'Pau'")
    await team.lead.post(f"/api/progress/{team.iteration_id}/close")
    await team.rounds(2)
    assert (await team.project(team.iteration_id))["read_to_end_at"] is not None
