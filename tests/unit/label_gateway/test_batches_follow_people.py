"""People come, go and change groups while they label: somebody hears every audio, and no work is lost."""

import asyncio

import pytest

from escolta.events import AudioLabeled, IterationClosed


def address(task: dict) -> str:
    return f"/api/tasks/{task['iteration_id']}/{task['audio_id']}"


async def answer(labeler, task: dict, *class_ids: int):
    events = [{"class_id": class_id, "onset_s": 0, "offset_s": 10} for class_id in class_ids]
    return await labeler.put(address(task), json={"events": events})


async def put(lead, labeler, **change: object) -> None:
    """Change a person's group, role or whether they may sign in."""
    me = (await labeler.get("/api/me")).json()
    state = {"role": me["role"], "group": me["group"], "enabled": True} | change
    changed = await lead.put(f"/api/labelers/{me['labeler_id']}", json=state)
    assert changed.status_code == 200, changed.text


async def test_groups_that_a_lead_makes_get_what_the_first_group_had(gateway):
    """The lead labels a batch alone, then makes groups of three and two, and leaves the first group."""
    lead = await gateway.person((await gateway.service.greeting()).split()[-1])
    await gateway.propose(10)
    for task in (await gateway.until_tasks(lead, 10))[:4]:
        await answer(lead, task)
    three = await gateway.team(lead, "harbor", "ana", "ben", "eva")
    two = await gateway.team(lead, "campus", "nuria", "pau")
    await put(lead, lead, group=None)
    left = [len((await person.get("/api/tasks?limit=50")).json()) for person in (lead, *three, *two)]
    assert left == [0, 3, 3, 3, 3, 3]
    for team in (three, two):
        for task in (await team[0].get("/api/tasks?limit=50")).json():
            for labeler in team:
                assert (await answer(labeler, task)).status_code == 200
    assert len(await gateway.until_heard(IterationClosed, 1)) == 1
    assert len(gateway.said(AudioLabeled)) == 10


@pytest.mark.parametrize("gone", [{"enabled": False}, {"group": None}, {"group": "campus"}])
async def test_when_the_last_person_of_a_group_leaves_the_others_hear_its_share(gateway, gone):
    lead = await gateway.lead()
    [ana] = await gateway.team(lead, "harbor", "ana")
    [ben] = await gateway.team(lead, "campus", "ben")
    await gateway.propose(4)
    first, _ = await gateway.until_tasks(ana, 2)
    await answer(ana, first, 1)
    await put(lead, ana, **gone)
    for task in await gateway.until_tasks(ben, 3):
        await answer(ben, task)
    if gone == {"group": "campus"}:
        for task in await gateway.until_tasks(ana, 3):
            await answer(ana, task)
    await gateway.catch_up()
    assert len(await gateway.until_heard(IterationClosed, 1)) == 1
    assert len(gateway.said(AudioLabeled)) == 4
    assert await gateway.on.catalog.fetchval("SELECT count(*) FROM audio.chunks") == 1


async def test_where_nobody_is_left_the_batch_waits_for_whoever_comes(gateway):
    lead = await gateway.lead()
    [ana] = await gateway.team(lead, "harbor", "ana")
    await gateway.propose(2)
    await gateway.until_tasks(ana, 2)
    await put(lead, ana, enabled=False)
    [ben] = await gateway.team(lead, "campus", "ben")
    assert len((await ben.get("/api/tasks")).json()) == 2


async def test_what_somebody_is_hearing_when_it_goes_to_others_is_theirs_if_they_answer_first(gateway):
    lead = await gateway.lead()
    [ana] = await gateway.team(lead, "harbor", "ana")
    await gateway.propose(2)
    hearing = await gateway.until_tasks(ana, 2)
    [ben] = await gateway.team(lead, "campus", "ben")
    [moved] = await gateway.until_tasks(ben, 1)
    assert moved["audio_id"] in {task["audio_id"] for task in hearing}
    assert (await ana.get(f"/api/audio/{moved['audio_id']}")).status_code == 200
    assert (await answer(ana, moved, 1)).status_code == 200
    assert await gateway.until_tasks(ben, 0) == []
    refused = await answer(ben, moved)
    assert (refused.status_code, "no longer" in refused.json()["detail"]) == (403, True)
    await gateway.catch_up()  # campus still has half of the batch to hear
    [left] = await gateway.until_tasks(ben, 1)
    await answer(ben, left)
    assert len(await gateway.until_heard(IterationClosed, 1)) == 1


async def test_all_who_are_hearing_what_was_withdrawn_may_answer_at_once(gateway):
    """Of four of a group, that hear six audios each, half of which have just gone to another group."""
    lead = await gateway.lead()
    team = await gateway.team(lead, "harbor", "ana", "ben", "eva", "pau")
    await gateway.propose(6)
    tasks = await gateway.until_tasks(team[0], 6)
    [other] = await gateway.team(lead, "campus", "nuria")
    await gateway.until_tasks(other, 3)
    answers = await asyncio.gather(*(answer(who, task, 1) for task in tasks for who in team))
    assert {it.status_code for it in answers} == {200}
    assert len(await gateway.until_heard(AudioLabeled, 6)) == 6
    assert {it.labelers for it in gateway.said(AudioLabeled)} == {4}


