"""One-time links, sessions, and what is open to whom."""

import asyncio
from datetime import timedelta

import httpx
import pytest

from escolta.errors import Rejected
from label_gateway.people.sign_in import sign_in_link
from servers.plain import NO_TLS


def api_routes(gateway):
    """Method and address of every route under /api, with ids that name nothing."""
    nothing = "00000000-0000-0000-0000-000000000000"
    for path, verbs in gateway.app.openapi()["paths"].items():
        for verb in verbs:
            ids = {"iteration_id": nothing, "audio_id": nothing, "session_id": nothing, "labeler_id": 1}
            yield verb.upper(), path.format(**ids)


async def test_an_anonymous_caller_gets_401_from_every_route(gateway):
    anonymous = await gateway.person()
    answers = {
        (verb, path): (await anonymous.request(verb, path, json={"token": "guessed"})).status_code
        for verb, path in api_routes(gateway)
    }
    assert len(answers) >= 16
    assert set(answers.values()) == {401}


async def test_a_forged_session_gets_401_from_every_route(gateway):
    forged = httpx.AsyncClient(
        base_url=gateway.on.http_url,
        trust_env=False,
        timeout=120,
        headers={"authorization": "Bearer eyJhIjoxfQ.a.b"},
        verify=NO_TLS,
    )
    async with forged:
        for verb, path in api_routes(gateway):
            assert (await forged.request(verb, path, json={"token": "guessed"})).status_code == 401, path


async def test_a_labeler_gets_403_from_every_route_of_leads(gateway):
    lead = await gateway.lead()
    [ana] = await gateway.team(lead, "harbor", "ana")
    for_all = {"/api/session", "/api/me", "/api/tasks", "/api/classes", "/openapi.json"}
    for verb, path in api_routes(gateway):
        if path not in for_all and not path.startswith(("/api/tasks/", "/api/me/")):
            assert (await ana.request(verb, path, json={})).status_code == 403, path


async def test_a_link_signs_in_once(gateway):
    token = (await sign_in_link(gateway.on, "lead")).partition("#")[2]
    client = await gateway.person()
    first = await client.post("/api/session", json={"token": token})
    assert first.status_code == 200
    assert (first.json()["name"], first.json()["role"]) == ("lead", "lead")
    assert (await client.post("/api/session", json={"token": token})).status_code == 401


async def test_of_many_attempts_at_once_one_signs_in(gateway):
    token = (await sign_in_link(gateway.on, "lead")).partition("#")[2]
    client = await gateway.person()
    answers = await asyncio.gather(*(client.post("/api/session", json={"token": token}) for _ in range(8)))
    assert sorted(answer.status_code for answer in answers) == [200] + 7 * [401]
    value = gateway.on.metrics.get_sample_value
    assert value("escolta_sign_ins_total", {"outcome": "signed_in"}) == 1
    assert value("escolta_sign_ins_total", {"outcome": "refused"}) == 7


async def test_a_link_that_is_too_old_does_not_sign_in(gateway):
    token = (await sign_in_link(gateway.on, "lead")).partition("#")[2]
    await gateway.on.catalog.execute(
        "UPDATE label.sign_in_links SET expires_at = $1", gateway.on.clock.now() - timedelta(seconds=1)
    )
    assert (await (await gateway.person()).post("/api/session", json={"token": token})).status_code == 401


async def test_only_the_digest_of_a_token_is_kept(gateway):
    token = (await sign_in_link(gateway.on, "lead")).partition("#")[2]
    [row] = await gateway.on.catalog.fetch("SELECT * FROM label.sign_in_links")
    assert len(row["token_sha256"]) == 32
    assert token not in str(dict(row))


async def test_no_script_and_no_other_site_can_use_the_cookie(gateway):
    token = (await sign_in_link(gateway.on, "lead")).partition("#")[2]
    client = await gateway.person()
    cookie = (await client.post("/api/session", json={"token": token})).headers["set-cookie"].lower()
    assert {"httponly", "samesite=strict", "path=/"} <= set(cookie.split("; "))
    gateway.on.http_url = "https://escolta.example"
    token = (await sign_in_link(gateway.on, "lead")).partition("#")[2]
    cookie = (await client.post("/api/session", json={"token": token})).headers["set-cookie"].lower()
    assert "secure" in cookie.split("; ")


