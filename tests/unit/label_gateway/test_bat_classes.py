"""Classes go out to BAT and come back as themselves, whatever they are called."""

import csv
import random
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from unit.label_gateway.bat_at_work import TeamInBat, team_in_bat
from unit.label_gateway.test_bat_names import AUDIOSET

from escolta.names import LONGEST, folded, tidy_name
from label_gateway.bat import store
from label_gateway.bat.names import SAFE
from servers.bat.process import BatProcess

ALPHABET = "aA zZ09_-'\"<>&/\\,;.:!?#$%()[]{}|~`^+*=@éÉñÇßøİıſ海鸥🐦\u0301\u200d\u0416ж\u05d0"


@pytest.fixture
async def team(bat: BatProcess, catalog_url: str, tmp_path: Path) -> AsyncIterator[TeamInBat]:
    async with team_in_bat(bat, catalog_url, tmp_path) as team:
        yield team


def of_audioset() -> list[str]:
    with AUDIOSET.open(encoding="utf-8") as file:
        return [row["name"] for row in csv.DictReader(file)]


def hostile(number: int) -> list[str]:
    """Names as a person might type them to hurt: long, alike, of signs, of any script."""
    draw = random.Random(0)
    found: dict[str, str] = {}
    while len(found) < number:
        text = "".join(draw.choices(ALPHABET, k=draw.choice([1, 2, 3, 49, 50, 51, LONGEST])))
        try:
            name = tidy_name(text)
        except ValueError:
            continue
        found.setdefault(folded(name), name)
    return list(found.values())


async def test_every_class_of_audioset_and_500_hostile_names_come_back_as_themselves(team: TeamInBat):
    names = list({folded(name): name for name in [*of_audioset(), *hostile(500)]}.values())
    assert len(names) > 1_100
    await team.gateway.on.catalog.executemany(
        "INSERT INTO audio.ontology (name) VALUES ($1) ON CONFLICT DO NOTHING", [(name,) for name in names]
    )
    await team.given_out(1)
    await team.round()
    ontology = dict(await team.on.catalog.fetch("SELECT class_id, name FROM audio.ontology"))
    async with team.client() as bat:
        in_bat = [it.name for it in await bat.classes()]
    assert len(in_bat) == len(ontology)
    assert all(SAFE.fullmatch(name) for name in in_bat)
    meaning = {name: class_id for class_id, name in (await store.names(team.on.catalog)).items()}
    assert sorted(ontology[meaning[name]] for name in in_bat) == sorted(ontology.values())


async def test_a_name_keeps_its_meaning_when_others_come_that_are_alike(team: TeamInBat):
    await team.gateway.class_named(team.lead, "dog bark")
    await team.given_out(1)
    await team.round()
    before = await store.names(team.on.catalog)
    await team.gateway.class_named(team.lead, "dog_bark")
    await team.given_out(1)
    await team.round()
    after = await store.names(team.on.catalog)
    assert before.items() < after.items()
    [(_, added)] = after.items() - before.items()
    assert added.startswith("dog_bark_")
    assert len(team.bat.rows("SELECT * FROM classes WHERE name LIKE 'dog%'")) == 2


async def test_a_class_that_another_team_has_made_there_is_shared_and_what_is_theirs_is_not_offered(
    team: TeamInBat,
):
    async with team.client() as bat:
        for name in ("Gull", "gull", "Whale"):
            await bat.add_class(name)
        await bat.add_class("Gull")  # it is there already
    await team.given_out(1)
    await team.round()
    offered = team.bat.rows("SELECT name FROM class_instances JOIN classes ON classes.id = class_id")
    assert sorted(name for (name,) in offered) == ["Doubt", "Gull"]
