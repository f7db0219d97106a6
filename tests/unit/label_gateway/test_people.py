"""Groups and labelers, as a lead manages them."""

import asyncio

import pytest

from escolta.audit import INSTALLATION
from escolta.errors import Rejected
from label_gateway.people import labelers as people
from label_gateway.people.sign_in import sign_in_link


async def test_a_group_of_the_same_name_is_the_same_group(gateway):
    lead = await gateway.lead()
    answers = await asyncio.gather(*(lead.post("/api/groups", json={"name": "harbor"}) for _ in range(5)))
    assert sorted(answer.status_code for answer in answers) == 4 * [200] + [201]
    assert len({answer.json()["group_id"] for answer in answers}) == 1


async def test_a_name_is_taken_once(gateway):
    lead = await gateway.lead()
    assert (await lead.post("/api/labelers", json={"name": "ana"})).status_code == 201
    again = await lead.post("/api/labelers", json={"name": "ana"})
    assert (again.status_code, "ana" in again.json()["detail"]) == (409, True)


async def test_a_group_that_is_not_there_is_refused_by_name(gateway):
    lead = await gateway.lead()
    refused = await lead.post("/api/labelers", json={"name": "ana", "group": "harbour"})
    assert (refused.status_code, "harbour" in refused.json()["detail"]) == (400, True)
    assert [who["name"] for who in (await lead.get("/api/labelers")).json()] == ["lead"]


async def test_the_last_lead_stays_one(gateway):
    lead = await gateway.lead()
    labeler_id = (await lead.get("/api/me")).json()["labeler_id"]
    demoted = {"role": "labeler", "group": None, "enabled": True}
    for state in (demoted, {"role": "lead", "group": None, "enabled": False}):
        refused = await lead.put(f"/api/labelers/{labeler_id}", json=state)
        assert (refused.status_code, "last lead" in refused.json()["detail"]) == (400, True)
    await lead.post("/api/labelers", json={"name": "eva", "role": "lead"})
    assert (await lead.put(f"/api/labelers/{labeler_id}", json=demoted)).status_code == 200


@pytest.mark.parametrize("change", [{"role": "labeler"}, {"enabled": False}])
async def test_of_leads_who_remove_each_other_at_once_one_is_left(gateway, change):
    lead = await gateway.lead()
    await lead.post("/api/labelers", json={"name": "eva", "role": "lead"})
    first, second = await people.labelers(gateway.on.catalog)
    async with gateway.on.catalog.acquire() as db:
        of_first = db.transaction()
        await of_first.start()
        await db.execute("UPDATE audio.labelers SET enabled = false WHERE labeler_id = $1", first.labeler_id)
        change_of_second = asyncio.create_task(
            people.change_labeler(gateway.on.catalog, second.model_copy(update=change), INSTALLATION)
        )

        async def it_waits_or_has_ended() -> bool:
            return change_of_second.done() or await db.fetchval(
                "SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted"
                " AND database = (SELECT oid FROM pg_database WHERE datname = current_database()))"
            )

        await gateway.until(it_waits_or_has_ended)
        await of_first.commit()
    with pytest.raises(Rejected, match="last lead"):
        await change_of_second
    leads = await gateway.on.catalog.fetch("SELECT name FROM audio.labelers WHERE role = 'lead' AND enabled")
    assert [who["name"] for who in leads] == ["eva"]


async def test_many_leads_who_remove_each_other_leave_one(gateway):
    lead = await gateway.lead()
    for number in range(6):
        await lead.post("/api/labelers", json={"name": f"lead {number}", "role": "lead"})
    everybody = await people.labelers(gateway.on.catalog)
    gone = [who.model_copy(update={"role": "labeler"}) for who in everybody]
    changes = (people.change_labeler(gateway.on.catalog, after, INSTALLATION) for after in gone)
    outcomes = await asyncio.gather(*changes, return_exceptions=True)
    assert [type(it) for it in outcomes if isinstance(it, BaseException)] == [Rejected]


