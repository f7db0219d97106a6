"""Iterations of the al-engine, on a real catalog."""

from collections import Counter
from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import pytest
from unit.al_engine.at_work import NODE, OTHER, START, EngineAtWork

from al_engine.iterations import handlers as iterations
from al_engine.iterations import inputs, predicting, store
from al_engine.iterations.handlers import Iterations
from al_engine.service import build
from escolta.errors import Misconfigured, Transient
from escolta.events import AudioLabeled, IterationClosed, IterationRequested, Window


async def labeled_batch(engine: EngineAtWork, batch: int, **wanted: object) -> UUID:
    """An iteration whose batch is labeled with the truth and closed."""
    iteration_id = await engine.ask(batch=batch, **wanted)
    found = await engine.until_not("requested", iteration_id)
    await engine.label(found["proposals"], iteration_id)
    await engine.on.bus.publish(IterationClosed(iteration_id=iteration_id))
    await engine.until_not("proposed", iteration_id)
    return iteration_id


async def test_a_first_batch_is_proposed_without_repetition_and_told(engine):
    ids = await engine.add_audios(30)
    iteration_id = await engine.ask(batch=6)
    found = await engine.until_not("requested", iteration_id)
    proposed = [UUID(entry["audio_id"]) for entry in found["proposals"]]
    assert len(set(proposed)) == 6
    assert set(proposed) <= set(ids)
    assert [entry["rank"] for entry in found["proposals"]] == [1, 2, 3, 4, 5, 6]
    assert (found["audios"], found["medoids"], found["disjoint_sets"]) == (30, 0, 1)
    await engine.until(lambda: _told(engine, iteration_id))
    assert [event.audios for event in engine.proposed] == [6]


async def _told(engine: EngineAtWork, iteration_id: UUID) -> bool:
    return iteration_id in [event.iteration_id for event in engine.proposed]


async def test_the_first_batch_meets_every_kind_of_sound(engine):
    await engine.add_audios(30)
    proposals = await engine.propose(batch=3)
    assert Counter(entry["file_name"].partition("-")[0] for entry in proposals) == {
        "gull": 1,
        "horn": 1,
        "rain": 1,
    }


async def test_what_was_proposed_is_never_proposed_again(engine):
    ids = await engine.add_audios(20)
    first = {entry["audio_id"] for entry in await engine.propose(batch=12)}
    second = {entry["audio_id"] for entry in await engine.propose(batch=12)}
    assert len(second) == 8
    assert first | second == {str(audio_id) for audio_id in ids}
    iteration_id = await engine.ask(batch=12)
    assert (await engine.until_not("requested", iteration_id))["status"] == "empty"


async def test_a_first_batch_needs_smaller_sets_than_a_later_one(engine, monkeypatch):
    monkeypatch.setattr(iterations, "most_samples", lambda first: 8 if first else 100)
    await engine.add_audios(24)
    await labeled_batch(engine, 3)
    await engine.propose(batch=3)
    rows = await engine.on.catalog.fetch("SELECT disjoint_sets FROM al.al_preprocessing ORDER BY number")
    assert [row["disjoint_sets"] for row in rows] == [3, 1]


async def test_labeled_audios_become_medoids_and_give_the_reasons_of_the_next_batch(engine):
    await engine.add_audios(40)
    first = await labeled_batch(engine, 9)
    found = await engine.until_not("requested", await engine.ask(batch=5))
    assert found["medoids"] == 9
    assert found["share_labeled"] == pytest.approx(9 / 40)
    medoids = {
        row["audio_id"]
        for row in await engine.on.catalog.fetch(
            "SELECT * FROM al.wavs_proposed WHERE iteration_id = $1", first
        )
    }
    for entry in found["proposals"]:
        assert UUID(entry["nearest_medoid"]) in medoids
        assert 0 <= entry["distance"] <= 2
        assert entry["propagated_class"] in ("gull", "horn", "rain")
        assert 0 < entry["predicted_probability"] <= 1


