"""What earlier iterations have left for one that begins: medoids, unresolved audios, open proposals.

The same order for each: those of the windows; then those of their nodes from other times, nearest in time
first; then those of other nodes, nearest in time first (algorithm step 4).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import asyncpg

from al_engine.catalog import windows
from escolta.events import Window


@dataclass(frozen=True)
class Audios:
    """Audios in order of audio id."""

    audio_ids: list[UUID]
    starts: list[datetime]

    def __len__(self) -> int:
        return len(self.audio_ids)


@dataclass(frozen=True)
class Medoids(Audios):
    """Labeled audios with an agreed class; `in_window` of them are of the windows."""

    classes: list[str]
    in_window: int = 0


# An audio that was labeled twice counts as it was labeled last.
_HEARD = """
    SELECT DISTINCT ON (audio_id) audio_id, start_utc, node, label FROM al.wavs_proposed
    WHERE labeled_at IS NOT NULL ORDER BY audio_id, agreement_version DESC
"""
_AGREED = f"SELECT * FROM ({_HEARD}) AS heard WHERE label IS NOT NULL"
_UNRESOLVED = f"SELECT * FROM ({_HEARD}) AS heard WHERE label IS NULL"
# What is withheld by now nobody will answer, nor what is left of a batch that is closed.
_OPEN = """
    SELECT DISTINCT audio_id, start_utc, node, NULL AS label FROM al.wavs_proposed AS p
    JOIN al.al_preprocessing USING (iteration_id) WHERE status = 'proposed' AND labeled_at IS NULL
    AND EXISTS (SELECT FROM audio.hearable AS a WHERE (a.audio_id, a.start_utc) = (p.audio_id, p.start_utc))
    AND NOT EXISTS (SELECT FROM al.wavs_proposed AS o WHERE o.audio_id = p.audio_id
                    AND o.labeled_at IS NOT NULL)
"""


async def choose_medoids(
    connection: asyncpg.Connection,
    pool: asyncpg.Pool,
    all_windows: Sequence[Window],
    model_id: str,
    limit: int,
) -> Medoids:
    """At most `limit` medoids for a run, with an embedding by this model.

    They come in order of audio id (ours): of two equally near medoids the first counts, whatever the window.
    """
    chosen = await _chosen(connection, pool, _AGREED, all_windows, model_id, limit)
    return Medoids(
        [row["audio_id"] for row in chosen],
        [row["start_utc"] for row in chosen],
        [row["label"] for row in chosen],
        sum(row["in_window"] for row in chosen),
    )


async def choose_unresolved(
    connection: asyncpg.Connection,
    pool: asyncpg.Pool,
    all_windows: Sequence[Window],
    model_id: str,
    limit: int,
) -> Audios:
    """At most `limit` audios that were heard, and have no agreed class."""
    return _audios(await _chosen(connection, pool, _UNRESOLVED, all_windows, model_id, limit))


async def choose_open(
    connection: asyncpg.Connection,
    pool: asyncpg.Pool,
    all_windows: Sequence[Window],
    model_id: str,
    limit: int,
) -> Audios:
    """At most `limit` audios of open batches that may be heard and are not settled yet."""
    return _audios(await _chosen(connection, pool, _OPEN, all_windows, model_id, limit))


def _audios(rows: Sequence[asyncpg.Record]) -> Audios:
    return Audios([row["audio_id"] for row in rows], [row["start_utc"] for row in rows])


async def _chosen(
    connection: asyncpg.Connection,
    pool: asyncpg.Pool,
    proposals: str,
    all_windows: Sequence[Window],
    model_id: str,
    limit: int,
) -> list[asyncpg.Record]:
    """Of `proposals` (SQL: audio_id, start_utc, node, label) the first `limit`, in order of audio id."""
    rows = await connection.fetch(
        f"WITH w AS ({proposals})"
        " SELECT audio_id, start_utc, label, in_window FROM w CROSS JOIN LATERAL"
        f" (SELECT bool_or({windows.PROPOSED_IN}) AS in_window, bool_or({windows.SAME_NODE}) AS same_node,"
        "  min(greatest(window_start - start_utc, start_utc - window_end, interval '0')) AS away"
        f"  FROM {windows.windows_at(1)}) AS found"
        " ORDER BY in_window DESC, same_node DESC, away, audio_id",
        windows.encoded(all_windows),
    )
    chosen: list[asyncpg.Record] = []
    for first in range(0, len(rows), limit):  # once, unless some have no embedding by this model
        part = rows[first : first + limit]
        ids, starts = [row["audio_id"] for row in part], [row["start_utc"] for row in part]
        there = await windows.embedded(pool, model_id, ids, starts)
        chosen += [row for row in part if row["audio_id"] in there]
        if len(chosen) >= limit:
            break
    return sorted(chosen[:limit], key=lambda row: row["audio_id"])
