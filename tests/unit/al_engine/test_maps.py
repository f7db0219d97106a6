"""An iteration on its map: drawn once, by one process at a time, for leads alone."""

import gzip
from contextlib import suppress
from uuid import UUID

import numpy as np
import pytest
from unit.al_engine.at_work import DIM, NODE, START
from unit.al_engine.drawn import SOME, draw, proposed, until_drawn

from al_engine.iterations.blinding import REASON
from al_engine.maps import drawing as maps
from al_engine.maps import store as map_store
from al_engine.maps.drawing import chosen
from escolta.catalog import migrate
from escolta.web import Sessions
from escolta.work import Busy


async def test_a_map_shows_every_audio_of_the_window_and_what_became_of_it(engine):
    ids = await engine.add_audios(SOME)
    first = await engine.labeled_batch(3)
    iteration_id = await proposed(engine, batch=4)
    drawn = await draw(engine, iteration_id)
    assert sorted(drawn.ids) == sorted(ids)
    assert np.isfinite(drawn.coordinates).all()
    async with engine.client() as client:
        batch = (await client.get(f"/api/iterations/{iteration_id}")).json()["proposals"]
        medoids = (await client.get(f"/api/iterations/{first}")).json()["proposals"]
    assert drawn.of("proposed") == {UUID(entry["audio_id"]) for entry in batch}
    assert drawn.of("medoid") == {UUID(entry["audio_id"]) for entry in medoids}
    labels = dict(zip(drawn.ids, drawn.labels, strict=True))
    assert [labels[UUID(entry["audio_id"])] for entry in medoids] == [entry["label"] for entry in medoids]
    assert set(drawn.tagger_classes) == {"a", "b", "c"}
    assert drawn.header["audios"] == SOME


async def test_a_defect_in_one_map_leaves_the_next_its_turn(engine, monkeypatch):
    await engine.add_audios(SOME)
    first = await engine.labeled_batch(3)
    with monkeypatch.context() as patched:
        patched.setattr(maps, "_sets", lambda *_: 1 / 0)
        async with engine.client() as client:
            assert (await client.post(f"/api/iterations/{first}/map")).status_code == 202
            state = await until_drawn(engine, first, "failed")
    assert "division by zero" in state["problem"]
    second = await proposed(engine, batch=4)
    await draw(engine, second)


async def test_a_closed_batch_is_no_medoid_on_its_own_map(engine):
    await engine.add_audios(SOME)
    first = await engine.labeled_batch(3)
    drawn = await draw(engine, first)
    assert (len(drawn.of("proposed")), len(drawn.of("medoid"))) == (3, 0)
    assert sorted(label for label in drawn.labels if label) == ["gull", "horn", "rain"]


async def test_the_sets_are_those_that_the_iteration_chose_from(engine, monkeypatch):
    settings = engine.on.settings.model_copy(update={"max_samples": 5, "control_share": 0.0})
    monkeypatch.setattr(engine.on, "settings", settings)
    await engine.add_audios(SOME)
    await engine.labeled_batch(3)
    iteration_id = await proposed(engine, batch=6)
    drawn = await draw(engine, iteration_id)
    sets = dict(zip(drawn.ids, drawn.sets, strict=True))
    async with engine.client() as client:
        found = (await client.get(f"/api/iterations/{iteration_id}")).json()
    assert found["disjoint_sets"] == 3
    assert [sets[UUID(entry["audio_id"])] for entry in found["proposals"]] == [
        entry["disjoint_set"] for entry in found["proposals"]
    ]
    assert {sets[audio_id] for audio_id in drawn.of("medoid")} == {0}
    assert np.bincount(drawn.sets)[1:].sum() == SOME - 3


async def test_a_window_is_fitted_once_and_keeps_its_places(engine):
    await engine.add_audios(SOME)
    window = {"window_start": "2024-05-01T00:00:00Z", "window_end": "2024-05-02T00:00:00Z"}
    first = await engine.labeled_batch(3, **window)
    before = await draw(engine, first)
    again = await draw(engine, first)
    await engine.add_audios(3, first=SOME)
    second = await proposed(engine, batch=SOME, **window)
    after = await draw(engine, second)
    assert (again.coordinates == before.coordinates).all()
    assert after.ids[:SOME] == before.ids
    assert (after.coordinates[:SOME] == before.coordinates).all()
    assert len(after.ids) == SOME + 3  # those that came later were proposed, so they are placed
    assert np.isfinite(after.coordinates).all()
    assert await engine.on.catalog.fetchval("SELECT count(*) FROM al.maps") == 1
    assert len((await draw(engine, first)).ids) == SOME


