"""What an iteration stands on, written down before it runs: so it ends the same, killed or replayed.

An iteration freezes its inputs once: its number, the moment before which audios count as embedded, the
medoids with the classes they have now, settings, seed, model. From them follow its proposals, whatever comes
later.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from datetime import datetime
from importlib.metadata import version
from uuid import UUID

import asyncpg

from al_engine.catalog import windows
from al_engine.method.selection import SelectionSettings
from escolta.events import IterationRequested, Window

METHOD = 1
"""Counts up whenever the same inputs give other proposals; a record of another method is not replayed.
`test_method.py` pins what this method proposes."""


@dataclass(frozen=True)
class Medoids:
    """Labeled audios with an agreed class, in order of audio id; `in_window` of them are of the windows."""

    audio_ids: list[UUID]
    starts: list[datetime]
    classes: list[str]
    in_window: int = 0

    def __len__(self) -> int:
        return len(self.audio_ids)


@dataclass(frozen=True)
class Inputs:
    """The inputs of an iteration. `number`: its place in the order in which iterations fixed theirs."""

    iteration_id: UUID
    number: int
    windows: list[Window]
    cutoff: datetime
    model_id: str
    dim: int
    settings: SelectionSettings
    medoids: Medoids
    method: int


async def freeze(
    connection: asyncpg.Connection,
    request: IterationRequested,
    model: tuple[str, int],
    medoids: Medoids,
    settings: SelectionSettings,
    max_medoids: int,
) -> Inputs:
    """Freeze the inputs and write them down, all or nothing. The caller holds the one-iteration lock."""
    model_id, dim = model
    before = await windows.cutoff(connection)
    async with connection.transaction():
        number = await connection.fetchval(
            "UPDATE al.al_preprocessing SET cutoff = $2, model_id = $3, settings = $4, method = $5,"
            " code_version = $6, medoids = $7, strategy = $8,"
            " number = (SELECT coalesce(max(number), 0) + 1 FROM al.al_preprocessing)"
            " WHERE iteration_id = $1 RETURNING number",
            request.iteration_id,
            before,
            model_id,
            asdict(settings) | {"max_medoids": max_medoids},
            METHOD,
            version("escolta-al-engine"),
            len(medoids),
            settings.strategy,
        )
        await connection.execute(
            "INSERT INTO al.medoids (iteration_id, audio_ids, starts_utc, classes) VALUES ($1, $2, $3, $4)",
            request.iteration_id,
            medoids.audio_ids,
            medoids.starts,
            medoids.classes,
        )
    return Inputs(
        request.iteration_id,
        number,
        windows.windows_of(request),
        before,
        model_id,
        dim,
        settings,
        medoids,
        METHOD,
    )


async def frozen(connection: asyncpg.Connection, request: IterationRequested) -> Inputs | None:
    """The inputs of this iteration as they were frozen; None where they were not."""
    row = await connection.fetchrow(
        "SELECT number, cutoff, model_id, dim, settings, method, audio_ids, starts_utc, classes"
        " FROM al.al_preprocessing JOIN al.medoids USING (iteration_id) JOIN audio.models USING (model_id)"
        " WHERE iteration_id = $1",
        request.iteration_id,
    )
    if row is None:
        return None
    known = {field.name for field in fields(SelectionSettings)}
    chosen = {name: value for name, value in row["settings"].items() if name in known}
    return Inputs(
        request.iteration_id,
        row["number"],
        windows.windows_of(request),
        row["cutoff"],
        row["model_id"],
        row["dim"],
        SelectionSettings(**chosen),
        Medoids(row["audio_ids"], row["starts_utc"], row["classes"]),
        row["method"],
    )


async def choose_medoids(
    connection: asyncpg.Connection,
    pool: asyncpg.Pool,
    all_windows: Sequence[Window],
    model_id: str,
    limit: int,
) -> Medoids:
    """At most `limit` medoids for a run, chosen in the order of algorithm step 4.

    Those of the windows; then those of their nodes from other times, nearest in time first; then those of
    other nodes, nearest in time first. An audio that was labeled twice has its newest class. They come in
    order of audio id (ours): of two equally near medoids the first counts, whatever the window.
    """
    rows = await connection.fetch(
        "WITH newest AS ("
        " SELECT DISTINCT ON (audio_id) audio_id, start_utc, node, label FROM al.wavs_proposed"
        " WHERE labeled_at IS NOT NULL ORDER BY audio_id, agreement_version DESC),"
        " placed AS (SELECT audio_id, start_utc, label, found.* FROM newest AS w CROSS JOIN LATERAL"
        f" (SELECT bool_or({windows.PROPOSED_IN}) AS in_window, bool_or({windows.SAME_NODE}) AS same_node,"
        "  min(greatest(window_start - start_utc, start_utc - window_end, interval '0')) AS away"
        f"  FROM {windows.windows_at(1)}) AS found WHERE label IS NOT NULL)"
        " SELECT audio_id, start_utc, label, in_window FROM placed"
        " ORDER BY in_window DESC, same_node DESC, away, audio_id",
        windows.encoded(all_windows),
    )
    chosen: list[asyncpg.Record] = []
    for first in range(0, len(rows), limit):  # once, unless some have no embedding by this model
        some = rows[first : first + limit]
        ids, starts = [row["audio_id"] for row in some], [row["start_utc"] for row in some]
        there = await windows.embedded(pool, model_id, ids, starts)
        chosen += [row for row in some if row["audio_id"] in there]
        if len(chosen) >= limit:
            break
    chosen = sorted(chosen[:limit], key=lambda row: row["audio_id"])
    return Medoids(
        [row["audio_id"] for row in chosen],
        [row["start_utc"] for row in chosen],
        [row["label"] for row in chosen],
        sum(row["in_window"] for row in chosen),
    )
