"""A harbor whose months are years old: a catalog with a few audios, and a store with their sounds."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import asyncpg

from escolta.objects import Objects
from escolta.retaining import sounds
from escolta.retaining.sounds import Gone, Policy

OLD, PROPOSED, LATE, NEW = (UUID(int=7 << 64 | number) for number in range(4))
"""LATE is the replay of an old folder: it begins in May and came in July."""
TO = datetime(2024, 6, 15, tzinfo=UTC)
ITERATION = UUID(int=9)
DAYS = 30

FILL = f"""
    INSERT INTO audio.projects (name) VALUES ('p');
    INSERT INTO audio.sources (name) VALUES ('s');
    INSERT INTO audio.node_types (name) VALUES ('t');
    INSERT INTO audio.nodes (name, project_id, source_id, node_type_id, registered_at)
        VALUES ('quay-1', 1, 1, 1, '2024-05-01Z');
    INSERT INTO audio.paths (path) VALUES ('audio/');
    INSERT INTO audio.models (model_id, name, dim, class_names) VALUES ('m', 'm', 1, '{{a}}');
    SELECT audio.ensure_month('2024-05-01Z'), audio.ensure_month('2024-07-01Z');
    INSERT INTO audio.audios (audio_id, start_utc, node_id, path_id, object_name, file_name, rate_hz,
                              bits_per_sample, samples, duration_s, channels, sha256, clock_state,
                              cataloged_at)
        SELECT id::uuid, start, 1, 1, id || '.wav', 'a', 16000, 16, 50, 1, 2, sha256('a'), 'u', came
        FROM (VALUES ('{OLD}', '2024-05-02Z'::timestamptz, '2024-05-02Z'::timestamptz),
                     ('{PROPOSED}', '2024-05-03Z', '2024-05-03Z'), ('{LATE}', '2024-05-04Z', '2024-07-04Z'),
                     ('{NEW}', '2024-07-05Z', '2024-07-05Z')) AS given (id, start, came);
    INSERT INTO audio.embeddings (audio_id, start_utc, embedded_at, model_id, vector, top_classes,
                                  top_probabilities)
        SELECT audio_id, start_utc, cataloged_at + interval '1 s', 'm', '\\x0000', '{{0}}', '{{0.5}}'
        FROM audio.audios;
    INSERT INTO audio.patches SELECT audio_id, start_utc, 'm', '{{0}}', '\\x00' FROM audio.audios;
    INSERT INTO audio.patch_scores SELECT audio_id, start_utc, 'm', '{{0}}', '\\x0000' FROM audio.audios;
    INSERT INTO audio.embedding_marks VALUES ('m', '2024-07-06Z', '{NEW}');
    INSERT INTO al.al_preprocessing (iteration_id, status, nodes, window_start, window_end, batch, follow_ups)
        VALUES ('{ITERATION}', 'closed', '{{}}', '2024-05-01Z', '2024-06-01Z', 1, 0);
    INSERT INTO al.wavs_proposed (iteration_id, audio_id, start_utc, node, file_name, rank, disjoint_set)
        VALUES ('{ITERATION}', '{PROPOSED}', '2024-05-03Z', 'quay-1', 'a', 1, 1)
"""


@dataclass
class Harbor:
    """A catalog and a store with the four audios."""

    db: asyncpg.Connection
    objects: Objects

    async def ids(self, table: str) -> set[UUID]:
        return {row["audio_id"] for row in await self.db.fetch(f"SELECT audio_id FROM {table}")}

    async def stored(self) -> set[UUID]:
        return {UUID(Path(key).stem) async for key in self.objects.keys("audio/")}

    async def drop(self, to: datetime = TO, days: int = DAYS) -> Gone:
        return await sounds.drop(self.db, self.objects, policy(to, days), lambda _: None)

    async def counted(self, to: datetime = TO) -> Gone:
        return await sounds.counted(self.db, policy(to))


def policy(to: datetime = TO, days: int = DAYS) -> Policy:
    """By which what entered before `to` goes, where a node says nothing else; `days`: 0, and it stays."""
    return Policy(to + timedelta(DAYS), days, datetime(2024, 7, 6, tzinfo=UTC))