async def test_what_others_have_answered_is_not_taken_back(gateway):
    lead = await gateway.lead()
    [ana] = await gateway.team(lead, "harbor", "ana")
    await gateway.propose(2)
    await gateway.until_tasks(ana, 2)
    ben, _ = await gateway.team(lead, "campus", "ben", "pau")
    [moved] = await gateway.until_tasks(ben, 1)
    await answer(ben, moved)
    assert (await answer(ana, moved)).status_code == 403


async def test_an_answer_and_a_new_group_at_once_leave_every_audio_with_one_group(gateway):
    lead = await gateway.lead()
    [ana] = await gateway.team(lead, "harbor", "ana")
    await gateway.propose(12)
    tasks = await gateway.until_tasks(ana, 12)
    answers, _ = await asyncio.gather(
        asyncio.gather(*(answer(ana, task, 1) for task in tasks)), gateway.team(lead, "campus", "ben")
    )
    assert {it.status_code for it in answers} == {200}
    await gateway.catch_up()
    rows = await gateway.on.catalog.fetch(
        "SELECT audio_id, count(*) AS groups FROM label.assignments GROUP BY audio_id"
    )
    assert [row["groups"] for row in rows] == 12 * [1]
    assert len(await gateway.until_heard(IterationClosed, 1)) == 1


async def test_places_are_counted_anew(gateway):
    lead = await gateway.lead()
    [ana] = await gateway.team(lead, "harbor", "ana")
    await gateway.propose(5)
    await gateway.until_tasks(ana, 5)
    [ben] = await gateway.team(lead, "campus", "ben")
    for labeler, number in ((ana, 3), (ben, 2)):
        tasks = await gateway.until_tasks(labeler, number)
        assert [(task["place"], task["of"]) for task in tasks] == [(n + 1, number) for n in range(number)]


async def test_a_lead_closes_a_batch_with_what_there_is(gateway):
    lead = await gateway.lead()
    ana, ben = await gateway.team(lead, "harbor", "ana", "ben")
    iteration_id = await gateway.propose(3)
    first, second, third = await gateway.until_tasks(ana, 3)
    await answer(ana, first, 1)
    await answer(ben, first, 1)
    horn = await gateway.class_named(ana, "horn")
    await answer(ana, second, horn)
    assert (await ana.post(f"/api/progress/{iteration_id}/close")).status_code == 403
    assert (await lead.post(f"/api/progress/{iteration_id}/close")).status_code == 200
    labels = {str(it.audio_id): it.label for it in await gateway.until_heard(AudioLabeled, 2)}
    assert labels == {first["audio_id"]: None, second["audio_id"]: "horn"}
    assert len(await gateway.until_heard(IterationClosed, 1)) == 1
    assert await gateway.until_tasks(ben, 0) == []
    refused = await answer(ben, third)
    assert (refused.status_code, "closed" in refused.json()["detail"]) == (409, True)
    again = await lead.post(f"/api/progress/{iteration_id}/close")
    assert (again.status_code, str(iteration_id) in again.json()["detail"]) == (400, True)
    await gateway.catch_up()
    assert len(gateway.said(AudioLabeled)) == 2


async def test_of_a_group_of_three_and_one_of_two_each_agrees_by_itself(gateway):
    """Three of five say horn, but neither two of three nor two of two do."""
    lead = await gateway.lead()
    gateway.on.settings = gateway.on.settings.model_copy(update={"group_overlap": 1.0})
    three = await gateway.team(lead, "harbor", "ana", "ben", "eva")
    two = await gateway.team(lead, "campus", "nuria", "pau")
    await gateway.propose(2)
    first, second = await gateway.until_tasks(three[0], 2)
    horn = await gateway.class_named(lead, "horn")
    for labeler in (three[0], two[0]):
        await answer(labeler, first, horn)
    for labeler in two:
        await answer(labeler, second, horn)
    for labeler in (*three[1:], two[1]):
        await answer(labeler, first)
    for labeler in three:
        await answer(labeler, second)
    labeled = {str(it.audio_id): it for it in await gateway.until_heard(AudioLabeled, 2)}
    assert labeled[first["audio_id"]].label is None
    agreed = labeled[second["audio_id"]]
    assert (agreed.label, agreed.labelers, agreed.agreement_percent) == ("horn", 5, 40)


async def test_an_answer_counts_for_the_group_in_which_it_was_given(gateway):
    """Ana moves to the other group, which hears the audio too, after she has answered."""
    lead = await gateway.lead()
    gateway.on.settings = gateway.on.settings.model_copy(update={"group_overlap": 1.0})
    ana, ben = await gateway.team(lead, "harbor", "ana", "ben")
    [pau] = await gateway.team(lead, "campus", "pau")
    await gateway.propose(1)
    [task] = await gateway.until_tasks(ana, 1)
    horn = await gateway.class_named(ana, "horn")
    await answer(ana, task, horn)
    await put(lead, ana, group="campus")
    await answer(ben, task, horn)
    await answer(pau, task)
    [labeled] = await gateway.until_heard(AudioLabeled, 1)
    assert (labeled.label, labeled.labelers) == ("horn", 3)
