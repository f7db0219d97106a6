"""Where each labeler labels: on the page, or in BAT as a user of theirs there."""

import pytest


async def ids(lead) -> dict[str, int]:
    return {who["name"]: who["labeler_id"] for who in (await lead.get("/api/labelers")).json()}


async def bat_users(lead) -> dict[str, str | None]:
    return {who["name"]: who["bat_user"] for who in (await lead.get("/api/labelers")).json()}


async def say(client, labeler_id: int, bat_user: str | None):
    return await client.put(f"/api/labelers/{labeler_id}/bat-user", json={"bat_user": bat_user})


async def test_everybody_labels_on_the_page_until_a_lead_says_that_somebody_labels_in_bat(gateway):
    lead = await gateway.lead()
    await gateway.team(lead, "harbor", "ana", "ben")
    assert set((await bat_users(lead)).values()) == {None}
    answer = await say(lead, (await ids(lead))["ana"], "  Ana.B ")
    assert (answer.status_code, answer.json()["bat_user"]) == (200, "Ana.B")
    assert await bat_users(lead) == {"lead": None, "ana": "Ana.B", "ben": None}
    assert (await say(lead, (await ids(lead))["ana"], None)).status_code == 200
    assert await bat_users(lead) == {"lead": None, "ana": None, "ben": None}


async def test_a_change_of_the_group_leaves_somebody_in_bat(gateway):
    lead = await gateway.lead()
    await gateway.team(lead, "harbor", "ana")
    ana = (await ids(lead))["ana"]
    await say(lead, ana, "ana")
    state = {"role": "labeler", "group": None, "enabled": True}
    changed = await lead.put(f"/api/labelers/{ana}", json=state)
    assert (changed.json()["bat_user"], (await bat_users(lead))["ana"]) == ("ana", "ana")


async def test_a_user_of_bat_is_one_labeler_and_capitals_tell_them_apart(gateway):
    lead = await gateway.lead()
    await gateway.team(lead, "harbor", "ana", "ben")
    ana, ben = (await ids(lead))["ana"], (await ids(lead))["ben"]
    assert (await say(lead, ana, "mar")).status_code == 200
    refused = await say(lead, ben, "mar")
    assert (refused.status_code, "'ana' is the user 'mar'" in refused.json()["detail"]) == (409, True)
    assert (await say(lead, ana, "mar")).status_code == 200, "the same once more"
    assert (await say(lead, ben, "Mar")).status_code == 200
    assert await bat_users(lead) == {"lead": None, "ana": "mar", "ben": "Mar"}


@pytest.mark.parametrize("name", ["", "   ", "x" * 51, "a\nb", "a\0b"])
async def test_what_is_no_user_of_bat_is_refused(gateway, name):
    lead = await gateway.lead()
    await gateway.team(lead, "harbor", "ana")
    assert (await say(lead, (await ids(lead))["ana"], name)).status_code == 422
    assert set((await bat_users(lead)).values()) == {None}


async def test_only_a_lead_says_so_and_only_of_somebody_who_is_there(gateway):
    lead = await gateway.lead()
    [ana] = await gateway.team(lead, "harbor", "ana")
    assert (await say(ana, (await ids(lead))["ana"], "ana")).status_code == 403
    assert (await say(lead, 99, "ana")).status_code == 404


async def test_it_is_noted(gateway):
    lead = await gateway.lead()
    await gateway.team(lead, "harbor", "ana")
    await say(lead, (await ids(lead))["ana"], "ana.b")
    last = await gateway.on.catalog.fetchrow(
        "SELECT name, what, which FROM audio.audit ORDER BY audit_id DESC"
    )
    assert tuple(last) == ("lead", "changed a person", "ana: labeler, harbor, may sign in, in BAT as ana.b")