async def test_a_disabled_lead_does_not_hold_the_place_of_the_last(gateway):
    """Somebody who may not sign in already can lose the role, whoever is left."""
    lead = await gateway.lead()
    eva = (await lead.post("/api/labelers", json={"name": "eva", "role": "lead"})).json()
    for state in (
        {"role": "lead", "group": None, "enabled": False},
        {"role": "labeler", "group": None, "enabled": False},
    ):
        assert (await lead.put(f"/api/labelers/{eva['labeler_id']}", json=state)).status_code == 200


async def test_where_no_lead_may_sign_in_one_is_made(gateway):
    """However it came about: by hand in the catalog, here."""
    await gateway.lead()
    await gateway.on.catalog.execute("UPDATE audio.labelers SET enabled = false")
    with pytest.raises(Rejected, match="escolta greet NAME --lead"):
        await gateway.service.greeting()
    for name in ("lead", "eva"):
        lead = await people.make_lead(gateway.on.catalog, name, INSTALLATION)
        assert (lead.name, lead.role, lead.enabled) == (name, "lead", True)
        await gateway.person(await sign_in_link(gateway.on, name))


async def test_a_labeler_that_is_not_there_is_not_found(gateway):
    lead = await gateway.lead()
    state = {"role": "labeler", "group": None, "enabled": True}
    assert (await lead.put("/api/labelers/99", json=state)).status_code == 404
    assert (await lead.post("/api/labelers/99/link")).status_code == 404


async def test_somebody_without_a_group_has_nothing_to_do(gateway):
    lead = await gateway.lead()
    [ana] = await gateway.team(lead, "harbor", "ana")
    await gateway.propose(1)
    await gateway.until_tasks(ana, 1)
    assert (await lead.get("/api/tasks")).json() == []
    me = (await lead.get("/api/me")).json()
    assert (me["group"], me["waiting"], me["done"]) == (None, 0, 0)


async def test_the_parts_of_groups_follow_the_settings(gateway):
    lead = await gateway.lead()
    [ana] = await gateway.team(lead, "harbor", "ana")
    [ben] = await gateway.team(lead, "campus", "ben")
    gateway.on.settings = gateway.on.settings.model_copy(update={"group_shares": {"harbor": 3.0}})
    await gateway.propose(4)
    await gateway.until_tasks(ana, 3)
    await gateway.until_tasks(ben, 1)


async def test_an_audio_that_two_groups_hear_is_settled_by_all_of_them(gateway):
    lead = await gateway.lead()
    [ana] = await gateway.team(lead, "harbor", "ana")
    [ben] = await gateway.team(lead, "campus", "ben")
    gateway.on.settings = gateway.on.settings.model_copy(update={"group_overlap": 1.0})
    await gateway.propose(1)
    [task] = await gateway.until_tasks(ana, 1)
    for labeler in (ana, ben):
        assert await gateway.on.catalog.fetchval("SELECT count(*) FROM label.agreements") == 0
        await labeler.put(f"/api/tasks/{task['iteration_id']}/{task['audio_id']}", json={"events": []})
    assert await gateway.on.catalog.fetchval("SELECT labelers FROM label.agreements") == 2


async def test_a_labeler_can_be_moved_where_the_catalog_has_no_lead(gateway):
    operator = await gateway.person()
    operator.headers["authorization"] = f"Bearer {gateway.on.own_token}"
    ana = (await operator.post("/api/labelers", json={"name": "ana"})).json()
    await operator.post("/api/groups", json={"name": "quay"})
    state = {"role": "labeler", "group": "quay", "enabled": True}
    assert (await operator.put(f"/api/labelers/{ana['labeler_id']}", json=state)).status_code == 200


async def test_labelers_without_a_lead_get_one_who_joins_no_group(gateway):
    await gateway.on.catalog.execute("INSERT INTO audio.labelers (name, role) VALUES ('ana', 'labeler')")
    lead = await gateway.person(await sign_in_link(gateway.on, "lead"))
    me = (await lead.get("/api/me")).json()
    assert (me["role"], me["group"]) == ("lead", None)
