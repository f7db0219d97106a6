"""Three classes that an audio probably has: of all of a batch, the control arm included, or of none."""

from pathlib import Path
from uuid import UUID

import asyncpg
import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from unit.al_engine.at_work import EngineAtWork
from unit.al_engine.test_resuming import WANTED, filled
from unit.al_engine.vectors import clustered, tying_embeddings

from al_engine.catalog import windows
from al_engine.exact.vectors import unit_vectors
from al_engine.iterations import earlier, records, suggestions
from al_engine.iterations.handlers import Iterations
from al_engine.iterations.replay import replay
from al_engine.method.committee import Classifier, likeliest
from escolta.events import Window

NAMES = ["dog", "gull", "horn", "rain"]


def one_by_one(heard: np.ndarray, classes: list[str], unresolved: np.ndarray, row: np.ndarray) -> list[str]:
    """The likeliest three of a sample, each asked for again with those before it left aside."""
    classifier = Classifier(unit_vectors(heard), np.array(classes), unresolved=unit_vectors(unresolved))
    probabilities = classifier._probabilities(unit_vectors(row[None]), slice(0, 1))[0].tolist()
    left = dict(zip(sorted(set(classes)), probabilities, strict=False))  # the unresolved one is the last
    found = []
    for _ in range(min(3, len(left))):
        found.append(max(left, key=lambda name: (left[name], [-ord(letter) for letter in name])))
        del left[found[-1]]
    return found


@settings(max_examples=25, deadline=None)
@given(tying_embeddings(2, 12), tying_embeddings(1, 6), st.data())
def test_the_likeliest_are_those_that_a_slow_search_finds(heard, others, data):
    dim = min(heard.shape[1], others.shape[1])
    heard, others = heard[:, :dim], others[:, :dim]
    names = st.lists(st.sampled_from(NAMES), min_size=len(heard), max_size=len(heard))
    classes = data.draw(names)
    unresolved = heard[: data.draw(st.integers(0, 2))]
    found = likeliest(heard, classes, unresolved, others, 3)
    if len(set(classes)) < 2:
        assert found is None
        return
    assert found is not None
    assert found.tolist() == [one_by_one(heard, classes, unresolved, row) for row in others]


def test_what_nobody_agreed_on_is_never_suggested_and_takes_no_place():
    rows, cluster = clustered(90, 32, 4, seed=3)
    is_unresolved = cluster == 3
    heard, unresolved = rows[:60][~is_unresolved[:60]], rows[:60][is_unresolved[:60]]
    classes = np.array(["dog", "gull", "horn", ""])[cluster[:60]][~is_unresolved[:60]]
    found = likeliest(heard, classes, unresolved, rows[60:], 3)
    assert found is not None
    assert found.shape == (30, 3)
    assert all(set(row) == {"dog", "gull", "horn"} for row in found.tolist())


async def with_suggestions(engine: EngineAtWork, share: float, **besides: object) -> None:
    engine.on.settings = engine.on.settings.model_copy(update={"suggestions": share, **besides})


async def suggested(engine: EngineAtWork, iteration_id: UUID) -> list[asyncpg.Record]:
    return await engine.on.catalog.fetch(
        "SELECT audio_id, start_utc, control, suggested FROM al.wavs_proposed WHERE iteration_id = $1"
        " ORDER BY rank",
        iteration_id,
    )


async def of_classifier(engine: EngineAtWork, rows: list[asyncpg.Record]) -> list[list[str]]:
    """What a classifier of all medoids says of these audios, whatever they were proposed for."""
    everything = Window(window_start=windows.BEGINNING, window_end=engine.on.clock.now())
    model_id, pool = "placeholder-test", engine.on.catalog
    async with pool.acquire() as connection:
        heard = await earlier.choose_medoids(connection, pool, [everything], model_id, 100)
    vectors = [
        await windows.vectors(pool, model_id, 8, ids, starts)
        for ids, starts in (
            (heard.audio_ids, heard.starts),
            ([row["audio_id"] for row in rows], [row["start_utc"] for row in rows]),
        )
    ]
    found = likeliest(vectors[0], heard.classes, np.empty((0, 8), np.float32), vectors[1], 3)
    assert found is not None
    return found.tolist()


