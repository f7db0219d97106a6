"""What is too old goes and what was proposed stays."""

from datetime import UTC, datetime

import pytest
from unit.retaining.at_work import LATE, NEW, OLD, PROPOSED, TO, Harbor, policy

from escolta.errors import Transient
from escolta.retaining import patches, sounds
from escolta.retaining.sounds import Gone


async def test_a_sound_goes_by_its_entry_and_what_was_proposed_stays(harbor: Harbor) -> None:
    assert await harbor.counted() == Gone(audios=1, bytes=200, kept=1)
    assert await harbor.drop() == Gone(audios=1, bytes=200, kept=1)
    assert await harbor.stored() == {PROPOSED, LATE, NEW}
    for table in ("audio.audios", "audio.embeddings"):
        assert await harbor.ids(table) == {OLD, PROPOSED, LATE, NEW}


@pytest.mark.parametrize("view", ["audio.hearable", "audio.hearable_embeddings"])
async def test_what_is_dropped_is_not_hearable(harbor: Harbor, view: str) -> None:
    assert await harbor.ids(view) == {OLD, PROPOSED, LATE, NEW}
    await harbor.drop()
    assert await harbor.ids(view) == {PROPOSED, LATE, NEW}


async def test_nor_is_it_where_it_was_embedded_again_since(harbor: Harbor) -> None:
    await harbor.drop()
    await harbor.db.execute("UPDATE audio.embeddings SET embedded_at = now()")
    assert await harbor.ids("audio.hearable_embeddings") == {PROPOSED, LATE, NEW}


async def test_the_audit_log_says_so_once(harbor: Harbor) -> None:
    await harbor.drop()
    await harbor.drop(datetime(2024, 6, 1, tzinfo=UTC))  # no step back
    rows = await harbor.db.fetch("SELECT service, what, which FROM audio.audit")
    said = "the sound of what entered before 2024-06-15 00:00:00 UTC and was never proposed, of quay-1"
    assert [tuple(row) for row in rows] == [("retain", "dropped", said)]


async def test_counting_changes_nothing(harbor: Harbor) -> None:
    await harbor.counted()
    assert await harbor.stored() == await harbor.ids("audio.hearable") == {OLD, PROPOSED, LATE, NEW}


async def test_while_an_iteration_chooses_nothing_goes(harbor: Harbor) -> None:
    await harbor.db.execute("UPDATE al.al_preprocessing SET status = 'requested'")
    with pytest.raises(Transient, match="an iteration is choosing"):
        await harbor.drop()
    assert await harbor.stored() == await harbor.ids("audio.hearable") == {OLD, PROPOSED, LATE, NEW}


async def test_broken_off_nobody_hears_it_and_it_goes_on(harbor: Harbor) -> None:
    class Away(Exception):
        pass

    class AwayStore:
        async def delete(self, key: str) -> None:
            raise Away

    with pytest.raises(Away):
        await sounds.drop(harbor.db, AwayStore(), policy(), lambda _: None)  # type: ignore[arg-type]  # it only deletes
    assert OLD in await harbor.stored()
    assert OLD not in await harbor.ids("audio.hearable")
    assert (await harbor.drop()).audios == 1
    assert OLD not in await harbor.stored()


async def test_what_is_done_is_not_looked_at_again_unless_asked(harbor: Harbor) -> None:
    await harbor.drop()
    await harbor.objects.put(f"audio/{OLD}.wav", b"x")  # as a restore does
    assert await harbor.drop() == Gone()
    await sounds.go_through_again(harbor.db)
    assert (await harbor.drop()).audios == 1
    assert await harbor.stored() == {PROPOSED, LATE, NEW}


async def test_no_sound_goes_before_its_vector_is_there(harbor: Harbor) -> None:
    assert await sounds.embedded_to(harbor.db) == datetime(2024, 7, 6, tzinfo=UTC)
    await harbor.db.execute(
        f"INSERT INTO audio.embedding_queue VALUES ('m', '{OLD}', '2024-05-02Z', '2024-05-02Z')"
    )
    assert await sounds.embedded_to(harbor.db) == datetime(2024, 5, 2, tzinfo=UTC)
    await harbor.db.execute("DELETE FROM audio.embedding_marks")
    assert await sounds.embedded_to(harbor.db) is None


async def test_a_month_of_scores_is_emptied_once_all_of_it_is_old(harbor: Harbor) -> None:
    assert await patches.too_old(harbor.db, TO) == []  # an audio of May came in July
    after = datetime(2024, 7, 5, tzinfo=UTC)
    assert await patches.too_old(harbor.db, after) == ["audio.patches_2024_05"]
    await patches.empty(harbor.db, "audio.patches_2024_05", lambda _: None)
    assert await harbor.ids("audio.patches") == {NEW}
    assert await patches.too_old(harbor.db, after) == []
    await harbor.db.execute(
        f"INSERT INTO audio.patches VALUES ('{OLD}', '2024-05-02Z', 'm', '{{0}}', '\\x00')"
    )


async def test_the_scores_of_the_version_before_go_as_a_whole(harbor: Harbor) -> None:
    assert patches.BEFORE_MONTHS in await patches.too_old(harbor.db, datetime(2024, 8, 1, tzinfo=UTC))
    await patches.empty(harbor.db, patches.BEFORE_MONTHS, lambda _: None)
    assert await harbor.ids("audio.patch_scores") == set()
