"""What is forgotten is nowhere: no row of any table has its id, and no key of the store."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

import asyncpg
import pytest
from unit.ingest.at_work import IngestAtWork, ingest_at_work, wav

from escolta.catalog import open_catalog
from escolta.events import AudioAccepted, AudioRefused
from escolta.forgetting import audios, labelers
from escolta.forgetting.audios import Chosen
from escolta.objects import Objects, open_objects

GONE, STAYS = UUID(int=7 << 64 | 1), UUID(int=7 << 64 | 2)
KEPT = {"audio.forgotten", "audio.audit"}
"""The tombstone, and who did what."""
MARKS = {"audio.embedding_marks", "audio.retention"}
"""They have one row, of the audio that is to go."""

FILL = """
    INSERT INTO audio.projects (name) VALUES ('p');
    INSERT INTO audio.sources (name) VALUES ('s');
    INSERT INTO audio.node_types (name) VALUES ('t');
    INSERT INTO audio.nodes (name, project_id, source_id, node_type_id)
        VALUES ('quay-1', 1, 1, 1), ('quay-2', 1, 1, 1);
    INSERT INTO audio.paths (path) VALUES ('audio/');
    INSERT INTO audio.models (model_id, name, dim, class_names) VALUES ('m', 'm', 1, '{a}');
    SELECT audio.ensure_month('2024-05-01Z');
    CREATE TEMPORARY TABLE chosen (audio_id uuid, node_id integer);
    INSERT INTO chosen VALUES ('%GONE', 1), ('%STAYS', 2);
    INSERT INTO audio.audios (audio_id, start_utc, node_id, path_id, object_name, file_name, rate_hz,
                              bits_per_sample, samples, duration_s, channels, sha256, clock_state)
        SELECT audio_id, '2024-05-01Z', node_id, 1, audio_id || '.wav', 'a', 1, 1, 1, 1, 1, sha256('a'), 'u'
        FROM chosen;
    INSERT INTO audio.embeddings (audio_id, start_utc, model_id, vector, top_classes, top_probabilities)
        SELECT audio_id, '2024-05-01Z', 'm', '\\x0000', '{0}', '{0.5}' FROM chosen;
    INSERT INTO audio.patches SELECT audio_id, '2024-05-01Z', 'm', '{0}', '\\x00' FROM chosen;
    INSERT INTO audio.patch_scores SELECT audio_id, '2024-05-01Z', 'm', '{0}', '\\x0000' FROM chosen;
    INSERT INTO audio.embedding_failures (audio_id, start_utc, model_id, reason)
        SELECT audio_id, '2024-05-01Z', 'm', '' FROM chosen;
    INSERT INTO audio.embedding_queue SELECT 'm', audio_id, '2024-05-01Z', now() FROM chosen;
    INSERT INTO audio.embedding_marks VALUES ('m', now(), '%GONE');
    INSERT INTO audio.drops (at, node_ids, from_at, to_at, removed_to, removed_id)
        SELECT now(), '{1}', '2024-05-01Z', '2024-05-02Z', '2024-05-01Z', audio_id FROM chosen;
    UPDATE audio.retention SET (removed_id, moved_id) = ('%GONE', '%GONE');
    INSERT INTO audio.quarantine (message_id, at, queue, topic, reason, attempts, body, object_key)
        SELECT gen_random_uuid(), now(), '', '', '', 1, '', 'audio/' || audio_id || '.wav' FROM chosen;
    INSERT INTO al.al_preprocessing (iteration_id, status, nodes, window_start, window_end, batch, follow_ups)
        VALUES ('%ITERATION', 'proposed', '{}', '2024-05-01Z', '2024-06-01Z', 2, 0);
    INSERT INTO al.wavs_proposed (iteration_id, audio_id, start_utc, node, file_name, rank, disjoint_set,
                                  nearest_medoid, nearest_unresolved)
        SELECT '%ITERATION', audio_id, '2024-05-01Z', 'quay-1', 'a', node_id, 1, '%GONE', '%GONE' FROM chosen;
    INSERT INTO al.medoids SELECT '%ITERATION', ids, starts, '{a,b}', ids, starts, ids, starts
        FROM (SELECT array_agg(audio_id) AS ids, array_agg('2024-05-01Z'::timestamptz) AS starts
              FROM chosen) AS both_audios;
    INSERT INTO al.predictions
        VALUES ('%ITERATION', uuid_send('%GONE') || uuid_send('%STAYS'), '\\x00000100', '{a,b}');
    INSERT INTO al.maps (map_id, model_id, audios, fitted, audio_ids, coordinates, top_classes, seconds,
                         code_version)
        SELECT audio_id, 'm', 1, 1, uuid_send(audio_id), '', '', 0, ''
        FROM (VALUES ('%GONE'::uuid), ('%STAYS')) AS maps (audio_id);
    UPDATE al.maps SET map_id = gen_random_uuid();
    INSERT INTO al.iteration_maps (iteration_id, status, map_id, points)
        SELECT '%ITERATION', 'drawn', map_id, 1 FROM al.maps WHERE audio_ids = uuid_send('%GONE');
    INSERT INTO label.groups (name) VALUES ('harbor');
    INSERT INTO audio.labelers (name, role, group_id) VALUES ('Nuria', 'labeler', 1);
    INSERT INTO label.bat_users VALUES (1, 'Nuria of BAT');
    INSERT INTO label.sessions (labeler_id, kind, name, made_at, ends_at)
        VALUES (1, 'token', 't', now(), now());
    INSERT INTO label.assignments SELECT '%ITERATION', audio_id, 1, node_id FROM chosen;
    INSERT INTO label.withdrawals SELECT '%ITERATION', audio_id, 1 FROM chosen;
    INSERT INTO label.asked SELECT '%ITERATION', audio_id, 1 FROM chosen;
    INSERT INTO label.submissions SELECT '%ITERATION', audio_id, 1, now(), 1 FROM chosen;
    INSERT INTO label.agreements (iteration_id, audio_id, labelers, agreement_percent)
        SELECT '%ITERATION', audio_id, 1, 100 FROM chosen;
    INSERT INTO label.bat_projects (iteration_id, group_id, name) VALUES ('%ITERATION', 1, 'p');
    INSERT INTO label.bat_annotations (iteration_id, group_id, wav_name, bat_user, audio_id, annotation_id,
                                       seen)
        SELECT '%ITERATION', 1, audio_id || '.wav', 'Nuria of BAT', audio_id, node_id, 2 FROM chosen;
    INSERT INTO label.bat_wavs (iteration_id, group_id, audio_id, wav_name, pushed_at)
        SELECT '%ITERATION', 1, audio_id, 'aa-' || replace(audio_id::text, '-', '') || '.wav', now()
        FROM chosen;
    INSERT INTO audio.chunks (iteration_id, audio_id, labeler_id, class_id, onset_s, offset_s)
        SELECT '%ITERATION', audio_id, 1, 1, 0, 1 FROM chosen;
