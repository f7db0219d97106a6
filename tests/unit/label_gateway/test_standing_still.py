"""A batch that does not move says why, and what a lead can do."""

from datetime import timedelta

import pytest

from label_gateway.batches.progress import Awaited, stands_still

ANA, BEN = Awaited(name="ana", group="harbor", audios=3), Awaited(name="ben", group="harbor", audios=1)


@pytest.mark.parametrize(
    ("left", "awaited", "days", "says"),
    [
        (0, [], 30, None),
        (3, [ANA, BEN], 2, None),
        (3, [ANA, BEN], 4, "4 days. It waits for ana (3), ben (1)."),
        (3, [], 0, "Nobody is in a group that could hear the 3 audios"),
    ],
)
def test_a_batch_stands_still_where_nobody_is_or_nobody_comes(left, awaited, days, says):
    said = stands_still(left, awaited, timedelta(days=days))
    if says is None:
        assert said is None
    else:
        assert said
        assert says in said
        assert "close the batch with what there is" in said


async def test_a_lead_learns_that_nobody_is_there(gateway):
    lead = await gateway.lead()
    await gateway.propose(2)
    await gateway.until_handled(1)
    [batch] = (await lead.get("/api/progress")).json()
    assert "could hear the 2 audios" in batch["stands_still"]
    await gateway.team(lead, "harbor", "ana")
    [batch] = (await lead.get("/api/progress")).json()
    assert batch["stands_still"] is None
    assert batch["waits_for"] == [{"name": "ana", "group": "harbor", "audios": 2}]


async def test_a_lead_learns_for_whom_a_batch_has_waited_long(gateway):
    lead = await gateway.lead()
    ana, _ = await gateway.team(lead, "harbor", "ana", "ben")
    await gateway.propose(1)
    [task] = await gateway.until_tasks(ana, 1)
    await ana.put(f"/api/tasks/{task['iteration_id']}/{task['audio_id']}", json={"events": []})
    await gateway.on.catalog.execute(
        "UPDATE al.al_preprocessing SET proposed_at = now() - interval '9 days';"
        "UPDATE label.submissions SET submitted_at = now() - interval '5 days'"
    )
    [batch] = (await lead.get("/api/progress")).json()
    assert "5 days. It waits for ben (1)." in batch["stands_still"]
    await lead.post(f"/api/progress/{task['iteration_id']}/close")
    [batch] = (await lead.get("/api/progress")).json()
    assert (batch["closed"], batch["waits_for"], batch["stands_still"]) == (True, [], None)