async def test_a_large_window_is_sampled_but_never_without_its_batch_and_its_medoids(engine, monkeypatch):
    monkeypatch.setattr(maps, "MOST_POINTS", 8)
    await engine.add_audios(SOME)
    await engine.labeled_batch(3)
    drawn = await draw(engine, await proposed(engine, batch=4))
    assert len(drawn.ids) == 8
    assert (len(drawn.of("proposed")), len(drawn.of("medoid"))) == (4, 3)


async def test_the_nearest_medoid_is_shown_even_from_another_window(engine):
    elsewhere = await engine.add_audios(6)
    await engine.labeled_batch(6)
    window = {"window_start": "2024-05-02T00:00:00Z", "window_end": "2024-05-03T00:00:00Z"}
    await engine.add_audios(5, first=8640)
    iteration_id = await proposed(engine, batch=2, **window)
    drawn = await draw(engine, iteration_id)
    async with engine.client() as client:
        batch = (await client.get(f"/api/iterations/{iteration_id}")).json()["proposals"]
    assert {UUID(entry["nearest_medoid"]) for entry in batch} == drawn.of("medoid")
    assert drawn.of("medoid") <= set(elsewhere)


def test_a_sample_keeps_what_must_be_shown():
    keys = [map_store.Point(UUID(int=number), START, 0) for number in range(10)]
    assert set(chosen(keys[7:], keys, 5)) == {*keys[7:], *keys[:2]}
    assert set(chosen(keys, keys[:2], 5)) == set(keys)


async def test_an_embedding_that_is_not_finite_is_named_and_the_map_can_be_tried_again(engine):
    ids = await engine.add_audios(SOME)
    iteration_id = await proposed(engine, batch=3)
    bad = np.full(DIM, np.nan, "<f2").tobytes()
    good = await engine.on.catalog.fetchval("SELECT vector FROM audio.embeddings WHERE audio_id = $1", ids[0])
    put = "UPDATE audio.embeddings SET vector = $2 WHERE audio_id = $1"
    await engine.on.catalog.execute(put, ids[0], bad)
    async with engine.client() as client:
        await client.post(f"/api/iterations/{iteration_id}/map")
        assert str(ids[0]) in (await until_drawn(engine, iteration_id, "failed"))["problem"]
        assert (await client.get(f"/api/iterations/{iteration_id}/map/points")).status_code == 409
    await engine.on.catalog.execute(put, ids[0], good)
    assert len((await draw(engine, iteration_id)).ids) == SOME


async def test_two_processes_do_not_draw_at_once(engine):
    await engine.add_audios(SOME)
    iteration_id = await proposed(engine, batch=3)
    async with engine.on.catalog.acquire() as other:
        await other.execute("SELECT pg_advisory_lock($1)", map_store.MAPS.lock)
        await map_store.request(engine.on.catalog, iteration_id)
        with pytest.raises(Busy):
            await maps.Maps(engine.on).work.do_all()
        state = await map_store.state(engine.on.catalog, iteration_id)
        assert state
        assert (state["status"], state["stage"]) == ("requested", None)
        await other.execute("SELECT pg_advisory_unlock($1)", map_store.MAPS.lock)
    with suppress(Busy):  # the engine may be at it
        await maps.Maps(engine.on).work.do_all()
    await until_drawn(engine, iteration_id)


async def test_nobody_can_tell_the_control_arm_before_the_batch_is_closed(engine):
    await engine.add_audios(SOME)
    iteration_id = await proposed(engine, batch=3)
    await engine.on.catalog.execute("UPDATE al.wavs_proposed SET control = (rank = 2)")
    drawn = await draw(engine, iteration_id)
    sets = dict(zip(drawn.ids, drawn.sets, strict=True))
    assert drawn.header["blind"]
    async with engine.client() as client:
        found = (await client.get(f"/api/iterations/{iteration_id}")).json()["proposals"]
        assert (await client.get(f"/api/iterations/{iteration_id}/proposals")).json() == found
    assert {entry[name] for entry in found for name in (*REASON, "control")} == {None}
    assert {sets[audio_id] for audio_id in drawn.of("proposed")} == {0}
    await engine.on.catalog.execute("UPDATE al.al_preprocessing SET status = 'closed'")
    drawn = await draw(engine, iteration_id)
    assert not drawn.header["blind"]
    async with engine.client() as client:
        found = (await client.get(f"/api/iterations/{iteration_id}")).json()["proposals"]
    assert [entry["control"] for entry in found] == [False, True, False]
    assert {entry["disjoint_set"] for entry in found} == {1}
    assert set(drawn.sets) == {1}