"""


@dataclass
class Filled:
    """A catalog of two audios with a row in every table that knows of audios, and a store that has them."""

    db: asyncpg.Connection
    objects: Objects

    async def traces(self, word: str) -> dict[str, int]:
        """In which tables rows have the word, also as bytes; how many."""
        rows = await self.db.fetch(
            "SELECT oid::regclass::text AS name FROM pg_class WHERE relkind IN ('r', 'p')"
            " AND NOT relispartition AND relnamespace::regnamespace::text IN ('audio', 'al', 'label')"
        )
        counts = {
            row["name"]: await self.db.fetchval(
                f"SELECT count(*) FROM {row['name']} t WHERE strpos(t::text, $1) + strpos(t::text, $2) > 0",
                word,
                word.replace("-", ""),
            )
            for row in rows
        }
        return {name: count for name, count in counts.items() if count}

    async def keys(self) -> set[str]:
        return {key async for key in self.objects.keys("audio/")}


@pytest.fixture
async def filled(catalog_url: str, tmp_path: Path) -> AsyncIterator[Filled]:
    objects = open_objects(f"file://{tmp_path}")
    for audio_id in (GONE, STAYS):
        await objects.put(f"audio/{audio_id}.wav", b"x")
    sql = FILL.replace("%GONE", str(GONE)).replace("%STAYS", str(STAYS))
    async with open_catalog(catalog_url) as pool, pool.acquire() as db:
        await db.execute(sql.replace("%ITERATION", str(UUID(int=9))))
        yield Filled(db, objects)


@pytest.mark.parametrize("chosen", [Chosen(audio_ids=[GONE]), Chosen(node="quay-1")])
async def test_no_table_and_no_key_has_it_and_the_others_stay(filled: Filled, chosen: Chosen) -> None:
    before = await filled.traces(str(STAYS))
    assert set(await filled.traces(str(GONE))) - KEPT == set(before) - KEPT | MARKS
    assert await audios.forget(filled.db, filled.objects, chosen) == 1
    assert set(await filled.traces(str(GONE))) == KEPT
    assert await filled.traces(str(STAYS)) == before
    assert await filled.keys() == {f"audio/{STAYS}.wav"}


async def test_a_dry_run_counts_and_deletes_nothing(filled: Filled) -> None:
    before = await filled.traces(str(GONE))
    count = await audios.counted(filled.db, Chosen(node="quay-1"))
    assert tuple(count)[:5] == (1, 1, 1, 1, 1)
    assert await filled.traces(str(GONE)) == before


async def test_exports_are_listed_from_the_first_label_on(filled: Filled) -> None:
    for which, at in (("labels.csv", "now()"), ("chunks.csv", "now() - interval '1 day'")):
        await filled.db.execute(
            "INSERT INTO audio.audit (at, service, name, what, which)"
            f" VALUES ({at}, 'label-gateway', 'Rosa', 'exported', '{which}')"
        )
    count = await audios.counted(filled.db, Chosen(node="quay-1"))
    listed = await audios.exports_since(filled.db, count["labeled_from"])
    assert [row["which"] for row in listed] == ["labels.csv"]
    assert await audios.exports_since(filled.db, None) == []


async def test_broken_off_it_goes_on_and_what_came_meanwhile_goes_too(filled: Filled) -> None:
    class StoreIsAway(Exception):
        pass

    class Away:
        async def delete(self, key: str) -> None:
            raise StoreIsAway

    with pytest.raises(StoreIsAway):
        await audios.forget(filled.db, Away(), Chosen([GONE]))  # type: ignore[arg-type]  # it only deletes
    assert "audio.audios" in await filled.traces(str(GONE))
    assert await audios.forget(filled.db, filled.objects, Chosen([GONE])) == 0  # by its tombstone
    assert set(await filled.traces(str(GONE))) == KEPT
    await filled.objects.put(f"audio/{GONE}.wav", b"x")
    await filled.db.execute("INSERT INTO label.withdrawals VALUES ($1, $1, 1)", GONE)
    assert await audios.forget(filled.db, filled.objects, Chosen([GONE])) == 0
    assert await filled.keys() == {f"audio/{STAYS}.wav"}
    assert set(await filled.traces(str(GONE))) == KEPT


async def test_a_node_does_not_bring_it_back(catalog_url: str, tmp_path: Path) -> None:
    async with ingest_at_work(catalog_url, tmp_path) as ingest:
        event = await cataloged(ingest)
        async with ingest.on.catalog.acquire() as db:
            assert await audios.forget(db, ingest.on.objects, Chosen([event.audio_id])) == 1
        await ingest.publish(event)
        await ingest.until_said(AudioRefused, event)
        assert await ingest.cataloged() == set()
        [row] = await ingest.quarantined(1)
        assert "deleted for good by the operator" in row["reason"]


async def cataloged(ingest: IngestAtWork):
    event = await ingest.upload(wav())
    await ingest.publish(event)
    await ingest.until_said(AudioAccepted, event)
    return event


@pytest.mark.parametrize(("labels", "left"), [(False, 2), (True, 0)])
async def test_a_labeler_s_name_goes_and_what_they_said_stays_or_goes(filled: Filled, labels, left) -> None:
    labeler_id = await labelers.labeler_named(filled.db, "Nuria")
    assert await labelers.counted(filled.db, labeler_id) == (2, 2)
    name = await labelers.forget(filled.db, labeler_id, labels=labels)
    assert await labelers.counted(filled.db, labeler_id) == (left, left)
    assert set(await filled.traces("Nuria")) == {"audio.audit"}
    row = await filled.db.fetchrow("SELECT name, enabled, group_id FROM audio.labelers")
    assert tuple(row) == (name, False, None)
    assert await filled.db.fetchval("SELECT count(*) FROM label.sessions") == 0
    assert await filled.db.fetchval("SELECT count(*) FROM label.agreements") == 2
