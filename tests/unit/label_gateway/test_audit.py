"""Who did what: written down with what they did, changed by nobody, read by leads."""

import asyncio
import re
from typing import get_args

import asyncpg
import pytest

from escolta.audit import INSTALLATION, What, note
from label_gateway.audit import http
from label_gateway.audit.log import Wanted, entries


async def noted(gateway) -> list[tuple[str, str, str]]:
    """Who, what and which, the oldest first."""
    rows = await gateway.on.catalog.fetch("SELECT name, what, which FROM audio.audit ORDER BY audit_id")
    return [tuple(row) for row in rows]


async def test_what_a_lead_does_to_people_is_noted_with_their_names(gateway):
    lead = await gateway.lead()
    [ana] = await gateway.team(lead, "harbor", "ana")
    labeler_id = (await ana.get("/api/me")).json()["labeler_id"]
    state = {"role": "lead", "group": None, "enabled": True}
    await lead.put(f"/api/labelers/{labeler_id}", json=state)
    await lead.put(f"/api/labelers/{labeler_id}", json=state | {"enabled": False})
    assert await noted(gateway) == [
        ("Escolta", "added a person", "lead: lead, everyone, may sign in"),
        ("Escolta", "made a link", "for lead"),
        ("lead", "signed in", "A browser"),
        ("lead", "changed a person", "lead: lead, no group, may sign in"),
        ("lead", "added a person", "ana: labeler, harbor, may sign in"),
        ("lead", "made a link", "for ana"),
        ("ana", "signed in", "A browser"),
        ("lead", "changed a person", "ana: lead, no group, may sign in"),
        ("lead", "changed a person", "ana: lead, no group, may not sign in"),
    ]


async def test_what_was_refused_is_not_noted(gateway):
    lead = await gateway.lead()
    before = await noted(gateway)
    labeler_id = (await lead.get("/api/me")).json()["labeler_id"]
    state = {"role": "labeler", "group": None, "enabled": True}
    assert (await lead.put(f"/api/labelers/{labeler_id}", json=state)).status_code == 400
    assert (await lead.post("/api/labelers", json={"name": "lead"})).status_code == 409
    assert (await lead.post("/api/session", json={"token": "guessed"})).status_code == 401
    assert await noted(gateway) == before


async def test_devices_and_tokens_are_noted_when_they_come_and_go(gateway):
    lead = await gateway.lead()
    before = len(await noted(gateway))
    await lead.post("/api/me/token", json={"name": "night export"})
    other = await gateway.person((await lead.post("/api/me/link")).json()["url"])
    [token] = [it for it in (await lead.get("/api/me/sessions")).json() if it["kind"] == "token"]
    await lead.delete(f"/api/me/sessions/{token['session_id']}")
    await other.delete("/api/session")
    await lead.delete("/api/me/sessions")
    assert (await noted(gateway))[before:] == [
        ("lead", "made a token", "night export"),
        ("lead", "made a link", "for lead"),
        ("lead", "signed in", "A browser"),
        ("lead", "ended a session", "night export"),
        ("lead", "signed out", "A browser"),
        ("lead", "signed out everywhere", "A browser"),
    ]


async def test_each_submission_is_noted_and_each_correction(gateway):
    lead = await gateway.lead()
    ana, _ = await gateway.team(lead, "harbor", "ana", "ben")
    before = len(await noted(gateway))
    await gateway.propose(2)
    tasks = await gateway.until_tasks(ana, 2)
    for task in (tasks[0], tasks[0], tasks[1]):
        address = f"/api/tasks/{task['iteration_id']}/{task['audio_id']}"
        assert (await ana.put(address, json={"events": []})).status_code == 200
    said = [f"audio {task['audio_id']} of iteration {task['iteration_id']}" for task in tasks]
    expected = [("ana", "labeled", which) for which in (said[0], said[0], said[1])]
    assert (await noted(gateway))[before:] == expected
    await lead.post(f"/api/progress/{tasks[0]['iteration_id']}/close")
    assert (await noted(gateway))[-1] == ("lead", "closed a batch", tasks[0]["iteration_id"])


