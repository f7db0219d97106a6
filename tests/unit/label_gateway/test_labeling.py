"""A batch on its way through a group: tasks, submissions, agreement."""

import asyncio
from uuid import uuid4

import pytest

from escolta.events import AudioLabeled, IterationClosed


def event(class_id: int, onset_s: object = 0.0, offset_s: object = 10.0) -> dict:
    return {"class_id": class_id, "onset_s": onset_s, "offset_s": offset_s}


def address(task: dict) -> str:
    return f"/api/tasks/{task['iteration_id']}/{task['audio_id']}"


async def submit(labeler, task: dict, *events: dict):
    return await labeler.put(address(task), json={"events": list(events)})


async def test_a_group_of_three_hears_what_was_proposed_in_the_order_of_ranks(gateway):
    lead = await gateway.lead()
    ana, ben, _ = await gateway.team(lead, "harbor", "ana", "ben", "eva")
    iteration_id = await gateway.propose(3)
    tasks = await gateway.until_tasks(ana, 3)
    assert [(task["place"], task["of"]) for task in tasks] == [(1, 3), (2, 3), (3, 3)]
    assert tasks[0]["iteration_id"] == str(iteration_id)
    assert (tasks[0]["duration_s"], tasks[0]["rate_hz"]) == (10.0, 44100)
    assert [task["file_name"] for task in tasks] == ["100000.wav", "100010.wav", "100020.wav"]
    assert (await ben.get("/api/tasks")).json() == tasks[:2]


async def test_two_groups_share_a_batch_and_each_hears_only_its_part(gateway):
    lead = await gateway.lead()
    [ana] = await gateway.team(lead, "harbor", "ana")
    [ben] = await gateway.team(lead, "campus", "ben")
    await gateway.propose(4)
    ours = await gateway.until_tasks(ana, 2)
    theirs = await gateway.until_tasks(ben, 2)
    assert {task["audio_id"] for task in ours}.isdisjoint({task["audio_id"] for task in theirs})
    refused = await submit(ana, theirs[0])
    assert refused.status_code == 403
    assert "group" in refused.json()["detail"]


async def test_two_of_three_agree_and_the_audio_becomes_a_medoid(gateway):
    lead = await gateway.lead()
    ana, ben, eva = await gateway.team(lead, "harbor", "ana", "ben", "eva")
    iteration_id = await gateway.propose(1)
    [task] = await gateway.until_tasks(ana, 1)
    horn, gull = [await gateway.class_named(ana, name) for name in ("horn", "gull")]
    assert (await submit(ana, task, event(horn, 1, 2.5))).json() == {"waiting": 0, "done": 1}
    await submit(ben, task, event(horn, 1, 2), event(gull, 4, 9))
    assert not gateway.said(AudioLabeled)
    await submit(eva, task, event(gull, 4, 4.5), event(1))
    [labeled] = await gateway.until_heard(AudioLabeled, 1)
    assert labeled.model_dump(mode="json") == {
        "iteration_id": str(iteration_id),
        "audio_id": task["audio_id"],
        "label": "gull",
        "labelers": 3,
        "agreement_percent": 66.67,
    }
    [closed] = await gateway.until_heard(IterationClosed, 1)
    assert closed.iteration_id == iteration_id


async def test_a_lack_of_agreement_is_told_as_well(gateway):
    lead = await gateway.lead()
    ana, ben = await gateway.team(lead, "harbor", "ana", "ben")
    await gateway.propose(1)
    [task] = await gateway.until_tasks(ana, 1)
    await submit(ana, task, event(await gateway.class_named(ana, "horn")))
    await submit(ben, task)
    [labeled] = await gateway.until_heard(AudioLabeled, 1)
    assert (labeled.label, labeled.labelers, labeled.agreement_percent) == (None, 2, 50)
    assert len(await gateway.until_heard(IterationClosed, 1)) == 1


async def test_what_a_labeler_says_again_replaces_what_was_said(gateway):
    lead = await gateway.lead()
    ana, ben = await gateway.team(lead, "harbor", "ana", "ben")
    await gateway.propose(1)
    [task] = await gateway.until_tasks(ana, 1)
    horn, gull = [await gateway.class_named(ana, name) for name in ("horn", "gull")]
    await submit(ana, task, event(horn), event(horn, 2, 3))
    await submit(ana, task, event(gull))
    await submit(ana, task, event(gull))
    chunks = await gateway.on.catalog.fetch("SELECT class_id FROM audio.chunks")
    assert [row["class_id"] for row in chunks] == [gull]
    await submit(ben, task, event(gull))
    [labeled] = await gateway.until_heard(AudioLabeled, 1)
    assert labeled.label == "gull"


