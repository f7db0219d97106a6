"""A team that labels in BAT, whatever fails there and here."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from servers.bat.process import BatProcess
from servers.postgres import account
from system.bat_commands import Commands
from system.bat_run import BROKEN, CHANGED, Run
from system.bat_team import TeamInBat, team_in_bat

AUDIOS = 30


@pytest.fixture
async def team(catalog_url: str, bat: BatProcess, tmp_path: Path) -> AsyncIterator[TeamInBat]:
    async with team_in_bat(catalog_url, bat, tmp_path) as team:
        yield team


async def test_whatever_fails_bat_has_each_audio_once_and_the_catalog_what_people_said(
    team, catalog_url, tmp_path
):
    commands = Commands(team.bat, account(catalog_url, "label-gateway"), tmp_path)
    result = await Run(team, commands, AUDIOS, seed=1).all()
    assert (result.lacking, result.wrong) == ([], []), commands.said()
    assert result.never_struck == [], commands.said()
    assert result.annotations == 2 * (8 * 3 + 7 * 2)
    assert result.changed == 1 + BROKEN + CHANGED
