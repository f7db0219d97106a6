"""ingest over HTTP: for leads, and for nobody else."""

from datetime import UTC, datetime
from typing import Any

import pytest
from unit.ingest.at_work import IngestAtWork, wav

from escolta.errors import Misconfigured
from escolta.events import AudioAccepted, NodeStatus
from escolta.runtime import running
from escolta.settings import Settings
from escolta.web.sessions import Role
from ingest.service import build

ROUTES = [
    ("GET", "/api/ingest"),
    ("GET", "/api/nodes"),
    ("POST", "/api/nodes"),
    ("PUT", "/api/nodes/quay-1/policy"),
    ("GET", "/api/quarantine"),
    ("GET", "/quarantine/static/quarantine.js"),
]


@pytest.mark.parametrize(("role", "status"), [(None, 401), ("labeler", 403)])
async def test_only_a_lead_gets_in(ingest: IngestAtWork, role: Role | None, status: int) -> None:
    async with ingest.client(role) as client:
        for method, path in ROUTES:
            body = {"name": "quay-2"} if method == "POST" else None
            response = await client.request(method, path, json=body)
            assert response.status_code == status, path
    assert await ingest.on.catalog.fetchval("SELECT count(*) FROM audio.nodes") == 1


async def test_the_quarantine_page_is_for_leads_and_says_so(ingest: IngestAtWork) -> None:
    async with ingest.client(None) as client:
        anonymous = await client.get("/quarantine")
    async with ingest.client("labeler") as client:
        labeler = await client.get("/quarantine")
    async with ingest.client() as client:
        lead = await client.get("/quarantine")
        module = await client.get("/quarantine/static/quarantine.js")
    assert (anonymous.status_code, anonymous.headers["location"]) == (303, "/sign-in")
    assert labeler.status_code == 403
    assert "Only a lead may see this page." in labeler.text
    assert 'src="/quarantine/static/quarantine.js"' in lead.text
    assert "javascript" in module.headers["content-type"]


async def test_a_node_is_registered_once(ingest: IngestAtWork) -> None:
    new = {"name": "quay-2", "project": "port", "source": "microphone"}
    async with ingest.client() as client:
        added = await client.post("/api/nodes", json=new)
        again = await client.post("/api/nodes", json={"name": "quay-2", "project": "airport"})
        listed = (await client.get("/api/nodes")).json()
    assert (added.status_code, again.status_code) == (201, 200)
    assert added.json() == again.json()
    assert [(node["name"], node["project"]) for node in listed] == [("quay-1", "default"), ("quay-2", "port")]
    assert (listed[1]["source"], listed[1]["node_type"]) == ("microphone", "unspecified")


async def test_a_node_with_a_bad_name_is_not_registered(ingest: IngestAtWork) -> None:
    bodies: list[dict[str, Any]] = [{}, {"name": "Quay 2"}, {"name": "quay-2", "project": "a\0b"}]
    async with ingest.client() as client:
        for body in bodies:
            assert (await client.post("/api/nodes", json=body)).status_code == 422


async def test_the_state_tells_how_far_each_node_is(ingest: IngestAtWork) -> None:
    begun = datetime.now(UTC)
    event = await ingest.upload(wav())
    status = NodeStatus(
        node="quay-1",
        at=event.start,
        spooled=3,
        free_bytes=1,
        version="0.1.0",
        source_done=True,
        source="a file",
    )
    await ingest.publish(event, b"words", status)
    await ingest.until_said(AudioAccepted, event)
    await ingest.quarantined(1)
    async with ingest.client() as client:
        await client.post("/api/nodes", json={"name": "quay-2"})
        state = (await client.get("/api/ingest")).json()
    seen = state["nodes"][0]["last_seen"]
    assert datetime.fromisoformat(seen) >= begun  # by ingest's clock, whatever the node's says
    assert (state["audios"], state["quarantined"], state["refused"], state["left_out"]) == (1, 1, 1, 0)
    said = {"spooled": 3, "source_done": True, "last_seen": seen, "source": "a file"}
    assert state["nodes"] == [
        {"name": "quay-1", "audios": 1} | said,
        {"name": "quay-2", "audios": 0} | dict.fromkeys(said),
    ]


async def test_the_quarantine_list_shows_the_newest_first(ingest: IngestAtWork) -> None:
    await ingest.publish(b"first")
    [first] = await ingest.quarantined(1)
    await ingest.publish(b"second")
    await ingest.quarantined(2)
    async with ingest.client() as client:
        both = (await client.get("/api/quarantine")).json()
        newest = (await client.get("/api/quarantine", params={"limit": 1})).json()
    assert [item["body"] for item in both] == ["second", "first"]
    assert newest == both[:1]
    assert both[1]["message_id"] == str(first["message_id"])
    assert both[1]["topic"] == "audio.recorded.quay-1"
    assert "not JSON" in both[1]["reason"]


async def test_the_api_is_described_for_those_who_generate_clients(ingest: IngestAtWork) -> None:
    async with ingest.client() as client:
        paths = (await client.get("/openapi.json")).json()["paths"]
    operations = {call["operationId"]: call for path in paths.values() for call in path.values()}
    assert set(operations) == {
        *("ingest_state", "list_nodes", "register_node", "set_policy", "list_quarantine"),
    }
    for call in operations.values():
        assert call["tags"] == ["ingest"]
        assert call["description"]


async def test_the_nodes_of_the_setting_are_registered_at_every_start(ingest: IngestAtWork) -> None:
    several = ingest.on.settings.model_copy(update={"nodes": "quay-1, quay-3,"})
    async with running(several, [build]) as (on, _):
        rows = await on.catalog.fetch("SELECT name FROM audio.nodes ORDER BY name")
    assert [row["name"] for row in rows] == ["quay-1", "quay-3"]


async def test_a_setting_that_names_no_node_stops_the_start(ingest: IngestAtWork) -> None:
    wrong: Settings = ingest.on.settings.model_copy(update={"nodes": "Quay 1"})
    with pytest.raises(Misconfigured, match="ESCOLTA_NODES: 'Quay 1'"):
        async with running(wrong, [build]):
            pass