async def test_all_of_a_batch_have_them_and_those_drawn_at_random_look_like_the_rest(engine):
    await with_suggestions(engine, 1, control_share=0.4)
    await engine.add_audios(60)
    first = await engine.labeled_batch(9)
    assert [row["suggested"] for row in await suggested(engine, first)] == [None] * 9, "there is no class yet"
    second = await engine.ask(batch=20)
    found = await engine.until_not("requested", second)
    rows = await suggested(engine, second)
    assert sum(row["control"] for row in rows) == 8
    names = {
        row["class_id"]: row["name"]
        for row in await engine.on.catalog.fetch("SELECT class_id, name FROM audio.ontology")
    }
    said = [[names[class_id] for class_id in row["suggested"]] for row in rows]
    assert said == await of_classifier(engine, rows)
    assert {len(row) for row in said} == {3}
    assert found["suggestions"] == "shown"
    assert not {"suggested"} & set(found["proposals"][0]), "whoever labels sees them where all are shown"
    async with engine.client() as client:
        [before, after] = (await client.get("/api/iterations")).json()
    assert (before["suggestions"], after["suggestions"]) == (None, "shown")


async def test_by_default_there_are_none(engine):
    await engine.add_audios(30)
    await engine.labeled_batch(9)
    iteration_id = await engine.ask(batch=5)
    assert (await engine.until_not("requested", iteration_id))["suggestions"] is None
    assert [row["suggested"] for row in await suggested(engine, iteration_id)] == [None] * 5


async def test_one_class_alone_is_not_suggested(engine):
    await with_suggestions(engine, 1)
    await engine.add_audios(30)
    first = await engine.ask(batch=9)
    found = await engine.until_not("requested", first)
    await engine.label(
        [entry | {"file_name": "gull-"} for entry in found["proposals"]],
        first,
    )
    await engine.close(first)
    second = await engine.ask(batch=5)
    found = await engine.until_not("requested", second)
    assert (found["medoids"], found["suggestions"]) == (9, None)
    assert [row["suggested"] for row in await suggested(engine, second)] == [None] * 5


def test_a_share_of_the_batches_shows_what_the_others_keep():
    assert {suggestions.drawn(0, is_kept=False) for _ in range(100)} == {None}
    assert {suggestions.drawn(1, is_kept=False) for _ in range(100)} == {"shown"}
    assert {suggestions.drawn(0.5, is_kept=False) for _ in range(200)} == {"shown", "kept"}


def test_where_answers_are_compared_with_them_they_are_kept_though_none_are_shown():
    assert {suggestions.drawn(0, is_kept=True) for _ in range(100)} == {"kept"}
    assert {suggestions.drawn(1, is_kept=True) for _ in range(100)} == {"shown"}


async def test_whether_a_batch_shows_them_is_drawn_once_however_often_it_is_begun(
    catalog_url: str, tmp_path: Path
):
    async with filled(catalog_url, tmp_path) as engine:
        await with_suggestions(engine, 1)
        iterations = Iterations(engine.quiet())
        async with engine.on.catalog.acquire() as connection:
            stands_on = await iterations.running.freeze(connection, WANTED)
        assert stands_on.suggesting == "shown"
        await with_suggestions(engine, 0)
        await Iterations(engine.quiet()).work.do_all()
        row = await records.iteration(engine.on.catalog, WANTED.iteration_id)
        assert row is not None
        assert row["suggestions"] == "shown"
        rows = await suggested(engine, WANTED.iteration_id)
        assert all(len(entry["suggested"]) == 3 for entry in rows)
        again = await replay(engine.on.catalog, WANTED.iteration_id)
        assert again.found == again.recorded == [entry["audio_id"] for entry in rows]
