"""What the al-engine tells of its iterations to whoever watches."""

from typing import Any

from unit.al_engine.at_work import EngineAtWork

from al_engine.figures import figures

LAST = "escolta_iteration_last_requested_timestamp_seconds"


async def read(engine: EngineAtWork) -> dict[str, Any]:
    return {name: values for one in figures(engine.on) for name, values in (await one.read()).items()}


async def test_before_the_first_iteration_nothing_is_told_of_a_last_one(engine: EngineAtWork) -> None:
    told = await read(engine)
    assert told["escolta_iterations"] == {}
    assert "escolta_iteration_medoids" not in told


async def test_iterations_are_told_by_status_and_the_last_one_by_its_figures(engine: EngineAtWork) -> None:
    await engine.add_audios(30)
    await engine.labeled_batch(6)
    await engine.propose(batch=6)
    told = await read(engine)
    assert told["escolta_iterations"] == {("closed",): 1, ("proposed",): 1}
    assert told[LAST][("proposed",)] > told[LAST][("closed",)]
    assert told["escolta_iteration_number"] == {(): 2}
    assert told["escolta_iteration_medoids"] == {(): 6}
    assert told["escolta_iteration_unlabeled_audios"] == {(): 24}
    assert 0 <= told["escolta_iteration_mismatched_ratio"][()] <= 1
    assert "escolta_iteration_changed_ratio" not in told, "the first one predicted nothing"


async def test_what_a_lead_has_canceled_is_not_told_as_failed(engine: EngineAtWork) -> None:
    await engine.add_audios(30)
    await engine.propose(batch=6)
    await engine.on.catalog.execute("UPDATE al.al_preprocessing SET status = 'failed', canceled = true")
    assert (await read(engine))["escolta_iterations"] == {("canceled",): 1}
