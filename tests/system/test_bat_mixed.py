"""Two on the page and one in BAT: the same answers make the same agreement, wherever they are given."""

from uuid import UUID

import pytest

from escolta.listening.agreement import Agreement
from servers.postgres import account
from system.bat_commands import Commands
from system.bat_team import GROUPS, Sound, TeamInBat, hears, in_bat, team_in_bat

AUDIOS = 16
GROUP = "harbor"


@pytest.fixture
async def team(catalog_url, bat, tmp_path):
    async with team_in_bat(catalog_url, bat, tmp_path) as team:
        yield team


async def test_a_mixed_group_agrees_as_on_one_page(team, catalog_url, tmp_path):
    commands = Commands(team.bat, account(catalog_url, "label-gateway"), tmp_path)
    for who in GROUPS[GROUP]:
        await team.label_in(who, None)
    on_the_page = await _given_out(team)
    for who in GROUPS[GROUP]:
        await _label_on_the_page(team, who, on_the_page)
    await team.label_in("carla", "carla.in.bat")
    mixed = await _given_out(team)
    assert not (await commands.run("push")).status, commands.said()
    for who in ("ana", "ben"):
        await _label_on_the_page(team, who, mixed)
    await _label_in_bat(team, "carla", "carla.in.bat", mixed)
    for _ in range(2):
        assert not (await commands.run("pull")).status, commands.said()
    agreed = await _agreements(team, on_the_page)
    assert len(agreed) == AUDIOS // 2
    assert {agreement.class_id for agreement in agreed} != {None}
    assert await _agreements(team, mixed) == agreed


async def _given_out(team: TeamInBat) -> list[UUID]:
    """The group's audios of a new batch, best rank first."""
    iteration_id = await team.propose(AUDIOS)
    rows = await team.gateway.on.catalog.fetch(
        "SELECT audio_id FROM label.assignments JOIN label.groups g USING (group_id)"
        " WHERE iteration_id = $1 AND g.name = $2 ORDER BY place",
        iteration_id,
        GROUP,
    )
    return [row["audio_id"] for row in rows]


def _answer(who: str, place: int) -> list[Sound]:
    """The same for the audio at the same place of either batch."""
    return hears(who, UUID(int=place))


async def _label_on_the_page(team: TeamInBat, who: str, audio_ids: list[UUID]) -> None:
    [tasks] = [(await team.pages[who].get("/api/tasks?limit=50")).json()]
    assert {UUID(task["audio_id"]) for task in tasks} == set(audio_ids)
    for task in tasks:
        events = [
            {"class_id": team.class_ids[one.name], "onset_s": one.onset_s, "offset_s": one.offset_s}
            for one in _answer(who, audio_ids.index(UUID(task["audio_id"])))
        ]
        where = f"/api/tasks/{task['iteration_id']}/{task['audio_id']}"
        said = await team.pages[who].put(where, json={"events": events})
        assert said.status_code == 200, said.text


async def _label_in_bat(team: TeamInBat, who: str, user: str, audio_ids: list[UUID]) -> None:
    wavs, names = await team.wavs(), await team.bat_names()
    annotator = await team.annotator(user)
    [project] = {project for (project, _), audio_id in wavs.items() if audio_id in audio_ids}
    done = await annotator.label_all(
        project, lambda wav: in_bat(_answer(who, audio_ids.index(wavs[project, wav])), names)
    )
    assert done == len(audio_ids)


async def _agreements(team: TeamInBat, audio_ids: list[UUID]) -> list[Agreement]:
    rows = await team.gateway.on.catalog.fetch(
        "SELECT class_id, labelers, agreement_percent FROM label.agreements WHERE audio_id = ANY($1)"
        " ORDER BY array_position($1, audio_id)",
        audio_ids,
    )
    return [Agreement(*row) for row in rows]