async def test_a_window_holds_its_start_and_its_nodes_but_not_its_end(engine):
    ids = await engine.add_audios(12)
    await engine.add_audios(12, node=OTHER)
    proposals = await engine.propose(
        batch=100,
        nodes=[NODE],
        window_start=(START + timedelta(seconds=20)).isoformat(),
        window_end=(START + timedelta(seconds=50)).isoformat(),
    )
    assert {UUID(entry["audio_id"]) for entry in proposals} == set(ids[2:5])


async def test_medoids_of_the_window_come_first_then_the_same_node_then_the_nearest_in_time(engine):
    await engine.add_audios(9)
    await engine.add_audios(3, node=OTHER)
    await labeled_batch(engine, 100)
    window = Window(
        nodes=(NODE,), window_start=START + timedelta(seconds=40), window_end=START + timedelta(seconds=60)
    )
    places = {
        row["audio_id"]: (row["node"], (row["start_utc"] - START).seconds)
        for row in await engine.on.catalog.fetch("SELECT audio_id, node, start_utc FROM al.wavs_proposed")
    }

    async def chosen(limit: int) -> list[tuple[str, int]]:
        async with engine.on.catalog.acquire() as connection:
            found = await inputs.choose_medoids(
                connection, engine.on.catalog, [window], "placeholder-test", limit
            )
        assert found.in_window == min(limit, 2)
        assert found.audio_ids == sorted(found.audio_ids)
        return sorted(places[audio_id] for audio_id in found.audio_ids)

    assert await chosen(2) == [(NODE, 40), (NODE, 50)]
    assert await chosen(4) == [(NODE, 30), (NODE, 40), (NODE, 50), (NODE, 60)]
    assert await chosen(9) == [(NODE, second) for second in range(0, 90, 10)]
    assert await chosen(11) == [(NODE, second) for second in range(0, 90, 10)] + [(OTHER, 10), (OTHER, 20)]
    assert len(await chosen(100)) == 12


async def test_an_audio_without_agreement_is_neither_medoid_nor_unlabeled(engine):
    await engine.add_audios(10)
    iteration_id = await engine.ask(batch=4)
    found = await engine.until_not("requested", iteration_id)
    for entry in found["proposals"]:
        await engine.on.bus.publish(
            AudioLabeled(
                iteration_id=iteration_id,
                audio_id=entry["audio_id"],
                label=None,
                labelers=3,
                agreement_percent=0,
            )
        )

    async def all_labeled() -> bool:
        return (
            await engine.on.catalog.fetchval(
                "SELECT count(*) FROM al.wavs_proposed WHERE labeled_at IS NOT NULL"
            )
            == 4
        )

    await engine.until(all_labeled)
    second = await engine.until_not("requested", await engine.ask(batch=100))
    assert second["medoids"] == 0
    assert len(second["proposals"]) == 6


async def test_the_next_iteration_starts_as_the_first_one_closes(engine):
    await engine.add_audios(30)
    first = await labeled_batch(engine, 5, follow_ups=1)
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
        rows = await store.iterations(engine.on.catalog)
        return [(row["status"], row["medoids"]) for row in rows] == [("closed", 0), ("proposed", 5)]

    await engine.until(followed)


async def test_a_request_that_was_only_written_is_run(engine):
    await engine.add_audios(10)
    request = IterationRequested(
        iteration_id=UUID(int=7), window_start=START, window_end=START + timedelta(days=1), batch=4
    )
    await store.add_request(engine.on.catalog, request)
    second = Iterations(engine.quiet())
    await second.catch_up()
    await engine.until_not("requested", UUID(int=7))  # the engine itself may have begun to catch up
    before = await store.proposals(engine.on.catalog, UUID(int=7))
    await second.run(UUID(int=7))
    assert len(before) == 4
    assert await store.proposals(engine.on.catalog, UUID(int=7)) == before


async def test_two_iterations_never_run_at_once(engine):
    await engine.add_audios(10)
    request = IterationRequested(
        iteration_id=UUID(int=7), window_start=START, window_end=START + timedelta(days=1), batch=4
    )
    await store.add_request(engine.on.catalog, request)
    second = Iterations(engine.quiet())
    async with engine.on.catalog.acquire() as other:
        await other.execute("SELECT pg_advisory_lock($1)", store.ONE_ITERATION)
        with pytest.raises(Transient, match="another iteration"):
            await second.run(UUID(int=7))
        await other.execute("SELECT pg_advisory_unlock($1)", store.ONE_ITERATION)
    await second.catch_up()
    await engine.until_not("requested", UUID(int=7))
    assert len(await store.proposals(engine.on.catalog, UUID(int=7))) == 4


