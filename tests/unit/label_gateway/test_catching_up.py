"""What a crash, a lost message or a change of people left undone, the job does."""

from datetime import timedelta

from escolta.events import AudioLabeled, IterationClosed
from label_gateway.batches import handlers as batches


async def test_a_batch_whose_event_was_lost_is_given_out(gateway):
    lead = await gateway.lead()
    [ana] = await gateway.team(lead, "harbor", "ana")
    await gateway.propose(2, tell=False)
    assert (await ana.get("/api/tasks")).json() == []
    await gateway.catch_up()
    assert len((await ana.get("/api/tasks")).json()) == 2


async def test_a_batch_without_labelers_waits_for_the_first(gateway):
    lead = await gateway.lead()
    await lead.post("/api/groups", json={"name": "nobody"})
    iteration_id = await gateway.propose(2)
    await gateway.catch_up()
    [batch] = (await lead.get("/api/progress")).json()
    assert (batch["iteration_id"], batch["audios"], batch["groups"]) == (str(iteration_id), 2, [])
    [ana] = await gateway.team(lead, "harbor", "ana")
    await gateway.catch_up()
    assert len((await ana.get("/api/tasks")).json()) == 2


async def test_nobody_waits_for_a_labeler_who_was_disabled(gateway):
    lead = await gateway.lead()
    ana, ben = await gateway.team(lead, "harbor", "ana", "ben")
    await gateway.propose(2)
    first, second = await gateway.until_tasks(ana, 2)
    horn = await gateway.class_named(ana, "horn")
    for labeler, task in ((ana, first), (ana, second), (ben, second)):
        await labeler.put(
            f"/api/tasks/{task['iteration_id']}/{task['audio_id']}",
            json={"events": [{"class_id": horn, "onset_s": 0, "offset_s": 1}]},
        )
    await gateway.until_heard(AudioLabeled, 1)
    labeler_id = (await ben.get("/api/me")).json()["labeler_id"]
    state = {"role": "labeler", "group": "harbor", "enabled": False}
    await lead.put(f"/api/labelers/{labeler_id}", json=state)
    await gateway.catch_up()
    labeled = await gateway.until_heard(AudioLabeled, 2)
    assert [event.labelers for event in labeled] == [2, 1]
    assert len(await gateway.until_heard(IterationClosed, 1)) == 1


async def test_an_audio_that_nobody_has_heard_is_not_settled_when_its_group_is_gone(gateway):
    lead = await gateway.lead()
    [ana] = await gateway.team(lead, "harbor", "ana")
    await gateway.propose(1)
    await gateway.until_tasks(ana, 1)
    labeler_id = (await ana.get("/api/me")).json()["labeler_id"]
    await lead.put(f"/api/labelers/{labeler_id}", json={"role": "labeler", "group": None, "enabled": True})
    await gateway.catch_up()
    assert await gateway.on.catalog.fetchval("SELECT count(*) FROM label.agreements") == 0


async def test_a_crash_between_row_and_event_loses_no_event(gateway):
    """As if killed after the commit of the last agreement, before anything was said or closed."""
    lead = await gateway.lead()
    [ana] = await gateway.team(lead, "harbor", "ana")
    await gateway.propose(1)
    [task] = await gateway.until_tasks(ana, 1)
    await gateway.on.catalog.execute(
        "INSERT INTO label.agreements (iteration_id, audio_id, class_id, labelers, agreement_percent)"
        " SELECT iteration_id, audio_id, 1, 1, 100 FROM label.assignments"
    )
    await gateway.catch_up()
    [labeled] = await gateway.until_heard(AudioLabeled, 1)
    assert str(labeled.audio_id) == task["audio_id"]
    assert len(await gateway.until_heard(IterationClosed, 1)) == 1


async def test_a_crash_between_closing_and_event_loses_no_event(gateway):
    iteration_id = await gateway.propose(1)
    await gateway.on.catalog.execute(
        "INSERT INTO label.closed_iterations (iteration_id) VALUES ($1)", iteration_id
    )
    await gateway.catch_up()
    [closed] = await gateway.until_heard(IterationClosed, 1)
    assert closed.iteration_id == iteration_id


async def test_what_al_engine_has_taken_up_is_not_told_again(gateway):
    iteration_id = await gateway.propose(1)
    await gateway.on.catalog.execute(
        "INSERT INTO label.agreements (iteration_id, audio_id, labelers, agreement_percent)"
        " SELECT iteration_id, audio_id, 1, 0 FROM al.wavs_proposed"
    )
    await gateway.on.catalog.execute(
        "INSERT INTO label.closed_iterations (iteration_id) VALUES ($1)", iteration_id
    )
    await gateway.on.catalog.execute("UPDATE al.wavs_proposed SET labeled_at = now()")
    await gateway.on.catalog.execute("UPDATE al.al_preprocessing SET status = 'closed'")
    await gateway.catch_up()
    await gateway.until_heard(AudioLabeled, 0)
    await gateway.until_heard(IterationClosed, 0)


async def test_a_fact_that_is_not_taken_up_is_told_again_but_seldom(gateway, monkeypatch):
    iteration_id = await gateway.propose(1)
    await gateway.on.catalog.execute(
        "INSERT INTO label.closed_iterations (iteration_id) VALUES ($1)", iteration_id
    )
    for _ in range(3):
        await gateway.catch_up()
    await gateway.until_heard(IterationClosed, 1)
    monkeypatch.setattr(batches, "REPEAT_AFTER", timedelta(0))
    await gateway.catch_up()
    await gateway.until_heard(IterationClosed, 2)


async def test_the_metrics_count_submissions_and_agreements(gateway):
    lead = await gateway.lead()
    ana, _ = await gateway.team(lead, "harbor", "ana", "ben")
    [eva] = await gateway.team(lead, "campus", "eva")
    await gateway.propose(2)
    [ours] = await gateway.until_tasks(ana, 1)
    [hers] = await gateway.until_tasks(eva, 1)
    for labeler, task in ((ana, ours), (eva, hers)):
        await labeler.put(f"/api/tasks/{task['iteration_id']}/{task['audio_id']}", json={"events": []})
    await gateway.catch_up()
    value = gateway.on.metrics.get_sample_value
    assert value("escolta_labeling_submissions_total", {"group": "harbor"}) == 1
    assert value("escolta_labeling_submissions_total", {"group": "campus"}) == 1
    assert value("escolta_labeling_agreements_total", {"outcome": "none"}) == 1
