"""Every change of an agreement has a version of its own: who read the row before finds it again."""

import asyncpg
import pytest

from escolta.catalog import migrate


async def _settle(gateway, audios: int) -> None:
    await gateway.propose(audios, tell=False)
    await gateway.on.catalog.execute(
        "INSERT INTO label.agreements (iteration_id, audio_id, class_id, labelers, agreement_percent)"
        " SELECT iteration_id, audio_id, 1, 1, 100 FROM al.wavs_proposed ORDER BY rank"
    )


async def _versions(gateway) -> list[int]:
    rows = await gateway.on.catalog.fetch(
        "SELECT version FROM label.agreements JOIN al.wavs_proposed USING (iteration_id, audio_id)"
        " ORDER BY rank"
    )
    return [row["version"] for row in rows]


async def test_a_corrected_agreement_has_a_higher_version_than_every_one_before(gateway):
    await _settle(gateway, 3)
    before = await _versions(gateway)
    assert before == sorted(set(before))
    await gateway.on.catalog.execute(
        "UPDATE label.agreements SET class_id = NULL, agreement_percent = 50"
        " WHERE audio_id = (SELECT audio_id FROM al.wavs_proposed WHERE rank = 1)"
    )
    first, corrected, last = await _versions(gateway)
    assert (first, last) == (before[0], before[2])
    assert corrected > max(before)
    await gateway.on.catalog.execute("UPDATE label.agreements SET version = 1")
    assert min(await _versions(gateway)) > corrected


async def test_agreements_of_before_get_versions_in_their_order(gateway):
    """As a catalog was left by the release before versions."""
    await gateway.on.catalog.execute(
        "DROP TRIGGER agreements_have_a_version ON label.agreements;"
        "DROP FUNCTION label.next_agreement_version;"
        "DROP SEQUENCE label.agreement_versions;"
        "ALTER TABLE label.agreements DROP COLUMN version, DROP CONSTRAINT agreements_percent_of_a_hundred;"
        "ALTER TABLE al.wavs_proposed DROP COLUMN agreement_version;"
        "DELETE FROM escolta_migrations WHERE name = '0006_agreement_versions.sql'"
    )
    await _settle(gateway, 3)
    await gateway.on.catalog.execute(
        "UPDATE label.agreements t SET agreed_at = now() - rank * interval '1 hour' FROM al.wavs_proposed w"
        " WHERE (w.iteration_id, w.audio_id) = (t.iteration_id, t.audio_id)"
    )
    await gateway.on.catalog.execute("UPDATE al.wavs_proposed SET labeled_at = now() WHERE rank < 2")
    await migrate(gateway.on.settings.catalog_url)
    first, second, third = await _versions(gateway)
    assert third < second < first
    read = await gateway.on.catalog.fetch("SELECT agreement_version FROM al.wavs_proposed ORDER BY rank")
    assert [row["agreement_version"] for row in read] == [first, second, None]


async def test_an_agreement_that_is_no_percentage_is_refused(gateway):
    await _settle(gateway, 1)
    for percent in ("NaN", "Infinity", "101", "-1"):
        with pytest.raises(asyncpg.CheckViolationError, match="percent_of_a_hundred"):
            await gateway.on.catalog.execute(f"UPDATE label.agreements SET agreement_percent = '{percent}'")
