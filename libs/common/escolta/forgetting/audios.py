"""Every trace of an audio goes: the object, and each row of the catalog that has its id.

What stays is a tombstone, `audio.forgotten`, so that no node brings the audio back, and the audit log's line.
"""

from collections.abc import Sequence, Set
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

import asyncpg
import numpy as np
from numpy.typing import NDArray

from escolta.audit import at_the_terminal, note
from escolta.service import Objects

AT_ONCE = 200
LATELY = timedelta(days=1)
"""What services were at with an audio when it was forgotten is written by then."""
FIRST, LAST = datetime(1970, 1, 1, tzinfo=UTC), datetime(9999, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Chosen:
    """Audios by their ids, or those of a node that begin in `[start, end)`."""

    audio_ids: Sequence[UUID] = ()
    node: str = ""
    start: datetime = FIRST
    end: datetime = LAST

    @property
    def parameters(self) -> tuple:
        return list(self.audio_ids), self.node, self.start, self.end


_CHOSEN = """
    FROM audio.audios AS a JOIN audio.nodes USING (node_id) JOIN audio.paths USING (path_id)
    WHERE (a.audio_id = ANY ($1) OR nodes.name = $2) AND a.start_utc >= $3 AND a.start_utc < $4
"""

_COUNTED = f"""
    WITH chosen AS MATERIALIZED (SELECT a.audio_id, a.start_utc {_CHOSEN})
    SELECT (SELECT count(*) FROM chosen) AS audios,
           (SELECT count(*) FROM audio.embeddings JOIN chosen USING (audio_id, start_utc)) AS embeddings,
           (SELECT count(*) FROM al.wavs_proposed JOIN chosen USING (audio_id)) AS proposals,
           (SELECT count(*) FROM audio.chunks JOIN chosen USING (audio_id)) AS events,
           (SELECT count(*) FROM label.submissions JOIN chosen USING (audio_id)) AS answers,
           (SELECT min(submitted_at) FROM label.submissions JOIN chosen USING (audio_id)) AS labeled_from
"""

_GONE = (
    "DELETE FROM audio.embeddings WHERE audio_id = ANY ($1)",
    "DELETE FROM audio.patches WHERE audio_id = ANY ($1)",
    "DELETE FROM audio.patch_scores WHERE audio_id = ANY ($1)",
    "DELETE FROM audio.embedding_failures WHERE audio_id = ANY ($1)",
    "DELETE FROM audio.embedding_queue WHERE audio_id = ANY ($1)",
    # Marks of how far something is: it looks at some audios of that moment once more.
    *(
        f"UPDATE {table} SET {column} = '00000000-0000-0000-0000-000000000000' WHERE {column} = ANY ($1)"
        for table, column in (
            ("audio.embedding_marks", "audio_id"),
            ("audio.drops", "removed_id"),
            ("audio.retention", "removed_id"),
            ("audio.retention", "moved_id"),
        )
    ),
    "DELETE FROM audio.quarantine WHERE audio_id = ANY ($1) OR object_key IN"
    " (SELECT object_key FROM audio.forgotten WHERE audio_id = ANY ($1))",
    "DELETE FROM audio.chunks WHERE audio_id = ANY ($1)",
    "DELETE FROM label.assignments WHERE audio_id = ANY ($1)",
    "DELETE FROM label.withdrawals WHERE audio_id = ANY ($1)",
    "DELETE FROM label.asked WHERE audio_id = ANY ($1)",
    "DELETE FROM label.submissions WHERE audio_id = ANY ($1)",
    "DELETE FROM label.agreements WHERE audio_id = ANY ($1)",
    # label-gateway takes it out of BAT, where nothing but a whole project can be taken away.
    "UPDATE label.bat_projects AS p SET renew = true WHERE EXISTS (SELECT FROM label.bat_wavs AS w"
    " WHERE (w.iteration_id, w.group_id) = (p.iteration_id, p.group_id) AND audio_id = ANY ($1))",
    "DELETE FROM label.bat_wavs WHERE audio_id = ANY ($1)",
    "DELETE FROM label.bat_annotations WHERE audio_id = ANY ($1)",
    "UPDATE al.wavs_proposed SET nearest_medoid = NULL WHERE nearest_medoid = ANY ($1)",
    "UPDATE al.wavs_proposed SET nearest_unresolved = NULL WHERE nearest_unresolved = ANY ($1)",
    "DELETE FROM al.wavs_proposed WHERE audio_id = ANY ($1)",
    "UPDATE al.medoids AS m SET (audio_ids, starts_utc, classes) = ("
    " SELECT coalesce(array_agg(id ORDER BY place), '{}'), coalesce(array_agg(start ORDER BY place), '{}'),"
    "  coalesce(array_agg(class ORDER BY place), '{}')"
    " FROM unnest(m.audio_ids, m.starts_utc, m.classes) WITH ORDINALITY AS of_m (id, start, class, place)"
    " WHERE id <> ALL ($1)) WHERE audio_ids && $1",
    *(
        f"UPDATE al.medoids AS m SET ({kind}_ids, {kind}_starts) = ("
        " SELECT coalesce(array_agg(id ORDER BY place), '{}'),"
        "  coalesce(array_agg(start ORDER BY place), '{}')"
        f" FROM unnest(m.{kind}_ids, m.{kind}_starts) WITH ORDINALITY AS of_m (id, start, place)"
        f" WHERE id <> ALL ($1)) WHERE {kind}_ids && $1"
        for kind in ("unresolved", "open")
    ),
    "DELETE FROM audio.audios WHERE audio_id = ANY ($1)",  # the last: what is left is found by it again
)


async def counted(db: asyncpg.Connection, chosen: Chosen) -> asyncpg.Record:
    """audios, embeddings, proposals, events and answers that would go; since when these were labeled."""
    return await db.fetchrow(_COUNTED, *chosen.parameters)


async def exports_since(db: asyncpg.Connection, moment: datetime | None) -> list[asyncpg.Record]:
    """Exports that may have what was labeled from `moment` on: at, name, which. None: it was never."""
    return await db.fetch(
        "SELECT at, name, which FROM audio.audit WHERE what = 'exported'"
        " AND at >= $1::timestamptz - interval '1 hour' ORDER BY audit_id",  # one may have been under way
        moment or LAST,
    )


async def forget(db: asyncpg.Connection, objects: Objects, chosen: Chosen) -> int:
    """Forget them, and once more what was forgotten lately. Broken off, it goes on when it is run again.

    1. A tombstone for each, committed: from here on no node brings it back.
    2. Its object goes.
    3. All its rows go at once.
    """
    await _remove(db, objects, await _lately(db))
    forgotten = 0
    while rows := await db.fetch(
        f"SELECT a.audio_id, a.start_utc, path || object_name AS object_key {_CHOSEN} LIMIT {AT_ONCE}",
        *chosen.parameters,
    ):
        await db.executemany(
            "INSERT INTO audio.forgotten (audio_id, start_utc, object_key) VALUES ($1, $2, $3)"
            " ON CONFLICT (audio_id) DO UPDATE SET forgotten_at = now()",
            [tuple(row) for row in rows],
        )
        await _remove(db, objects, rows)
        forgotten += len(rows)
    return forgotten


async def _lately(db: asyncpg.Connection) -> list[asyncpg.Record]:
    return await db.fetch(
        "SELECT audio_id, object_key FROM audio.forgotten WHERE forgotten_at > now() - $1::interval", LATELY
    )


async def _remove(db: asyncpg.Connection, objects: Objects, rows: Sequence[asyncpg.Record]) -> None:
    for first in range(0, len(rows), AT_ONCE):
        part = rows[first : first + AT_ONCE]
        for row in part:
            await objects.delete(row["object_key"])
        audio_ids = [row["audio_id"] for row in part]
        async with db.transaction():
            there = await db.fetchval(
                "SELECT count(*) FROM audio.audios WHERE audio_id = ANY ($1)", audio_ids
            )
            for statement in _GONE:
                await db.execute(statement, audio_ids)
            await _remove_from_arrays(db, audio_ids)
            if there:
                named = ", ".join(map(str, audio_ids))
                await note(db, "forget", at_the_terminal(), "deleted", f"{there} audios: {named}")


async def _remove_from_arrays(db: asyncpg.Connection, audio_ids: Sequence[UUID]) -> None:
    """Predictions go on without them. A map, which has a place for each, goes, and is drawn again for whoever
    asks."""
    gone = {audio_id.bytes for audio_id in audio_ids}
    for [iteration_id] in await db.fetch("SELECT iteration_id FROM al.predictions"):
        row = await db.fetchrow(
            "SELECT audio_ids, classes FROM al.predictions WHERE iteration_id = $1", iteration_id
        )
        if (stays := _stays(row["audio_ids"], gone)).all():
            continue
        await db.execute(
            "UPDATE al.predictions SET audio_ids = $2, classes = $3 WHERE iteration_id = $1",
            iteration_id,
            np.frombuffer(row["audio_ids"], "V16")[stays].tobytes(),
            np.frombuffer(row["classes"], "<i2")[stays].tobytes(),
        )
    for [map_id] in await db.fetch("SELECT map_id FROM al.maps"):
        ids = await db.fetchval("SELECT audio_ids FROM al.maps WHERE map_id = $1", map_id)
        if not _stays(ids, gone).all():
            await db.execute("DELETE FROM al.iteration_maps WHERE map_id = $1", map_id)
            await db.execute("DELETE FROM al.maps WHERE map_id = $1", map_id)


def _stays(encoded: bytes, gone: Set[bytes]) -> NDArray[np.bool_]:
    """Which of the ids, 16 bytes each, are not in `gone`: `[ids]`."""
    ids = np.frombuffer(encoded, "V16").tolist()
    return np.fromiter((audio_id not in gone for audio_id in ids), bool, len(ids))
