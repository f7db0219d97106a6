"""Names and times go out to BAT and come back as themselves; `bench/bat.py --names` takes every name."""

import pytest

from servers.postgres import account
from system.bat_commands import Commands
from system.bat_names import names, round_trip
from system.bat_team import SAME_S, team_in_bat

EVERY = 8
"""Of the names: each takes some ten requests."""


@pytest.fixture
async def team(catalog_url, bat, tmp_path):
    async with team_in_bat(catalog_url, bat, tmp_path) as team:
        yield team


async def test_names_and_times_come_back_as_themselves(team, catalog_url, tmp_path):
    chosen = names()[::EVERY]
    commands = Commands(team.bat, account(catalog_url, "label-gateway"), tmp_path)
    said, found = await round_trip(team, commands, chosen)
    assert len(said) > len(chosen)
    assert found.keys() == said.keys()
    assert all(found[it] == pytest.approx(said[it], abs=SAME_S) for it in said)