async def test_signing_out_forgets_the_cookie(gateway):
    client = await gateway.lead()
    assert (await client.delete("/api/session")).status_code == 204
    assert (await client.get("/api/me")).status_code == 401


async def test_the_token_of_the_session_works_as_a_bearer(gateway):
    client = await gateway.person()
    link = await sign_in_link(gateway.on, "lead")
    token = (await client.post("/api/session", json={"token": link.partition("#")[2]})).json()["token"]
    client.cookies.clear()
    answer = await client.get("/api/me", headers={"authorization": f"Bearer {token}"})
    assert answer.json()["group"] == "everyone"


async def test_a_person_makes_a_link_for_another_device(gateway):
    """The demo's one link was used: nobody has to stop it for another."""
    lead = await gateway.lead()
    [ana] = await gateway.team(lead, "harbor", "ana")
    for person, name in ((lead, "lead"), (ana, "ana")):
        other = await gateway.person((await person.post("/api/me/link")).json()["url"])
        assert (await other.get("/api/me")).json()["name"] == name
        assert (await person.get("/api/me")).status_code == 200, "and stays signed in here"


async def test_a_person_makes_a_token_for_programs(gateway):
    lead = await gateway.lead()
    [ana] = await gateway.team(lead, "harbor", "ana")
    program = await gateway.person()
    program.headers["authorization"] = f"Bearer {(await ana.post('/api/me/token')).json()['token']}"
    assert (await program.get("/api/me")).json()["name"] == "ana"
    assert (await program.get("/api/labelers")).status_code == 403, "it may do what ana may"


async def test_a_program_of_the_installation_has_no_account(gateway):
    program = await gateway.person()
    program.headers["authorization"] = f"Bearer {gateway.on.own_token}"
    asked = [("POST", "link"), ("POST", "token"), ("GET", "sessions"), ("DELETE", "sessions")]
    for verb, what in asked:
        refused = await program.request(verb, f"/api/me/{what}")
        assert (refused.status_code, "no account" in refused.json()["detail"]) == (400, True)


async def test_a_disabled_labeler_is_refused_with_and_without_a_session(gateway):
    lead = await gateway.lead()
    [ana] = await gateway.team(lead, "harbor", "ana")
    [labeler_id] = [
        who["labeler_id"] for who in (await lead.get("/api/labelers")).json() if who["name"] == "ana"
    ]
    link = await sign_in_link(gateway.on, "ana")
    state = {"role": "labeler", "group": "harbor", "enabled": False}
    assert (await lead.put(f"/api/labelers/{labeler_id}", json=state)).json()["enabled"] is False
    assert (await ana.get("/api/tasks")).status_code == 401
    again = await (await gateway.person()).post("/api/session", json={"token": link.partition("#")[2]})
    assert again.status_code == 401
    with pytest.raises(Rejected, match="ana"):
        await sign_in_link(gateway.on, "ana")


async def test_a_lead_who_is_one_no_longer_loses_the_routes_of_leads(gateway):
    lead = await gateway.lead()
    added = (await lead.post("/api/labelers", json={"name": "eva", "role": "lead"})).json()
    eva = await gateway.person(await sign_in_link(gateway.on, "eva"))
    assert (await eva.get("/api/labelers")).status_code == 200
    state = {"role": "labeler", "group": None, "enabled": True}
    await lead.put(f"/api/labelers/{added['labeler_id']}", json=state)
    assert (await eva.get("/api/labelers")).status_code == 403


async def test_a_token_that_makes_no_sense_is_refused_without_harm(gateway):
    client = await gateway.person()
    for token in ("", "x" * 201, "a\x00b", "é", 7, None):
        assert (await client.post("/api/session", json={"token": token})).status_code in (401, 422), token


async def test_the_greeting_makes_the_first_lead_once(gateway):
    for _ in range(2):
        link = (await gateway.service.greeting()).split()[-1]
        me = (await (await gateway.person(link)).get("/api/me")).json()
        assert (me["name"], me["role"], me["group"]) == ("lead", "lead", "everyone")
    assert await gateway.on.catalog.fetchval("SELECT count(*) FROM audio.labelers") == 1


async def test_the_greeting_gives_a_waiting_batch_to_the_first_lead(gateway):
    await gateway.propose(3)
    await gateway.until_handled(1)
    client = await gateway.person((await gateway.service.greeting()).split()[-1])
    assert len((await client.get("/api/tasks?limit=50")).json()) == 3
