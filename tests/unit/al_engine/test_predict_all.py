"""What the classifier says of everything that nobody has labeled."""

from uuid import UUID

from unit.al_engine.at_work import EngineAtWork, engine_at_work

from al_engine.iterations import predict_all


async def predictions(engine: EngineAtWork, address: str = "/api/predictions") -> list[list[dict]]:
    """Page after page."""
    pages = []
    async with engine.client() as client:
        while address:
            answer = await client.get(address)
            assert answer.status_code == 200, answer.text
            pages.append(answer.json())
            address = answer.links.get("next", {}).get("url", "")
    return pages


async def test_predictions_are_of_everything_that_nobody_labeled(engine):
    await engine.add_audios(30)
    await engine.labeled_batch(6)
    [found] = await predictions(engine)
    assert len(found) == 24
    assert all(entry["file_name"].startswith(entry["predicted_class"]) for entry in found)


async def test_pages_together_are_the_whole_and_say_the_same(engine):
    ids = await engine.add_audios(30)
    await engine.labeled_batch(6)
    [whole] = await predictions(engine)
    pages = await predictions(engine, "/api/predictions?limit=7")
    assert [len(page) for page in pages] == [7, 7, 7, 3]
    assert [entry for page in pages for entry in page] == whole
    found = [UUID(entry["audio_id"]) for entry in whole]
    assert found == sorted(found)
    assert len(ids) - len(found) == 6


async def test_a_page_that_was_the_last_is_followed_by_nothing(engine):
    await engine.add_audios(30)
    await engine.labeled_batch(6)
    assert [len(page) for page in await predictions(engine, "/api/predictions?limit=12")] == [12, 12, 0]


async def test_the_classifier_is_fitted_anew_only_for_other_medoids(engine, monkeypatch):
    fitted = []
    classifier = predict_all.Classifier

    def fit(*known):
        fitted.append(known)
        return classifier(*known)

    monkeypatch.setattr(predict_all, "Classifier", fit)
    await engine.add_audios(30)
    await engine.labeled_batch(6)
    await predictions(engine, "/api/predictions?limit=5")
    await predictions(engine)
    assert len(fitted) == 1
    await engine.labeled_batch(3)
    await predictions(engine)
    assert len(fitted) == 2


async def test_before_the_first_embedding_it_says_what_it_waits_for(catalog_url, tmp_path):
    async with engine_at_work(catalog_url, tmp_path) as engine, engine.client() as client:
        answer = await client.get("/api/predictions")
    assert answer.status_code == 503
    assert "no audio is embedded by a model 'placeholder' yet" in answer.json()["detail"]


async def test_a_page_has_a_bound(engine):
    async with engine.client() as client:
        for limit in (0, 10_001, 2**63):
            assert (await client.get("/api/predictions", params={"limit": limit})).status_code == 422
