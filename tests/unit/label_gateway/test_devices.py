"""A person's devices and tokens: where they are signed in, and how they end that."""

import pytest

from label_gateway.people.session_rows import called
from label_gateway.people.sign_in import sign_in_link

FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
CHROME = (
    "Mozilla/5.0 (Linux; Android 15; Pixel 9) AppleWebKit/537.36 (KHTML, like Gecko)"
    " Chrome/140.0.0.0 Mobile Safari/537.36"
)
EDGE = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko)"
    " Chrome/140.0.0.0 Safari/537.36 Edg/140.0.0.0"
)
SAFARI = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko)"
    " Version/18.0 Mobile/15E148 Safari/604.1"
)


async def sessions(client) -> list[dict]:
    answer = await client.get("/api/me/sessions")
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_signing_out_ends_the_session_and_not_its_cookie_alone(gateway):
    client = await gateway.lead()
    cookie = "; ".join(f"{name}={value}" for name, value in client.cookies.items())
    assert (await client.delete("/api/session")).status_code == 204
    assert not client.cookies
    assert (await client.get("/api/me", headers={"cookie": cookie})).status_code == 401
    assert await gateway.on.catalog.fetchval("SELECT count(*) FROM label.sessions") == 0


async def test_a_person_sees_their_own_devices_and_tokens_by_name(gateway):
    lead = await gateway.lead()
    [ana] = await gateway.team(lead, "harbor", "ana")
    phone = await gateway.person()
    link = (await ana.post("/api/me/link")).json()["url"]
    body = {"token": link.partition("#")[2]}
    await phone.post("/api/session", json=body, headers={"user-agent": CHROME})
    await ana.post("/api/me/token", json={"name": "night export"})
    await ana.post("/api/me/token")
    listed = await sessions(phone)
    assert [(it["kind"], it["name"], it["current"]) for it in listed] == [
        ("token", "A program", False),
        ("token", "night export", False),
        ("browser", "Chrome on Android", True),
        ("browser", "A browser", False),
    ]
    assert all(it["ends_at"] > it["made_at"] for it in listed)
    assert len(await sessions(lead)) == 1


async def test_a_person_ends_one_device_and_no_other(gateway):
    lead = await gateway.lead()
    other = await gateway.person((await lead.post("/api/me/link")).json()["url"])
    [mine] = [it for it in await sessions(other) if it["current"]]
    assert (await lead.delete(f"/api/me/sessions/{mine['session_id']}")).status_code == 204
    assert (await other.get("/api/me")).status_code == 401
    assert (await lead.get("/api/me")).status_code == 200
    again = await lead.delete(f"/api/me/sessions/{mine['session_id']}")
    assert (again.status_code, "ended already" in again.json()["detail"]) == (404, True)


async def test_nobody_ends_the_session_of_somebody_else(gateway):
    lead = await gateway.lead()
    [ana] = await gateway.team(lead, "harbor", "ana")
    [of_lead] = await sessions(lead)
    assert (await ana.delete(f"/api/me/sessions/{of_lead['session_id']}")).status_code == 404
    await ana.delete("/api/me/sessions")
    assert (await lead.get("/api/me")).status_code == 200


async def test_signing_out_everywhere_ends_every_device_and_token(gateway):
    lead = await gateway.lead()
    other = await gateway.person((await lead.post("/api/me/link")).json()["url"])
    program = await gateway.person()
    token = (await lead.post("/api/me/token")).json()["token"]
    program.headers["authorization"] = f"Bearer {token}"
    assert (await program.get("/api/me")).status_code == 200
    assert (await other.delete("/api/me/sessions")).status_code == 204
    for client in (lead, other, program):
        assert (await client.get("/api/me")).status_code == 401


async def test_whoever_was_disabled_and_may_come_back_signs_in_anew(gateway):
    lead = await gateway.lead()
    [ana] = await gateway.team(lead, "harbor", "ana")
    labeler_id = (await ana.get("/api/me")).json()["labeler_id"]
    for enabled in (False, True):
        state = {"role": "labeler", "group": "harbor", "enabled": enabled}
        assert (await lead.put(f"/api/labelers/{labeler_id}", json=state)).status_code == 200
        assert (await ana.get("/api/me")).status_code == 401
    await gateway.person(await sign_in_link(gateway.on, "ana"))


async def test_sessions_that_have_ended_are_swept_out(gateway):
    await gateway.lead()
    await gateway.on.catalog.execute("UPDATE label.sessions SET ends_at = now() - interval '1 s'")
    await gateway.person(await sign_in_link(gateway.on, "lead"))
    assert await gateway.on.catalog.fetchval("SELECT count(*) FROM label.sessions") == 1


@pytest.mark.parametrize(
    ("user_agent", "name"),
    [
        (FIREFOX, "Firefox on Linux"),
        (CHROME, "Chrome on Android"),
        (EDGE, "Edge on Windows"),
        (SAFARI, "Safari on iPhone"),
        ("curl/8.0", "A browser"),
        ("", "A browser"),
        ("Firefox/" * 10_000, "Firefox"),
    ],
)
def test_a_browser_is_called_what_its_owner_would_call_it(user_agent, name):
    assert called(user_agent) == name
