"""A name is one name, however it was typed: composed or not, in capitals or not, with whatever spaces."""

import asyncio
import unicodedata

import pytest

from escolta.catalog import migrate
from label_gateway.people.sign_in import sign_in_link

WAYS = [
    "Höhle",
    unicodedata.normalize("NFD", "Höhle"),
    "HÖHLE",
    " höhle\u00a0",
    unicodedata.normalize("NFD", "HÖhle"),
]
"""Of typing one name."""


async def test_a_class_is_one_however_it_is_typed(gateway):
    lead = await gateway.lead()
    answers = await asyncio.gather(*(lead.post("/api/classes", json={"name": way}) for way in WAYS))
    assert sorted(answer.status_code for answer in answers) == [200] * 4 + [201]
    assert len({answer.json()["class_id"] for answer in answers}) == 1
    _, kept = (await lead.get("/api/classes")).json()
    assert unicodedata.is_normalized("NFC", kept["name"])


async def test_a_group_is_one_however_it_is_typed(gateway):
    lead = await gateway.lead()
    answers = await asyncio.gather(*(lead.post("/api/groups", json={"name": way}) for way in WAYS))
    assert len({answer.json()["group_id"] for answer in answers}) == 1
    groups = set()
    for number, way in enumerate(WAYS):
        added = await lead.post("/api/labelers", json={"name": f"labeler {number}", "group": way})
        groups.add(added.json()["group"])
        state = {"role": "labeler", "group": way, "enabled": True}
        changed = await lead.put(f"/api/labelers/{added.json()['labeler_id']}", json=state)
        groups.add(changed.json()["group"])
    assert groups == {answers[0].json()["name"]}


async def test_a_labeler_is_one_however_the_name_is_typed(gateway):
    lead = await gateway.lead()
    answers = await asyncio.gather(*(lead.post("/api/labelers", json={"name": way}) for way in WAYS))
    assert sorted(answer.status_code for answer in answers) == [201] + [409] * 4
    for way in (WAYS[1], WAYS[2]):
        await gateway.person(await sign_in_link(gateway.on, way))


async def test_the_parts_of_groups_are_found_however_the_setting_is_typed(gateway):
    lead = await gateway.lead()
    [ana] = await gateway.team(lead, "Höhle", "ana")
    [ben] = await gateway.team(lead, "campus", "ben")
    typed = {unicodedata.normalize("NFD", "höhle"): 3.0}
    gateway.on.settings = gateway.on.settings.model_copy(update={"group_shares": typed})
    await gateway.propose(4)
    await gateway.until_tasks(ana, 3)
    await gateway.until_tasks(ben, 1)


async def test_classes_that_only_people_could_merge_stay_two(gateway):
    """As an earlier release left them: the name as it is typed finds the first that is written like it."""
    composed, decomposed = WAYS[:2]
    await gateway.on.catalog.execute(
        f"INSERT INTO audio.ontology (name) VALUES ('{decomposed}'), ('{composed}')"
    )
    lead = await gateway.lead()
    for way, found in ((composed, composed), (decomposed, composed), (WAYS[2], decomposed)):
        answer = await lead.post("/api/classes", json={"name": way})
        assert (answer.status_code, answer.json()["name"]) == (200, found), way


@pytest.mark.parametrize("twice", [False, True])
async def test_names_of_before_are_composed_where_that_merges_nothing(gateway, twice):
    composed, decomposed = WAYS[:2]
    db = gateway.on.catalog
    await db.execute(
        "DELETE FROM escolta_migrations WHERE name = '0018_composed_names.sql';"
        f"INSERT INTO audio.ontology (name) VALUES ('{decomposed}');"
        f"INSERT INTO label.groups (name) VALUES ('{decomposed}');"
        f"INSERT INTO audio.labelers (name, role) VALUES ('{decomposed}', 'labeler')"
    )
    if twice:
        await db.execute(
            f"INSERT INTO audio.ontology (name) VALUES ('{composed}');"
            f"INSERT INTO label.groups (name) VALUES ('{composed}');"
            f"INSERT INTO audio.labelers (name, role) VALUES ('{composed}', 'labeler')"
        )
    await gateway.propose(1, tell=False)
    await db.execute("UPDATE al.wavs_proposed SET label = $1", decomposed)
    await migrate(gateway.on.settings.catalog_url)
    kept = [decomposed, composed] if twice else [composed]
    for table in ("audio.ontology", "label.groups", "audio.labelers"):
        names = [row["name"] for row in await db.fetch(f"SELECT name FROM {table} WHERE name <> 'Doubt'")]
        assert sorted(names) == sorted(kept), table
    assert await db.fetchval("SELECT label FROM al.wavs_proposed") == kept[0]
