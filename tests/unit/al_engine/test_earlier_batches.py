"""What an iteration takes from batches before its own, besides medoids: open and unresolved audios."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import numpy as np
import pytest
from unit.al_engine.at_work import DIM, NODE, OTHER, START, EngineAtWork

from al_engine.catalog import windows
from al_engine.iterations import earlier, records
from al_engine.iterations.handlers import Iterations
from al_engine.iterations.replay import replay
from escolta.errors import Rejected
from escolta.events import Window

MODEL = "placeholder-test"
EVERYTHING = Window(window_start=windows.BEGINNING, window_end=datetime(2025, 1, 1, tzinfo=UTC))


async def three_kinds(engine: EngineAtWork) -> None:
    """Audios that are near-duplicates of each other, of three kinds, and one each minute that sounds like
    nothing else."""
    for row in await engine.on.catalog.fetch("SELECT audio_id, start_utc FROM audio.embeddings"):
        number = (row["start_utc"] - START).seconds // 10
        vector = np.eye(DIM)[number % 3 if number % 6 else 3 + number // 6]
        await engine.on.catalog.execute(
            "UPDATE audio.embeddings SET vector = $2 WHERE audio_id = $1",
            row["audio_id"],
            vector.astype("<f2").tobytes(),
        )


async def asked(engine: EngineAtWork, **wanted: object) -> tuple[UUID, dict]:
    iteration_id = await engine.ask(**wanted)
    return iteration_id, await engine.until_not("requested", iteration_id)


async def settle(engine: EngineAtWork, iteration_id: UUID, found: dict, labels: list[str | None]) -> None:
    """Label-gateway settles the first of a batch, by rank: with a class, or without."""
    for entry, label in zip(found["proposals"], labels, strict=False):
        await engine.on.catalog.execute(
            "INSERT INTO label.agreements (iteration_id, audio_id, class_id, labelers, agreement_percent)"
            " VALUES ($1, $2, (SELECT class_id FROM audio.ontology WHERE name = $3), 3, 100)",
            iteration_id,
            UUID(entry["audio_id"]),
            label,
        )
    await Iterations(engine.quiet()).catch_up()


async def left(engine: EngineAtWork, window: Window = EVERYTHING, limit: int = 100) -> tuple[set, set, set]:
    """Medoids, unresolved audios and open proposals for an iteration over the window."""
    async with engine.on.catalog.acquire() as connection:
        which = (connection, engine.on.catalog, [window], MODEL, limit)
        found = [
            await earlier.choose_medoids(*which),
            await earlier.choose_unresolved(*which),
            await earlier.choose_open(*which),
        ]
    for audios in found:
        assert audios.audio_ids == sorted(audios.audio_ids)
    return tuple({str(one) for one in audios.audio_ids} for audios in found)  # type: ignore[return-value]


def ids(found: dict) -> list[str]:
    return [entry["audio_id"] for entry in found["proposals"]]


async def test_while_a_batch_is_open_the_next_proposes_none_of_its_near_duplicates(engine):
    """Twenty that sound like the open batch, and four that do not: those four."""
    await engine.add_audios(30)
    await three_kinds(engine)
    second, minute, end = (START + timedelta(seconds=seconds) for seconds in (10, 60, 300))
    _, first = await asked(engine, batch=3, window_start=str(second), window_end=str(minute))
    _, next_day = await asked(engine, batch=4, window_start=str(minute), window_end=str(end))
    assert len(first["proposals"]) == next_day["open_proposals"] == 3
    starts = [datetime.fromisoformat(entry["start_utc"]) for entry in next_day["proposals"]]
    assert sorted(starts) == [START + timedelta(minutes=number) for number in (1, 2, 3, 4)]


async def test_an_audio_counts_as_what_has_become_of_it(engine):
    await engine.add_audios(30)
    iteration_id, found = await asked(engine, batch=4)
    assert await left(engine) == (set(), set(), set(ids(found)))
    await settle(engine, iteration_id, found, ["gull", None])
    agreed, unresolved, *still_open = ids(found)
    assert await left(engine) == ({agreed}, {unresolved}, set(still_open))


async def test_what_a_closed_batch_leaves_unanswered_is_released(engine):
    await engine.add_audios(30)
    iteration_id, found = await asked(engine, batch=4)
    await settle(engine, iteration_id, found, ["gull", None])
    await engine.close(iteration_id)
    assert await left(engine) == ({ids(found)[0]}, {ids(found)[1]}, set())


async def test_an_iteration_that_was_canceled_holds_nothing(engine):
    iteration_id = await engine.ask(batch=4)  # nothing is embedded, so it waits
    async with engine.client() as client:
        assert (await client.post(f"/api/iterations/{iteration_id}/cancel")).status_code == 202
    await engine.until_not("requested", iteration_id)
    await engine.add_audios(30)
    assert await left(engine) == (set(), set(), set())
    _, found = await asked(engine, batch=4)
    assert found["open_proposals"] == 0


async def test_a_proposal_that_may_be_heard_no_longer_is_not_waited_for(engine):
    await engine.add_audios(30)
    iteration_id, found = await asked(engine, batch=4)
    await settle(engine, iteration_id, found, ["gull", None])
    await engine.on.catalog.execute("UPDATE audio.nodes SET speech_policy = 'withhold'")
    assert await left(engine) == ({ids(found)[0]}, {ids(found)[1]}, set()), (
        "what was said of it still teaches"
    )


async def test_open_batches_of_other_windows_count_the_nearest_first(engine):
    """A node's own come first, and another node's count, as its medoids do."""
    await engine.add_audios(3)
    await engine.add_audios(3, node=OTHER)
    _, here = await asked(engine, batch=9, nodes=[NODE])
    _, there = await asked(engine, batch=9, nodes=[OTHER])
    assert (here["open_proposals"], there["open_proposals"]) == (0, 3)
    later = Window(
        nodes=(NODE,), window_start=START + timedelta(days=1), window_end=START + timedelta(days=2)
    )
    newest = max(here["proposals"], key=lambda entry: entry["start_utc"])
    assert await left(engine, later, 1) == (set(), set(), {newest["audio_id"]})
    assert await left(engine, later, 3) == (set(), set(), set(ids(here)))
    assert await left(engine, later) == (set(), set(), {*ids(here), *ids(there)})


async def test_without_an_embedding_by_the_model_nothing_is_compared(engine):
    await engine.add_audios(30)
    _, found = await asked(engine, batch=3)
    gone, *stay = ids(found)
    await engine.on.catalog.execute("DELETE FROM audio.embeddings WHERE audio_id = $1", UUID(gone))
    assert await left(engine) == (set(), set(), set(stay))


async def test_a_proposal_says_how_near_it_is_to_what_nobody_agreed_on(engine):
    await engine.add_audios(60)
    iteration_id, found = await asked(engine, batch=9)
    truth = {entry["audio_id"]: entry["file_name"].partition("-")[0] for entry in found["proposals"]}
    await settle(
        engine, iteration_id, found, [None if truth[one] == "rain" else truth[one] for one in ids(found)]
    )
    await engine.close(iteration_id)
    unresolved = {one for one in ids(found) if truth[one] == "rain"}
    after_id, after = await asked(engine, batch=51)
    assert after["unresolved"] == len(unresolved) > 0
    told = ("nearest_unresolved", "unresolved_distance", "unresolved_probability")
    assert not any(entry[name] for entry in after["proposals"] for name in told), "the batch has an arm"
    rows = await records.proposals(engine.on.catalog, after_id)
    for row in rows:
        is_rain = row["file_name"].startswith("rain")
        assert str(row["nearest_unresolved"]) in unresolved
        assert (row["unresolved_distance"] < row["distance"]) == is_rain
        assert (row["unresolved_probability"] > row["predicted_probability"]) == is_rain
        assert {row["propagated_class"], row["predicted_class"]} <= {"gull", "horn"}
    assert len([row for row in rows if row["file_name"].startswith("rain")]) == 17


async def test_a_replay_takes_what_was_open_then_whatever_has_become_of_it(engine):
    await engine.add_audios(60)
    first_id, first = await asked(engine, batch=6)
    await settle(engine, first_id, first, ["gull", "horn", None])
    second_id, second = await asked(engine, batch=6)
    assert (second["medoids"], second["unresolved"], second["open_proposals"]) == (2, 1, 3)
    await settle(engine, first_id, {"proposals": first["proposals"][3:]}, ["rain", None, "gull"])
    await engine.close(first_id)
    again = await replay(engine.on.catalog, second_id)
    assert [str(one) for one in again.found] == ids(second) == [str(one) for one in again.recorded]


async def test_a_record_from_before_is_replayed_as_one_that_stands_on_neither(engine):
    await engine.add_audios(30)
    iteration_id, found = await asked(engine, batch=4)
    await engine.on.catalog.execute(
        "UPDATE al.medoids SET unresolved_ids = DEFAULT, unresolved_starts = DEFAULT, open_ids = DEFAULT,"
        " open_starts = DEFAULT"
    )
    assert [str(one) for one in (await replay(engine.on.catalog, iteration_id)).found] == ids(found)


async def test_a_replay_without_an_open_proposal_s_embedding_says_so(engine):
    await engine.add_audios(30)
    _, first = await asked(engine, batch=3)
    second_id, _ = await asked(engine, batch=3)
    await engine.on.catalog.execute("DELETE FROM audio.embeddings WHERE audio_id = $1", UUID(ids(first)[0]))
    with pytest.raises(Rejected, match="1 of 3 audios no longer have"):
        await replay(engine.on.catalog, second_id)
