"""A catalog that an earlier release left is brought up to date."""

from escolta.catalog import migrate


async def test_answers_of_before_count_for_the_group_that_had_the_audio(gateway):
    """Also where their labeler has moved since."""
    db = gateway.on.catalog
    await db.execute(
        "ALTER TABLE label.submissions DROP COLUMN group_id; DROP TABLE label.withdrawals;"
        "DELETE FROM escolta_migrations WHERE name = '0016_batches_follow_people.sql';"
        "INSERT INTO label.groups (name) VALUES ('harbor'), ('campus');"
        "INSERT INTO audio.labelers (name, role, group_id) VALUES ('ana', 'labeler', 1), ('b', 'labeler', 2)"
    )
    await gateway.propose(2, tell=False)
    await db.execute(
        "INSERT INTO label.assignments SELECT iteration_id, audio_id, 1, 1 FROM al.wavs_proposed;"
        "INSERT INTO label.assignments SELECT iteration_id, audio_id, 2, 1 FROM al.wavs_proposed"
        " WHERE rank = 0;"
        "INSERT INTO label.submissions SELECT iteration_id, audio_id, labeler_id"
        " FROM al.wavs_proposed, audio.labelers"
    )
    await migrate(gateway.on.settings.catalog_url)
    rows = await db.fetch(
        "SELECT rank, labeler_id, s.group_id FROM label.submissions s"
        " JOIN al.wavs_proposed USING (iteration_id, audio_id) ORDER BY 1, 2"
    )
    assert [tuple(row) for row in rows] == [(0, 1, 1), (0, 2, 2), (1, 1, 1), (1, 2, 1)]
