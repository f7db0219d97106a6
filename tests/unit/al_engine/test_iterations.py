"""Iterations from their request to the one that follows, on a real catalog."""

from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import pytest
from unit.al_engine.at_work import START

from al_engine.iterations import records, requests
from al_engine.iterations.handlers import Iterations
from al_engine.service import build
from escolta.errors import Misconfigured
from escolta.events import IterationClosed, IterationRequested
from escolta.work import Busy


async def test_the_next_iteration_starts_as_the_first_one_closes(engine):
    await engine.add_audios(30)
    first = await engine.labeled_batch(5, follow_ups=1)
    async with engine.client() as client:

        async def followed() -> bool:
            return [entry["status"] for entry in (await client.get("/api/iterations")).json()] == [
                "closed",
                "proposed",
            ]

        await engine.until(followed)
        await engine.on.bus.publish(IterationClosed(iteration_id=first))  # told twice, followed once
        second = (await client.get("/api/iterations")).json()[1]
    assert (second["medoids"], second["follow_ups"], second["batch"]) == (5, 0, 5)


async def test_catching_up_finds_what_no_event_told(engine):
    await engine.add_audios(30)
    iteration_id = await engine.ask(batch=5, follow_ups=1)
    found = await engine.until_not("requested", iteration_id)
    await engine.label(found["proposals"], iteration_id)
    await Iterations(engine.quiet()).catch_up()

    async def followed() -> bool:
        rows = await records.iterations(engine.on.catalog)
        return [(row["status"], row["medoids"]) for row in rows] == [("closed", 0), ("proposed", 5)]

    await engine.until(followed)


async def test_a_request_that_was_only_written_is_run(engine):
    await engine.add_audios(10)
    request = IterationRequested(
        iteration_id=UUID(int=7), window_start=START, window_end=START + timedelta(days=1), batch=4
    )
    await requests.add_request(engine.on.catalog, request)
    second = Iterations(engine.quiet())
    await second.catch_up()
    await engine.until_not("requested", UUID(int=7))  # the engine itself may have begun to catch up
    before = await records.proposals(engine.on.catalog, UUID(int=7))
    await second.work.do_all()
    assert len(before) == 4
    assert await records.proposals(engine.on.catalog, UUID(int=7)) == before


async def test_two_iterations_never_run_at_once(engine):
    await engine.add_audios(10)
    request = IterationRequested(
        iteration_id=UUID(int=7), window_start=START, window_end=START + timedelta(days=1), batch=4
    )
    await requests.add_request(engine.on.catalog, request)
    second = Iterations(engine.quiet())
    async with engine.on.catalog.acquire() as other:
        await other.execute("SELECT pg_advisory_lock($1)", requests.ITERATIONS.lock)
        with pytest.raises(Busy, match="another process is at it"):
            await second.work.do_all()
        await other.execute("SELECT pg_advisory_unlock($1)", requests.ITERATIONS.lock)
    await second.catch_up()
    await engine.until_not("requested", UUID(int=7))
    assert len(await records.proposals(engine.on.catalog, UUID(int=7))) == 4


async def test_who_knows_an_open_iteration_cannot_draw_its_control_arm(engine):
    await engine.add_audios(12)
    iteration_id = await engine.ask(batch=6)
    found = await engine.until_not("requested", iteration_id)
    assert "batch" in found["settings"]
    assert "seed" not in found["settings"]
    async with engine.client() as client:
        [listed] = (await client.get("/api/iterations")).json()
    assert "seed" not in listed["settings"]
    row = await records.iteration(engine.on.catalog, iteration_id)
    assert row
    assert row["settings"]["seed"] != int.from_bytes(iteration_id.bytes[-4:])
    await engine.close(iteration_id)
    closed = await engine.until_not("proposed", iteration_id)
    assert closed["settings"]["seed"] == row["settings"]["seed"]


async def test_a_slip_in_the_strategy_s_setting_is_told_at_the_start(engine):
    settings = engine.on.settings.model_copy(update={"strategy": "mal_mf"})
    with pytest.raises(Misconfigured, match="there is no strategy 'mal_mf'"):
        build(replace(engine.quiet(), settings=settings))


@pytest.mark.parametrize("role", [None, "labeler"])
@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/api/iterations"),
        ("GET", "/api/iterations"),
        ("GET", f"/api/iterations/{UUID(int=1)}"),
        ("POST", f"/api/iterations/{UUID(int=1)}/cancel"),
        ("GET", "/api/predictions"),
    ],
)
async def test_iterations_are_a_lead_s_alone(engine, role, method, path):
    async with engine.client(role) as client:
        answer = await client.request(method, path, json={})
    assert answer.status_code == (403 if role else 401)
