"""What label-gateway tells of people and batches to whoever watches."""

from typing import Any

from unit.label_gateway.at_work import GatewayAtWork

from label_gateway.figures import figures


async def read(gateway: GatewayAtWork) -> dict[str, Any]:
    return {name: values for one in figures(gateway.on) for name, values in (await one.read()).items()}


async def test_without_a_batch_everybody_is_without_work(gateway: GatewayAtWork) -> None:
    lead = await gateway.lead()
    await gateway.team(lead, "harbor", "ana", "ben")
    told = await read(gateway)
    assert told["escolta_labelers"] == {("harbor",): 2, ("(none)",): 1}
    assert told["escolta_labelers_without_work"] == {("harbor",): 2}
    assert told["escolta_batches_open"] == {(): 0}
    assert told["escolta_batch_oldest_open_timestamp_seconds"] == {}


async def test_an_open_batch_is_told_by_what_is_left_of_it(gateway: GatewayAtWork) -> None:
    lead = await gateway.lead()
    ana, _ = await gateway.team(lead, "harbor", "ana", "ben")
    await gateway.propose(2)
    [task, _] = await gateway.until_tasks(ana, 2)
    doubt = next(one for one in (await ana.get("/api/classes")).json() if one["is_doubt"])
    heard = {"events": [{"class_id": doubt["class_id"], "onset_s": 0, "offset_s": 0.1}]}
    answer = await ana.put(f"/api/tasks/{task['iteration_id']}/{task['audio_id']}", json=heard)
    assert answer.status_code == 200, answer.text
    told = await read(gateway)
    assert told["escolta_labeling_waiting_audios"] == {("harbor",): 3}
    assert told["escolta_labelers_without_work"] == {("harbor",): 0}
    assert told["escolta_labeling_unsettled_audios"] == {(): 2}
    assert told["escolta_batches_open"] == {(): 1}
    assert (
        told["escolta_batch_last_submission_timestamp_seconds"][()]
        >= told["escolta_batch_oldest_open_timestamp_seconds"][()]
    )
    assert gateway.on.metrics.get_sample_value("escolta_labeling_doubts_total", {"group": "harbor"}) == 1
