"""What al-engine tells of a batch is a hint: its row says whether there is one."""

from uuid import uuid4

from escolta.events import BatchProposed


async def test_a_batch_of_which_no_row_tells_is_refused_and_said_so(gateway):
    lead = await gateway.lead()
    [ana] = await gateway.team(lead, "harbor", "ana")
    stranger = uuid4()
    await gateway.on.bus.publish(BatchProposed(iteration_id=stranger, audios=2))
    await gateway.propose(2)
    await gateway.until_handled(1)  # the one that has a row
    assert len(await gateway.until_tasks(ana, 2)) == 2

    async def given_up() -> bool:
        return len(gateway.on.bus.dead_letters) == 1

    await gateway.until(given_up)
    [letter] = gateway.on.bus.dead_letters
    assert f"no row of a batch that iteration {stranger} proposes" in letter.reason


async def test_a_batch_told_twice_is_given_out_once(gateway):
    lead = await gateway.lead()
    [ana] = await gateway.team(lead, "harbor", "ana")
    iteration_id = await gateway.propose(2)
    before = await gateway.until_tasks(ana, 2)
    for _ in range(2):
        await gateway.on.bus.publish(BatchProposed(iteration_id=iteration_id, audios=2))
    await gateway.until_handled(3)
    await gateway.catch_up()
    assert await gateway.until_tasks(ana, 2) == before