async def test_after_the_agreement_only_the_same_again_is_taken(gateway):
    lead = await gateway.lead()
    [ana] = await gateway.team(lead, "harbor", "ana")
    await gateway.propose(1)
    [task] = await gateway.until_tasks(ana, 1)
    horn = await gateway.class_named(ana, "horn")
    said = event(horn, 0.1, 0.30000000000000004)
    assert (await submit(ana, task, said)).status_code == 200
    assert (await submit(ana, task, said)).json() == {"waiting": 0, "done": 1}
    refused = await submit(ana, task, event(horn, 0.1, 0.4))
    assert refused.status_code == 409
    assert "again" in refused.json()["detail"]
    assert await gateway.on.catalog.fetchval("SELECT count(*) FROM audio.chunks") == 1
    await gateway.until_heard(AudioLabeled, 1)


async def test_somebody_who_comes_late_cannot_change_what_was_agreed(gateway):
    lead = await gateway.lead()
    [ana] = await gateway.team(lead, "harbor", "ana")
    await gateway.propose(2)
    first, second = await gateway.until_tasks(ana, 2)
    await submit(ana, first)
    [ben] = await gateway.team(lead, "harbor", "ben")
    assert await gateway.until_tasks(ben, 1) == [second]
    assert (await submit(ben, first)).status_code == 409


async def test_an_event_must_lie_inside_the_audio(gateway):
    lead = await gateway.lead()
    ana, _ = await gateway.team(lead, "harbor", "ana", "ben")
    await gateway.propose(1)
    [task] = await gateway.until_tasks(ana, 1)
    for onset_s, offset_s, status in [
        (9.5, 10.2, 400),
        (10.01, 10.02, 400),
        (3, 3, 400),
        (4, 3, 400),
        (-1, 3, 422),
        ("NaN", 3, 422),
        (0, "Infinity", 422),
    ]:
        assert (await submit(ana, task, event(1, onset_s, offset_s))).status_code == status, onset_s
    assert await gateway.on.catalog.fetchval("SELECT count(*) FROM audio.chunks") == 0
    assert (await submit(ana, task, event(1, 0, 10))).status_code == 200


async def test_an_event_that_a_decoder_saw_end_a_little_late_ends_with_the_audio(gateway):
    lead = await gateway.lead()
    ana, _ = await gateway.team(lead, "harbor", "ana", "ben")
    await gateway.propose(1)
    [task] = await gateway.until_tasks(ana, 1)
    assert (await submit(ana, task, event(1, 9.5, 10.04))).status_code == 200
    assert await gateway.on.catalog.fetchval("SELECT offset_s FROM audio.chunks") == 10.0


@pytest.mark.parametrize("samples", [1, 7, 441, 882])
@pytest.mark.parametrize("rounded", [9, 3, 2])
async def test_the_whole_of_the_shortest_audio_can_be_marked(gateway, samples, rounded):
    """Also by a page that shows thousandths of a second, or hundredths."""
    lead = await gateway.lead()
    [ana] = await gateway.team(lead, "harbor", "ana")
    await gateway.propose(1)
    duration_s = samples / 44100
    await gateway.on.catalog.execute("UPDATE audio.audios SET duration_s = $1", duration_s)
    [task] = await gateway.until_tasks(ana, 1)
    for offset_s in (round(duration_s, rounded), max(0.02, duration_s)):
        assert (await submit(ana, task, event(1, 0, offset_s))).status_code in (200, 409)
    row = await gateway.on.catalog.fetchrow("SELECT onset_s, offset_s FROM audio.chunks")
    assert row["onset_s"] == 0
    assert row["offset_s"] == pytest.approx(duration_s, abs=0.005)


async def test_an_unknown_class_is_refused_with_its_number(gateway):
    lead = await gateway.lead()
    [ana] = await gateway.team(lead, "harbor", "ana")
    await gateway.propose(1)
    [task] = await gateway.until_tasks(ana, 1)
    refused = await submit(ana, task, event(1), event(99))
    assert (refused.status_code, "99" in refused.json()["detail"]) == (400, True)
    assert await gateway.on.catalog.fetchval("SELECT count(*) FROM label.submissions") == 0


async def test_an_audio_that_nobody_proposed_is_refused(gateway):
    lead = await gateway.lead()
    [ana] = await gateway.team(lead, "harbor", "ana")
    for labeler in (ana, lead):
        refused = await labeler.put(f"/api/tasks/{uuid4()}/{uuid4()}", json={"events": []})
        assert refused.status_code == 403


async def test_the_last_labelers_at_once_make_one_agreement(gateway):
    lead = await gateway.lead()
    team = await gateway.team(lead, "harbor", *(f"labeler {number}" for number in range(5)))
    await gateway.propose(4)
    tasks = await gateway.until_tasks(team[0], 4)
    await asyncio.gather(*(submit(labeler, task, event(1)) for task in tasks for labeler in team))
    assert len(await gateway.until_heard(AudioLabeled, 4)) == 4
    assert len(await gateway.until_heard(IterationClosed, 1)) == 1
    agreed = await gateway.on.catalog.fetch("SELECT labelers FROM label.agreements")
    assert [row["labelers"] for row in agreed] == [5, 5, 5, 5]


