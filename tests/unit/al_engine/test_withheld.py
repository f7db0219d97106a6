"""What its node withholds is not proposed, predicted, described or played by the al-engine."""

from datetime import UTC, datetime
from uuid import UUID

import pytest
from contract.test_tables import SERVICES, statements
from unit.al_engine.at_work import NODE, OTHER, EngineAtWork

from al_engine.catalog import windows
from al_engine.iterations import predict_all
from al_engine.maps import store as maps
from escolta.events import Window

EVERYTHING = Window(window_start=windows.BEGINNING, window_end=datetime(2025, 1, 1, tzinfo=UTC))
MODEL = "placeholder-test"


@pytest.fixture
async def audios(engine: EngineAtWork) -> tuple[list[UUID], list[UUID]]:
    """Audios that may be heard, of two nodes, and those of the first that may not: speech in every third."""
    own, others = await engine.add_audios(30), await engine.add_audios(6, node=OTHER)
    await engine.on.catalog.execute("UPDATE audio.nodes SET speech_policy = 'withhold' WHERE name = $1", NODE)
    await engine.on.catalog.execute("UPDATE audio.embeddings SET speech = 0.05")
    await engine.on.catalog.execute(
        "UPDATE audio.embeddings SET speech = 0.1 WHERE audio_id = ANY ($1)", own[::3] + others[::3]
    )
    return [one for one in own if one not in own[::3]] + others, own[::3]


async def test_it_is_not_proposed(engine: EngineAtWork, audios) -> None:
    proposed = await engine.propose(batch=36)
    assert {UUID(one["audio_id"]) for one in proposed} == set(audios[0])


async def test_nothing_is_predicted_of_it_and_it_is_on_no_new_map(engine: EngineAtWork, audios) -> None:
    page = await predict_all.never_labeled(engine.on.catalog, MODEL, UUID(int=0), 100)
    assert {audio_id for audio_id, *_ in page} == set(audios[0])
    iteration_id = await engine.ask(batch=4)
    await engine.until_not("requested", iteration_id)
    async with engine.on.catalog.acquire() as connection:
        shown = await maps.drawable(connection, iteration_id)
        assert shown
        assert {one.audio_id for one in await maps.sample(connection, shown, 100)} == set(audios[0])
        assert await maps.points_of(connection, shown, audios[1]) == []


async def test_it_is_neither_played_nor_described_to_a_lead(engine: EngineAtWork, audios) -> None:
    iteration_id = await engine.ask(batch=4)
    await engine.until_not("requested", iteration_id)
    wanted = {"audio_ids": [str(audios[0][0]), str(audios[1][0])]}
    async with engine.client() as client:
        played = await client.get(f"/api/iterations/audio/{audios[1][0]}")
        described = await client.post(f"/api/iterations/{iteration_id}/map/audios", json=wanted)
    assert (played.status_code, "that may be heard" in played.json()["detail"]) == (404, True)
    assert [one["audio_id"] for one in described.json()] == wanted["audio_ids"][:1]


async def test_a_policy_that_changes_while_audios_are_chosen_has_them_chosen_again(
    engine: EngineAtWork, audios, monkeypatch
) -> None:
    asked = 0
    candidates = windows.candidates

    async def and_then_nothing_may_be_heard(*given):
        nonlocal asked
        asked += 1
        found = await candidates(*given)
        policy = "stay" if asked == 1 else "keep"
        await engine.on.catalog.execute("UPDATE audio.nodes SET speech_policy = $1", policy)
        return found

    monkeypatch.setattr(windows, "candidates", and_then_nothing_may_be_heard)
    found = await engine.until_not("requested", await engine.ask(batch=4))
    assert (found["status"], asked) == ("empty", 2)


def test_only_vectors_are_read_past_the_views() -> None:
    """By their key, to learn from: what people said of an audio before still teaches."""
    past = [text for text in statements(SERVICES["al_engine"]) if "audio.embeddings" in text]
    assert past
    assert all("AND audio_id = ANY ($4::uuid[])" in text for text in past)
