"""What an iteration proposes, and what it stands on."""

from collections import Counter
from datetime import timedelta
from uuid import UUID

import pytest
from unit.al_engine.at_work import NODE, OTHER, START, EngineAtWork

from al_engine.catalog.models import model_in_use
from al_engine.iterations import earlier, records, running
from escolta.events import Window


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
    monkeypatch.setattr(running, "most_samples", lambda first: 8 if first else 100)
    await engine.add_audios(24)
    await engine.labeled_batch(3)
    await engine.propose(batch=3)
    rows = await engine.on.catalog.fetch("SELECT disjoint_sets FROM al.al_preprocessing ORDER BY number")
    assert [row["disjoint_sets"] for row in rows] == [3, 1]


async def test_labeled_audios_become_medoids_and_give_the_reasons_of_the_next_batch(engine):
    await engine.add_audios(40)
    first = await engine.labeled_batch(9)
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
    await engine.labeled_batch(100)
    window = Window(
        nodes=(NODE,), window_start=START + timedelta(seconds=40), window_end=START + timedelta(seconds=60)
    )
    places = {
        row["audio_id"]: (row["node"], (row["start_utc"] - START).seconds)
        for row in await engine.on.catalog.fetch("SELECT audio_id, node, start_utc FROM al.wavs_proposed")
    }

    async def chosen(limit: int) -> list[tuple[str, int]]:
        async with engine.on.catalog.acquire() as connection:
            found = await earlier.choose_medoids(
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


async def test_medoids_of_one_class_leave_nothing_that_could_differ(engine):
    await engine.add_audios(12)
    first = await engine.ask(batch=3)
    found = await engine.until_not("requested", first)
    one_class = [{**entry, "file_name": "gull-0.wav"} for entry in found["proposals"]]
    await engine.label(one_class, first)
    await engine.close(first)
    second = await engine.ask(batch=3)
    await engine.until_not("requested", second)
    row = await records.iteration(engine.on.catalog, second)
    assert row
    assert (row["medoids"], row["judged"], row["mismatched"]) == (3, None, None)


async def test_the_old_model_serves_until_the_new_one_has_embedded_as_much(engine):
    await engine.add_audios(6)
    async with engine.on.catalog.acquire() as connection:
        await connection.execute(
            "INSERT INTO audio.models (model_id, name, dim, class_names)"
            " VALUES ('placeholder-new', 'placeholder', 8, '{a,b,c}')"
        )
        assert await model_in_use(connection, "placeholder") == ("placeholder-test", 8)
        copied = (
            "INSERT INTO audio.embeddings"
            " (audio_id, start_utc, model_id, vector, top_classes, top_probabilities)"
            " SELECT audio_id, start_utc, 'placeholder-new', vector, top_classes, top_probabilities"
            " FROM audio.embeddings WHERE model_id = 'placeholder-test' ORDER BY start_utc OFFSET $1 LIMIT $2"
        )
        await connection.execute(copied, 0, 5)
        assert await model_in_use(connection, "placeholder") == ("placeholder-test", 8)
        await connection.execute(copied, 5, 1)
        assert await model_in_use(connection, "placeholder") == ("placeholder-new", 8)