async def test_one_labeler_twice_at_once_is_one_submission(gateway):
    lead = await gateway.lead()
    ana, _ = await gateway.team(lead, "harbor", "ana", "ben")
    await gateway.propose(1)
    [task] = await gateway.until_tasks(ana, 1)
    answers = await asyncio.gather(*(submit(ana, task, event(1)) for _ in range(6)))
    assert {answer.status_code for answer in answers} == {200}
    assert await gateway.on.catalog.fetchval("SELECT count(*) FROM audio.chunks") == 1


async def test_every_event_is_kept_whatever_the_agreement(gateway):
    lead = await gateway.lead()
    ana, ben = await gateway.team(lead, "harbor", "ana", "ben")
    await gateway.propose(1)
    [task] = await gateway.until_tasks(ana, 1)
    horn, gull = [await gateway.class_named(ana, name) for name in ("horn, deep", "gull")]
    await submit(ana, task, event(horn, 0, 1.25), event(1, 2, 3))
    await submit(ben, task, event(gull, 5, 6))
    await gateway.until_heard(AudioLabeled, 1)
    chunks = (await lead.get("/api/dataset/chunks.csv")).text.splitlines()
    assert chunks[0].split(",")[:5] == ["file_name", "onset_s", "offset_s", "label", "labeler"]
    assert [line.rpartition(",quay-1,")[0] for line in chunks[1:]] == [
        '100000.wav,0.0,1.25,"horn, deep",ana',
        "100000.wav,2.0,3.0,Doubt,ana",
        "100000.wav,5.0,6.0,gull,ben",
    ]
    assert len((await lead.get("/api/dataset/labels.csv")).text.splitlines()) == 1


async def test_the_data_set_has_what_was_agreed(gateway):
    lead = await gateway.lead()
    [ana] = await gateway.team(lead, "harbor", "ana")
    iteration_id = await gateway.propose(2)
    first, second = await gateway.until_tasks(ana, 2)
    await submit(ana, first, event(await gateway.class_named(ana, "horn")))
    await submit(ana, second, event(1))
    labels = await lead.get("/api/dataset/labels.csv")
    assert labels.headers["content-type"].startswith("text/csv")
    assert labels.text.splitlines() == [
        "file_name,label,labelers,agreement_percent,node,start_utc,duration_s,rate_hz,audio_id,iteration_id",
        "100000.wav,horn,1,100.00,quay-1,2024-05-01T10:00:00+00:00,10.0,44100,"
        f"{first['audio_id']},{iteration_id}",
    ]


async def test_progress_shows_every_batch_and_group(gateway):
    lead = await gateway.lead()
    [ana] = await gateway.team(lead, "harbor", "ana")
    [_] = await gateway.team(lead, "campus", "ben")
    iteration_id = await gateway.propose(3)
    task, _ = await gateway.until_tasks(ana, 2)
    await submit(ana, task)
    [batch] = (await lead.get("/api/progress")).json()
    batch.pop("proposed_at")
    assert batch == {
        "iteration_id": str(iteration_id),
        "audios": 3,
        "finished": 1,
        "withheld": 0,
        "closed": False,
        "groups": [
            {"name": "harbor", "audios": 2, "done": 1},
            {"name": "campus", "audios": 1, "done": 0},
        ],
        "waits_for": [
            {"name": "ana", "group": "harbor", "audios": 1},
            {"name": "ben", "group": "campus", "audios": 1},
        ],
        "stands_still": None,
    }


async def test_classes_are_added_once_whatever_their_capitals(gateway):
    lead = await gateway.lead()
    [doubt] = (await lead.get("/api/classes")).json()
    assert (doubt["name"], doubt["is_doubt"]) == ("Doubt", True)
    first = await lead.post("/api/classes", json={"name": "  ship's   horn "})
    assert (first.status_code, first.json()["name"]) == (201, "ship's horn")
    again = await lead.post("/api/classes", json={"name": "Ship's Horn"})
    assert (again.status_code, again.json()) == (200, first.json())
    at_once = await asyncio.gather(*(lead.post("/api/classes", json={"name": "gull"}) for _ in range(6)))
    assert sorted(answer.status_code for answer in at_once) == 5 * [200] + [201]
    assert len((await lead.get("/api/classes")).json()) == 3


async def test_a_name_that_nobody_could_read_is_refused(gateway):
    lead = await gateway.lead()
    for name in ("", "  ", "a\nb", "a\x00b", "x" * 81):
        for path in ("/api/classes", "/api/groups", "/api/labelers"):
            assert (await lead.post(path, json={"name": name})).status_code == 422, name
