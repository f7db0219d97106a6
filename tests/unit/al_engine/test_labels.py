"""What label-gateway has written becomes labels; what was only told does not."""

from datetime import timedelta
from uuid import UUID

from unit.al_engine.at_work import START, EngineAtWork

from al_engine.iterations import records
from al_engine.iterations.handlers import Iterations
from escolta.catalog import migrate
from escolta.events import AudioLabeled, IterationClosed, IterationRequested

AGREED = """
    INSERT INTO label.agreements (iteration_id, audio_id, class_id, labelers, agreement_percent)
    VALUES ($1, $2, (SELECT class_id FROM audio.ontology WHERE name = $3), 3, 100)
    ON CONFLICT (iteration_id, audio_id) DO UPDATE SET class_id = excluded.class_id
"""


async def agree(engine: EngineAtWork, iteration_id: UUID, audio_id: str, label: str | None) -> None:
    """Label-gateway writes that a group agreed, or did not, or corrects what it agreed on."""
    await engine.on.catalog.execute(AGREED, iteration_id, UUID(audio_id), label)


async def tell(engine: EngineAtWork, iteration_id: UUID, audio_id: str, label: str | None) -> None:
    await engine.on.bus.publish(
        AudioLabeled(
            iteration_id=iteration_id, audio_id=audio_id, label=label, labelers=3, agreement_percent=100
        )
    )


async def labels(engine: EngineAtWork, iteration_id: UUID) -> list[str | None]:
    """By rank."""
    rows = await engine.on.catalog.fetch(
        "SELECT label FROM al.wavs_proposed WHERE iteration_id = $1 ORDER BY rank", iteration_id
    )
    return [row["label"] for row in rows]


async def proposed(engine: EngineAtWork, batch: int = 4) -> tuple[UUID, list[str]]:
    """An iteration and the audios of its batch, by rank."""
    iteration_id = await engine.ask(batch=batch)
    found = await engine.until_not("requested", iteration_id)
    return iteration_id, [entry["audio_id"] for entry in found["proposals"]]


async def refused(engine: EngineAtWork, count: int) -> list[str]:
    """The reasons of so many messages that were not believed."""

    async def there() -> bool:
        return len(engine.refused) >= count

    await engine.until(there)
    return engine.refused


async def test_a_label_that_is_only_told_is_refused_and_changes_nothing(engine):
    await engine.add_audios(30)
    iteration_id, [first, second, *_] = await proposed(engine)
    await agree(engine, iteration_id, second, "horn")
    await tell(engine, iteration_id, first, "gull")
    await tell(engine, iteration_id, second, "nobody said so")
    [reason] = await refused(engine, 1)
    assert f"no row of an agreement on audio {first}" in reason

    async def taken_up() -> bool:
        return await labels(engine, iteration_id) == [None, "horn", None, None]

    await engine.until(taken_up)


async def test_a_closing_that_is_only_told_is_refused_and_the_batch_stays_open(engine):
    await engine.add_audios(30)
    iteration_id, _ = await proposed(engine)
    await engine.on.bus.publish(IterationClosed(iteration_id=iteration_id))
    [reason] = await refused(engine, 1)
    assert "no row that says it is finished" in reason
    async with engine.client() as client:
        [found] = (await client.get("/api/iterations")).json()
    assert found["status"] == "proposed"


async def test_a_request_that_is_only_told_is_refused_and_nothing_runs(engine):
    await engine.add_audios(30)
    await engine.on.bus.publish(
        IterationRequested(
            iteration_id=UUID(int=9), window_start=START, window_end=START + timedelta(days=1), batch=4
        )
    )
    [reason] = await refused(engine, 1)
    assert "nobody has asked for it" in reason
    async with engine.client() as client:
        assert (await client.get("/api/iterations")).json() == []


async def test_a_corrected_agreement_is_found_again(engine):
    await engine.add_audios(30)
    iteration_id, [first, *_] = await proposed(engine)
    await agree(engine, iteration_id, first, "gull")
    iterations = Iterations(engine.quiet())
    await iterations.catch_up()
    assert (await labels(engine, iteration_id))[0] == "gull"
    await agree(engine, iteration_id, first, "horn")
    await iterations.catch_up()
    assert (await labels(engine, iteration_id))[0] == "horn"
    await agree(engine, iteration_id, first, None)
    await iterations.catch_up()
    assert (await labels(engine, iteration_id))[0] is None


async def test_a_corrected_agreement_changes_the_medoids_of_the_next_iteration(engine):
    await engine.add_audios(30)
    iteration_id = await engine.labeled_batch(4)
    corrected = "UPDATE label.agreements SET class_id = NULL WHERE iteration_id = $1"
    await engine.on.catalog.execute(corrected, iteration_id)
    await Iterations(engine.quiet()).catch_up()
    found = await engine.until_not("requested", await engine.ask(batch=2))
    assert found["medoids"] == 0


async def test_a_stale_message_leaves_the_newest_agreement(engine):
    await engine.add_audios(30)
    iteration_id, [first, *_] = await proposed(engine)
    await agree(engine, iteration_id, first, "gull")
    await agree(engine, iteration_id, first, "horn")
    for label in ("horn", "gull"):
        await tell(engine, iteration_id, first, label)

    async def taken_up() -> bool:
        return (await labels(engine, iteration_id))[0] is not None

    await engine.until(taken_up)
    await tell(engine, iteration_id, first, "gull")
    await tell(engine, iteration_id, str(UUID(int=0)), "gull")
    await refused(engine, 1)  # so everything that was told before has been heard
    assert (await labels(engine, iteration_id))[0] == "horn"


async def test_an_audio_without_agreement_is_neither_medoid_nor_unlabeled(engine):
    await engine.add_audios(10)
    iteration_id, audio_ids = await proposed(engine)
    for audio_id in audio_ids:
        await agree(engine, iteration_id, audio_id, None)
        await tell(engine, iteration_id, audio_id, None)

    async def all_labeled() -> bool:
        done = "SELECT count(*) FROM al.wavs_proposed WHERE labeled_at IS NOT NULL"
        return await engine.on.catalog.fetchval(done) == 4

    await engine.until(all_labeled)
    second = await engine.until_not("requested", await engine.ask(batch=100))
    assert second["medoids"] == 0
    assert len(second["proposals"]) == 6


async def test_what_was_only_told_before_the_upgrade_is_not_believed_after_it(engine):
    await engine.add_audios(30)
    iteration_id, [first, second, *_] = await proposed(engine)
    await agree(engine, iteration_id, first, "gull")
    await agree(engine, iteration_id, second, "horn")
    await engine.on.catalog.execute(
        "UPDATE al.wavs_proposed SET label = 'gull', labelers = 3, agreement_percent = 'NaN',"
        " labeled_at = now() WHERE rank < 4;"
        "UPDATE al.al_preprocessing SET status = 'closed', closed_at = now();"
        "ALTER TABLE al.al_preprocessing DROP COLUMN waits_for, DROP COLUMN canceled;"
        "DELETE FROM escolta_migrations WHERE name LIKE '0007%'"
    )
    await migrate(engine.on.settings.catalog_url)
    assert await labels(engine, iteration_id) == ["gull", "horn", None, None]
    rows = await records.proposals(engine.on.catalog, iteration_id)
    assert [row["agreement_percent"] for row in rows] == [100, 100, None, None]
    assert [row["labeled_at"] is None for row in rows] == [False, False, True, True]
    iteration = await records.iteration(engine.on.catalog, iteration_id)
    assert iteration
    assert (iteration["status"], iteration["closed_at"]) == ("proposed", None)