async def test_who_takes_the_data_set_is_noted(gateway):
    lead = await gateway.lead()
    for name in ("labels.csv", "chunks.csv"):
        assert (await lead.get(f"/api/dataset/{name}")).status_code == 200
        assert (await noted(gateway))[-1] == ("lead", "exported", name)


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE audio.audit SET name = 'somebody else'",
        "DELETE FROM audio.audit",
        "DELETE FROM audio.audit WHERE false",
        "TRUNCATE audio.audit",
        "SET session_replication_role = replica; DELETE FROM audio.audit",
        "INSERT INTO audio.audit (audit_id, service, name, what, which) VALUES (0, '', '', '', '')",
    ],
)
async def test_nobody_changes_what_is_noted_not_even_its_owner(gateway, change):
    await gateway.lead()
    before = await noted(gateway)
    async with gateway.on.catalog.acquire() as owner:
        with pytest.raises(asyncpg.PostgresError):
            await owner.execute(change)
        await owner.execute("RESET session_replication_role")
    assert await noted(gateway) == before


async def test_what_is_undone_was_not_noted(gateway):
    async with gateway.on.catalog.acquire() as db:
        undone = db.transaction()
        await undone.start()
        await note(db, "ingest", INSTALLATION, "deleted", "an audio")
        await undone.rollback()
    assert await noted(gateway) == []


async def test_long_names_are_cut(gateway):
    await note(gateway.on.catalog, "ingest", INSTALLATION, "deleted", "x" * 10_000)
    assert (await noted(gateway))[-1] == ("Escolta", "deleted", "x" * 500)


async def test_a_lead_reads_it_page_by_page_while_it_grows(gateway):
    lead = await gateway.lead()
    for number in range(7):
        await note(gateway.on.catalog, "ingest", INSTALLATION, "deleted", str(number))
    first = (await lead.get("/api/audit?limit=4")).json()
    await note(gateway.on.catalog, "ingest", INSTALLATION, "deleted", "later")
    mark = {"limit": 4, "before": first[-1]["audit_id"]}
    second = (await lead.get("/api/audit", params=mark)).json()
    assert [entry["which"] for entry in first] == ["6", "5", "4", "3"]
    assert [entry["which"] for entry in second][:3] == ["2", "1", "0"]
    assert (first[0]["service"], first[0]["labeler_id"], first[0]["name"]) == ("ingest", 0, "Escolta")


async def test_it_is_read_by_kind_and_without_the_labels(gateway):
    lead = await gateway.lead()
    for what in ("labeled", "deleted", "labeled"):
        await note(gateway.on.catalog, "ingest", INSTALLATION, what, "it")

    async def read(**params) -> list[str]:
        return [it["what"] for it in (await lead.get("/api/audit", params=params)).json()]

    assert (await read(what="everything", limit=3)) == ["labeled", "deleted", "labeled"]
    assert (await read(what="labeled")) == ["labeled", "labeled"]
    assert (await read(what="all but labels"))[0] == "deleted"
    assert "labeled" not in await read(what="all but labels")
    assert (await lead.get("/api/audit?what=anything")).status_code == 422


async def test_a_labeler_reads_nothing_of_it(gateway):
    [ana] = await gateway.team(await gateway.lead(), "harbor", "ana")
    for path in ("/api/audit", "/audit", "/audit/static/audit.js"):
        assert (await ana.get(path)).status_code == 403


@pytest.mark.parametrize("wanted", ["everything", "all but labels", "deleted"])
async def test_a_page_of_it_reads_no_more_than_it_shows(gateway, wanted):
    """Whatever the log holds: its rows come by an index, in order."""
    await gateway.on.catalog.execute(
        "INSERT INTO audio.audit (service, name, what, which)"
        " SELECT 'label-gateway', 'ana', CASE WHEN n % 100 = 0 THEN 'deleted' ELSE 'labeled' END, n::text"
        " FROM generate_series(1, 20_000) AS n"
    )
    await gateway.on.catalog.execute("ANALYZE audio.audit")
    await asyncio.gather(*(entries(gateway.on.catalog, wanted, 15_000, 10) for _ in range(8)))
    seen = await rows_read(gateway, wanted)
    assert 10 <= seen <= 30


async def rows_read(gateway, wanted: Wanted) -> int:
    """Rows of the log that the catalog looks at for a page of 10."""
    counted = "SELECT seq_tup_read + idx_tup_fetch FROM pg_stat_xact_user_tables WHERE relname = 'audit'"
    async with gateway.on.catalog.acquire() as db, db.transaction():
        before = await db.fetchval(counted)
        await entries(db, wanted, 15_000, 10)
        return await db.fetchval(counted) - before


def test_the_page_offers_every_kind_that_there_is():
    text = (http.pages.folder / "audit.js").read_text("utf-8")
    [kinds] = re.findall(r"const KINDS = \[(.*?)\];", text, re.DOTALL)
    assert tuple(re.findall(r'"(.*?)"', kinds)) == get_args(What)
