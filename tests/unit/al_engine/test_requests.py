"""Requests that cannot be run: each says why, and none holds up another."""

from uuid import UUID

import pytest
from unit.al_engine.at_work import EngineAtWork, add_nodes, engine_at_work

from al_engine.iterations import records
from al_engine.iterations.handlers import Iterations

ASKED = """
    INSERT INTO al.al_preprocessing (iteration_id, nodes, window_start, window_end, batch, follow_ups,
                                     requested_at)
    VALUES ($1, '{}', '2024-05-01', '2024-05-02', 4, 0, now() - interval '1 hour')
"""
FAILED = """
    INSERT INTO audio.embedding_failures (audio_id, start_utc, model_id, reason)
    VALUES (gen_random_uuid(), '2024-05-01Z', 'placeholder-test', 'it is no sound')
"""
POISON = {
    "a window that begins before all time": "window_start = '-infinity'",
    "a window that never ends": "window_end = 'infinity'",
    "a window before the first year that there may be": "window_start = '0001-01-02'",
    "hours that no day has": "hours = '{25, 99}'",
    "windows that are none": """further_windows = '[{"nodes": 7}]'""",
    "windows that are no list": "further_windows = '3'",
    "a node's name that nobody may have": "nodes = '{Quay 1}'",
    "a strategy that is gone": "strategy = 'by-heart'",
}


async def ask_by_row(engine: EngineAtWork, number: int, poison: str = "batch = 4") -> UUID:
    """A request that was written an hour ago, by whatever wrote it."""
    iteration_id = UUID(int=number)
    async with engine.on.catalog.acquire() as connection, connection.transaction():
        await connection.execute(ASKED, iteration_id)
        await connection.execute(
            f"UPDATE al.al_preprocessing SET {poison} WHERE iteration_id = $1", iteration_id
        )
    return iteration_id


@pytest.mark.parametrize("poison", POISON.values(), ids=POISON)
async def test_a_poisoned_request_fails_alone_with_its_reason(engine, poison):
    await engine.add_audios(12)
    bad, good = await ask_by_row(engine, 1, poison), await ask_by_row(engine, 2)
    assert len((await engine.until_not("requested", good))["proposals"]) == 4
    failed = await engine.until_not("requested", bad)
    assert failed["status"] == "failed"
    assert len(failed["failure"].split()) > 4
    async with engine.client() as client:
        listed = (await client.get("/api/iterations")).json()
    assert [entry["iteration_id"] for entry in listed] == [str(bad), str(good)]


async def test_a_defect_in_one_iteration_is_its_reason_and_the_next_one_runs(engine, monkeypatch):
    describe = records.described

    async def defect(pool, audio_ids, starts):
        if len(audio_ids) == 3:
            raise ZeroDivisionError("division by zero")
        return await describe(pool, audio_ids, starts)

    monkeypatch.setattr(records, "described", defect)
    await engine.add_audios(12)
    bad, good = await ask_by_row(engine, 1, "batch = 3"), await ask_by_row(engine, 2)
    assert len((await engine.until_not("requested", good))["proposals"]) == 4
    assert (await engine.until_not("requested", bad))["failure"] == "ZeroDivisionError: division by zero"


@pytest.mark.parametrize(
    ("wanted", "where"),
    [
        ({"window_start": "0001-01-01T00:00:00Z", "window_end": "9999-12-31T23:59:59.999999Z"}, "window_"),
        ({"batch": 2**31}, "batch"),
        ({"follow_ups": 2**31}, "follow_ups"),
        ({"strategy": "x" * 10_000}, "strategy"),
        ({"nodes": ["quay-1"] * 10_000}, "nodes"),
    ],
)
async def test_what_cannot_be_stored_is_refused_and_names_the_field(engine, wanted, where):
    async with engine.client() as client:
        answer = await client.post("/api/iterations", json=wanted)
        assert answer.status_code == 422
        assert where in str([fault["loc"] for fault in answer.json()["detail"]])
        assert (await client.get("/api/iterations")).json() == []


async def test_a_request_that_waits_can_be_canceled_once(catalog_url, tmp_path):
    async with engine_at_work(catalog_url, tmp_path) as engine, engine.client() as client:
        iteration_id = await engine.ask(batch=3)
        address = f"/api/iterations/{iteration_id}/cancel"
        assert (await client.post(address)).status_code == 202
        found = await engine.until_not("requested", iteration_id)
        assert (found["status"], found["failure"]) == ("failed", "it was canceled")
        again = await client.post(address)
        assert again.status_code == 409
        assert "nothing was canceled" in again.json()["detail"]


async def test_who_asks_for_an_iteration_and_who_cancels_it_is_noted(catalog_url, tmp_path):
    async with engine_at_work(catalog_url, tmp_path) as engine, engine.client() as client:
        iteration_id = await engine.ask(batch=3, follow_ups=2)
        assert (await client.post(f"/api/iterations/{iteration_id}/cancel")).status_code == 202
        await engine.until_not("requested", iteration_id)
        assert (await client.post(f"/api/iterations/{iteration_id}/cancel")).status_code == 409
        rows = await engine.on.catalog.fetch("SELECT service, what, which FROM audio.audit ORDER BY audit_id")
        assert [tuple(row) for row in rows] == [
            ("al-engine", "asked for an iteration", f"{iteration_id}: 3 audios, 2 follow-ups"),
            ("al-engine", "canceled an iteration", str(iteration_id)),
        ]


async def test_the_most_that_is_accepted_runs(engine):
    await engine.add_audios(6)
    window = {"window_start": "1900-01-01T00:00:00Z", "window_end": "9999-12-31T00:00:00Z"}
    assert len(await engine.propose(batch=2**31 - 1, further_windows=[window] * 52, **window)) == 6


async def test_before_the_first_embedding_an_iteration_waits_and_says_for_what(catalog_url, tmp_path):
    async with engine_at_work(catalog_url, tmp_path) as engine:
        iteration_id = await engine.ask(batch=3)

        async def waits() -> bool:
            async with engine.client() as client:
                found = (await client.get(f"/api/iterations/{iteration_id}")).json()
            return "no audio is embedded by a model" in (found["waits_for"] or "")

        await engine.until(waits)
        await add_nodes(catalog_url)  # the embedder has told of its model, and has embedded nothing yet
        await Iterations(engine.quiet()).work.do_all()
        assert await waits()
        await engine.on.catalog.execute(FAILED)
        await Iterations(engine.quiet()).work.do_all()
        assert await waits()
        await engine.add_audios(6)
        found = await engine.until_not("requested", iteration_id)
        assert (found["status"], found["waits_for"], len(found["proposals"])) == ("proposed", None, 3)
        assert engine.refused == []
