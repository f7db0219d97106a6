"""Classes that an audio probably has: who is shown them, and that an answer says whether they were."""

from uuid import UUID

from unit.label_gateway.at_work import GatewayAtWork
from unit.label_gateway.test_labeling import address, event


async def suggest(gateway: GatewayAtWork, iteration_id: UUID, how: str | None, class_ids: list[int]) -> None:
    """What al-engine leaves with each audio of a batch."""
    await gateway.on.catalog.execute(
        "UPDATE al.wavs_proposed SET suggested = $2 WHERE iteration_id = $1", iteration_id, class_ids
    )
    await gateway.on.catalog.execute(
        "UPDATE al.al_preprocessing SET suggestions = $2 WHERE iteration_id = $1", iteration_id, how
    )


async def test_a_batch_that_shows_them_gives_them_with_every_audio_the_likeliest_first(gateway):
    lead = await gateway.lead()
    ana, ben = await gateway.team(lead, "harbor", "ana", "ben")
    gull, horn, rain = [await gateway.class_named(ana, name) for name in ("gull", "horn", "rain")]
    iteration_id = await gateway.propose(2)
    await suggest(gateway, iteration_id, "shown", [rain, gull, horn])
    tasks = await gateway.until_tasks(ana, 2)
    for task in tasks:
        assert task["suggested"] == [
            {"class_id": rain, "name": "rain"},
            {"class_id": gull, "name": "gull"},
            {"class_id": horn, "name": "horn"},
        ]
    assert (await ben.get("/api/tasks")).json() == tasks


async def test_a_batch_without_them_or_that_keeps_them_gives_none(gateway):
    lead = await gateway.lead()
    [ana] = await gateway.team(lead, "harbor", "ana")
    gull = await gateway.class_named(ana, "gull")
    await suggest(gateway, await gateway.propose(1), "kept", [gull])
    await gateway.propose(1)
    assert [task["suggested"] for task in await gateway.until_tasks(ana, 2)] == [[], []]


async def test_a_class_is_shown_as_it_is_called_now_and_not_once_it_is_gone(gateway):
    lead = await gateway.lead()
    [ana] = await gateway.team(lead, "harbor", "ana")
    gull, horn = [await gateway.class_named(ana, name) for name in ("gull", "horn")]
    await suggest(gateway, await gateway.propose(1), "shown", [horn, gull])
    await gateway.on.catalog.execute(
        "UPDATE audio.ontology SET name = 'herring gull' WHERE class_id = $1", gull
    )
    [task] = await gateway.until_tasks(ana, 1)
    assert [shown["name"] for shown in task["suggested"]] == ["horn", "herring gull"]
    await gateway.on.catalog.execute("DELETE FROM audio.ontology WHERE class_id = $1", horn)
    [task] = await gateway.until_tasks(ana, 1)
    assert [shown["name"] for shown in task["suggested"]] == ["herring gull"]


async def test_an_audio_that_is_opened_again_has_them_as_it_had_them(gateway):
    lead = await gateway.lead()
    ana, _ = await gateway.team(lead, "harbor", "ana", "ben")
    gull = await gateway.class_named(ana, "gull")
    await suggest(gateway, await gateway.propose(1), "shown", [gull])
    await suggest(gateway, await gateway.propose(1), "kept", [gull])
    tasks = await gateway.until_tasks(ana, 2)
    for task in tasks:
        assert (await ana.put(address(task), json={"events": []})).status_code == 200
    last = (await ana.get("/api/tasks/last")).json()
    assert [audio["suggested"] for audio in last] == [[], [{"class_id": gull, "name": "gull"}]]
    assert [{name: audio[name] for name in task} for task, audio in zip(tasks[::-1], last, strict=True)] == (
        tasks[::-1]
    )


async def test_an_answer_keeps_whether_they_were_shown(gateway):
    """As the page says, where the batch has any to show; not where nothing is said, as by BAT."""
    lead = await gateway.lead()
    ana, ben, eva = await gateway.team(lead, "harbor", "ana", "ben", "eva")
    gull = await gateway.class_named(ana, "gull")
    shows, keeps = await gateway.propose(1), await gateway.propose(1)
    await suggest(gateway, shows, "shown", [gull])
    await suggest(gateway, keeps, "kept", [gull])
    first, second = await gateway.until_tasks(ana, 2)
    said = {"events": [event(gull)]}
    for task in (first, second):
        for labeler, shown in ((ana, True), (ben, False)):
            answer = await labeler.put(address(task), json=said | {"suggestions_shown": shown})
            assert answer.status_code == 200
    assert await kept(gateway) == [(shows, "ana", True), (shows, "ben", False)] + [
        (keeps, name, False) for name in ("ana", "ben")
    ]
    assert (await ana.put(address(first), json=said)).status_code == 200
    assert (await ben.put(address(first), json=said | {"suggestions_shown": True})).status_code == 200
    # Who has seen them once has seen them, whatever is said anew.
    assert (await kept(gateway))[:2] == [(shows, "ana", True), (shows, "ben", True)]
    refused = await eva.put(address(first), json=said | {"suggestions_shown": "perhaps"})
    assert refused.status_code == 422


async def kept(gateway: GatewayAtWork) -> list[tuple]:
    rows = await gateway.on.catalog.fetch(
        "SELECT iteration_id, name, suggestions_shown FROM label.submissions"
        " JOIN audio.labelers USING (labeler_id) JOIN al.al_preprocessing USING (iteration_id)"
        " ORDER BY al.al_preprocessing.proposed_at, name"
    )
    return [tuple(row) for row in rows]
