"""A project in BAT never gets another class: while it is untouched, it is made anew with those that come."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from unit.label_gateway.bat_pulled import Pulled, pulled

from servers.bat.process import BatProcess


@pytest.fixture
async def team(bat: BatProcess, catalog_url: str, tmp_path: Path) -> AsyncIterator[Pulled]:
    async with pulled(bat, catalog_url, tmp_path) as team:
        yield team


def offered(team: Pulled) -> list[str]:
    """What a labeler can choose."""
    rows = team.bat.rows(
        "SELECT name FROM class_instances JOIN classes ON classes.id = class_id ORDER BY name"
    )
    return [name for (name,) in rows]


async def test_classes_that_come_before_anybody_has_begun_are_offered(team: Pulled):
    wavs = team.wavs_in_bat()
    assert offered(team) == ["Doubt", "Gull"]
    await team.gateway.class_named(team.lead, "Tern")
    await team.rounds(1)
    assert offered(team) == ["Doubt", "Gull", "Tern"]
    assert team.wavs_in_bat() == wavs
    await team.bat.forget_requests()
    await team.rounds(1)
    assert [one for one in await team.bat.asked() if one["method"] == "DELETE"] == []


async def test_what_somebody_has_begun_stays(team: Pulled):
    marina = await team.annotator("marina")
    page = await marina.next(await team.project_name)
    assert page
    await team.gateway.class_named(team.lead, "Tern")
    await team.rounds(2)
    assert offered(team) == ["Doubt", "Gull"]
    await marina.finish(page)
    await team.rounds(2)
    assert await team.answered() == [("Marina", page.wav)]
    assert offered(team) == ["Doubt", "Gull"]
