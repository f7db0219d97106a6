"""What a labeler said last can be looked at, and said otherwise until everybody is done with it."""

from unit.label_gateway.test_labeling import event, submit


async def last(labeler) -> list[tuple[str, bool, list[tuple[float, float]]]]:
    """File name, whether it is settled, and when each event is."""
    audios = (await labeler.get("/api/tasks/last")).json()
    return [
        (it["file_name"], it["settled"], [(one["onset_s"], one["offset_s"]) for one in it["events"]])
        for it in audios
    ]


async def test_the_last_audios_of_a_labeler_are_told_with_what_was_said(gateway):
    lead = await gateway.lead()
    ana, ben = await gateway.team(lead, "harbor", "ana", "ben")
    await gateway.propose(3)
    tasks = await gateway.until_tasks(ana, 3)
    assert await last(ana) == []
    await submit(ana, tasks[0], event(1, 3, 4), event(1, 1, 2))
    await submit(ana, tasks[1])
    assert await last(ana) == [("100010.wav", False, []), ("100000.wav", False, [(1, 2), (3, 4)])]
    assert await last(ben) == []
    told = (await ana.get("/api/tasks/last?limit=1")).json()[0]
    assert {name: told[name] for name in tasks[1] if name in told} == {
        name: value for name, value in tasks[1].items() if name in told
    }

    await submit(ben, tasks[0], event(1, 5, 6))
    assert await last(ana) == [("100010.wav", False, []), ("100000.wav", True, [(1, 2), (3, 4)])]
    assert await last(ben) == [("100000.wav", True, [(5, 6)])]
    await submit(ana, tasks[1], event(1, 7, 8))
    assert await last(ana) == [("100010.wav", False, [(7, 8)]), ("100000.wav", True, [(1, 2), (3, 4)])]


async def test_what_nobody_may_change_any_longer_is_settled_or_gone(gateway):
    lead = await gateway.lead()
    ana, ben = await gateway.team(lead, "harbor", "ana", "ben")
    iteration_id = await gateway.propose(2)
    tasks = await gateway.until_tasks(ana, 2)
    await submit(ana, tasks[0])
    await gateway.on.catalog.execute(
        "INSERT INTO label.closed_iterations (iteration_id) VALUES ($1)", iteration_id
    )
    assert await last(ana) == [("100000.wav", True, [])]
    await gateway.on.catalog.execute("UPDATE al.al_preprocessing SET status = 'closed'")
    assert await last(ana) == []
    assert (await ben.get("/api/tasks/last")).json() == []