async def test_an_audio_is_described_and_heard(engine):
    ids = await engine.add_audios(SOME)
    await engine.labeled_batch(SOME)
    iteration_id = (await engine.on.catalog.fetchrow("SELECT iteration_id FROM al.al_preprocessing"))[0]
    await engine.on.objects.put("audio/gull-0.wav", b"RIFF....")
    async with engine.client() as client:
        wanted = {"audio_ids": [str(ids[1]), str(ids[0]), str(UUID(int=0))]}
        answer = await client.post(f"/api/iterations/{iteration_id}/map/audios", json=wanted)
        horn, gull = answer.json()
        assert (horn["file_name"], gull["file_name"]) == ("horn-1.wav", "gull-0.wav")
        assert (gull["node"], gull["label"], gull["duration_s"]) == (NODE, "gull", 10)
        assert gull["tagger"] == [{"name": "a", "probability": 0.5}]
        heard = await client.get(f"/api/iterations/audio/{ids[0]}", headers={"range": "bytes=0-3"})
        assert (heard.status_code, heard.content) == (206, b"RIFF")
        assert (await client.get(f"/api/iterations/audio/{UUID(int=0)}")).status_code == 404


async def test_points_are_sent_packed_to_whoever_can_unpack_them(engine):
    await engine.add_audios(SOME)
    iteration_id = await proposed(engine, batch=3)
    await draw(engine, iteration_id)
    address = f"/api/iterations/{iteration_id}/map/points"
    async with engine.client() as client:
        plain = await client.get(address, headers={"accept-encoding": "identity"})
        assert "content-encoding" not in plain.headers
        async with client.stream("GET", address, headers={"accept-encoding": "gzip"}) as packed:
            assert gzip.decompress(b"".join([part async for part in packed.aiter_raw()])) == plain.content


async def test_only_a_lead_sees_maps_and_hears_audios(engine):
    await engine.add_audios(SOME)
    iteration_id = await proposed(engine, batch=3)
    api = f"/api/iterations/{iteration_id}/map"
    requests = [
        ("GET", api),
        ("POST", api),
        ("GET", f"{api}/points"),
        ("POST", f"{api}/audios"),
        ("GET", f"/api/iterations/audio/{UUID(int=1)}"),
        ("GET", "/iterations/static/iteration.js"),
    ]
    pages = ["/iterations", f"/iterations/{iteration_id}"]
    async with engine.client(None) as anybody, engine.client("labeler") as labeler:
        for method, address in requests:
            assert (await anybody.request(method, address)).status_code == 401, address
            assert (await labeler.request(method, address)).status_code == 403, address
        for address in pages:
            answer = await anybody.get(address)
            assert (answer.status_code, answer.headers["location"]) == (303, "/sign-in")
            token = labeler.headers["authorization"].split()[1]
            labeler.cookies.set(Sessions(engine.on).cookie, token)
            assert (await labeler.get(address)).status_code == 403


async def test_what_has_not_run_has_no_map(engine):
    async with engine.client() as client:
        for method in ("GET", "POST"):
            answer = await client.request(method, f"/api/iterations/{UUID(int=1)}/map")
            assert answer.status_code == 404


async def test_maps_of_before_stay_drawn_and_those_that_waited_are_drawn(engine):
    """As a catalog was left by the release before maps were work like all other."""
    await engine.add_audios(SOME)
    first = await engine.labeled_batch(3)
    before = await draw(engine, first)
    second, third = await proposed(engine, batch=2), await proposed(engine, batch=2)
    await engine.on.catalog.execute(
        "DROP INDEX al.iteration_maps_requested;"
        "ALTER TABLE al.iteration_maps DROP COLUMN status, DROP COLUMN attempts, DROP COLUMN stage_done,"
        " DROP COLUMN stage_total, DROP COLUMN waits_for, DROP COLUMN canceled,"
        " ADD COLUMN share_done real, ADD CONSTRAINT iteration_maps_stage_check CHECK (true);"
        "ALTER TABLE al.iteration_maps RENAME COLUMN failure TO problem;"
        "UPDATE al.iteration_maps SET stage = 'drawn';"
        "INSERT INTO al.iteration_maps (iteration_id, stage, problem)"
        f" VALUES ('{second}', 'fitting', NULL), ('{third}', 'failed', 'no room');"
        "CREATE INDEX iteration_maps_undone ON al.iteration_maps (requested_at);"
        "DELETE FROM escolta_migrations WHERE name LIKE '0012%'"
    )
    await migrate(engine.on.settings.catalog_url)
    assert (await until_drawn(engine, third, "failed"))["problem"] == "no room"
    assert (await draw(engine, first)).ids == before.ids
    await until_drawn(engine, second)
