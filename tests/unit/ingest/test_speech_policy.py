"""A lead says what becomes of the speech that a node records."""

import pytest
from unit.ingest.at_work import IngestAtWork, wav

from escolta.events import AudioAccepted, AudioHeld
from ingest import held


async def set_to(ingest: IngestAtWork, **policy: object) -> None:
    async with ingest.client() as client:
        answer = await client.put("/api/nodes/quay-1/policy", json=policy)
        assert answer.status_code == 200, answer.text


async def test_a_node_keeps_all_until_a_lead_says_otherwise(ingest: IngestAtWork) -> None:
    async with ingest.client() as client:
        [before] = (await client.get("/api/nodes")).json()
        await set_to(ingest, speech_policy="withhold", speech_threshold=0.25)
        [after] = (await client.get("/api/nodes")).json()
    assert (before["speech_policy"], after["speech_policy"], after["speech_threshold"]) == (
        *("keep", "withhold", 0.25),
    )
    noted = await ingest.on.catalog.fetchrow("SELECT what, which FROM audio.audit ORDER BY audit_id DESC")
    assert tuple(noted) == ("changed a speech policy", "quay-1: withhold, threshold 0.25")


@pytest.mark.parametrize(
    ("name", "policy", "status"),
    [
        ("quay-9", {"speech_policy": "keep"}, 404),
        ("quay-1", {"speech_policy": "delete"}, 422),
        ("quay-1", {"speech_policy": "withhold", "speech_threshold": 0}, 422),
    ],
)
async def test_what_cannot_be_is_refused(ingest: IngestAtWork, name, policy, status) -> None:
    async with ingest.client() as client:
        assert (await client.put(f"/api/nodes/{name}/policy", json=policy)).status_code == status
    assert await ingest.on.catalog.fetchval("SELECT count(*) FROM audio.audit") == 0


async def test_what_is_to_stay_is_held_at_the_node_until_the_policy_is_another(ingest: IngestAtWork) -> None:
    known, event = await ingest.upload(wav(seed=1), minutes_ago=90), await ingest.upload(wav(seed=2))
    await ingest.publish(known)
    await ingest.until_said(AudioAccepted, known)
    await set_to(ingest, speech_policy="stay")
    await ingest.publish(event, known)
    await ingest.until_said(AudioHeld, event)
    await ingest.until_said(AudioAccepted, known, times=2)  # it has left the node long ago
    now = ingest.on.clock.now()
    [row] = await held.waiting(ingest.on.catalog, now)
    assert (row["node"], row["kind"]) == ("quay-1", "policy")
    assert "stays there. On Nodes a lead may choose another" in row["reason"]
    await set_to(ingest, speech_policy="withhold")
    assert await held.waiting(ingest.on.catalog, now) == []
    await ingest.publish(event)
    await ingest.until_said(AudioAccepted, event)