async def test_the_old_model_serves_until_the_new_one_has_embedded_as_much(engine):
    await engine.add_audios(6)
    async with engine.on.catalog.acquire() as connection:
        await connection.execute(
            "INSERT INTO audio.models (model_id, name, dim, class_names)"
            " VALUES ('placeholder-new', 'placeholder', 8, '{a,b,c}')"
        )
        assert await store.model_in_use(connection, "placeholder") == ("placeholder-test", 8)
        copied = (
            "INSERT INTO audio.embeddings"
            " (audio_id, start_utc, model_id, vector, top_classes, top_probabilities)"
            " SELECT audio_id, start_utc, 'placeholder-new', vector, top_classes, top_probabilities"
            " FROM audio.embeddings WHERE model_id = 'placeholder-test' ORDER BY start_utc OFFSET $1 LIMIT $2"
        )
        await connection.execute(copied, 0, 5)
        assert await store.model_in_use(connection, "placeholder") == ("placeholder-test", 8)
        await connection.execute(copied, 5, 1)
        assert await store.model_in_use(connection, "placeholder") == ("placeholder-new", 8)


async def test_who_knows_an_open_iteration_cannot_draw_its_control_arm(engine):
    await engine.add_audios(12)
    iteration_id = await engine.ask(batch=6)
    found = await engine.until_not("requested", iteration_id)
    assert "batch" in found["settings"]
    assert "seed" not in found["settings"]
    async with engine.client() as client:
        [listed] = (await client.get("/api/iterations")).json()
    assert "seed" not in listed["settings"]
    row = await store.iteration(engine.on.catalog, iteration_id)
    assert row
    assert row["settings"]["seed"] != int.from_bytes(iteration_id.bytes[-4:])
    await engine.on.bus.publish(IterationClosed(iteration_id=iteration_id))
    closed = await engine.until_not("proposed", iteration_id)
    assert closed["settings"]["seed"] == row["settings"]["seed"]


async def test_medoids_of_one_class_leave_nothing_that_could_differ(engine):
    await engine.add_audios(12)
    first = await engine.ask(batch=3)
    found = await engine.until_not("requested", first)
    one_class = [{**entry, "file_name": "gull-0.wav"} for entry in found["proposals"]]
    await engine.label(one_class, first)
    await engine.on.bus.publish(IterationClosed(iteration_id=first))
    await engine.until_not("proposed", first)
    second = await engine.ask(batch=3)
    await engine.until_not("requested", second)
    row = await store.iteration(engine.on.catalog, second)
    assert row
    assert (row["medoids"], row["judged"], row["mismatched"]) == (3, None, None)


async def test_a_slip_in_the_strategy_s_setting_is_told_at_the_start(engine):
    settings = engine.on.settings.model_copy(update={"strategy": "mal_mf"})
    with pytest.raises(Misconfigured, match="there is no strategy 'mal_mf'"):
        build(replace(engine.quiet(), settings=settings))


async def test_predictions_are_of_everything_that_nobody_labeled(engine, monkeypatch):
    monkeypatch.setattr(predicting, "PREDICTED_AT_ONCE", 7)
    await engine.add_audios(30)
    await labeled_batch(engine, 6)
    async with engine.client() as client:
        found = (await client.get("/api/predictions")).json()
    assert len(found) == 24
    assert all(entry["file_name"].startswith(entry["predicted_class"]) for entry in found)


@pytest.mark.parametrize("role", [None, "labeler"])
@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/api/iterations"),
        ("GET", "/api/iterations"),
        ("GET", f"/api/iterations/{UUID(int=1)}"),
        ("GET", "/api/predictions"),
    ],
)
async def test_iterations_are_a_lead_s_alone(engine, role, method, path):
    async with engine.client(role) as client:
        answer = await client.request(method, path, json={})
    assert answer.status_code == (403 if role else 401)
