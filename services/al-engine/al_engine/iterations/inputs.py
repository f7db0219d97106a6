"""What an iteration stands on, written down before it runs: so it ends the same, killed or replayed.

An iteration freezes its inputs once: its number, the moment before which audios count as embedded, the
medoids with the classes they have now, the audios that are open or unresolved now, settings, seed, model.
From them follow its proposals, whatever comes later.
"""

from dataclasses import asdict, dataclass, fields
from datetime import datetime
from importlib.metadata import version
from uuid import UUID

import asyncpg

from al_engine.catalog import windows
from al_engine.iterations.earlier import Audios, Medoids
from al_engine.iterations.suggestions import Suggesting
from al_engine.method.selection import SelectionSettings
from escolta.events import IterationRequested, Window

METHOD = 1
"""Counts up whenever the same inputs give other proposals; a record of another method is not replayed.
`test_method.py` pins what this method proposes."""


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
    unresolved: Audios
    open_proposals: Audios
    suggesting: Suggesting | None
    method: int


async def freeze(
    connection: asyncpg.Connection,
    request: IterationRequested,
    model: tuple[str, int],
    medoids: Medoids,
    unresolved: Audios,
    open_proposals: Audios,
    settings: SelectionSettings,
    suggesting: Suggesting | None,
    max_medoids: int,
) -> Inputs:
    """Freeze the inputs and write them down, all or nothing. The caller holds the one-iteration lock."""
    model_id, dim = model
    before = await windows.cutoff(connection)
    async with connection.transaction():
        number = await connection.fetchval(
            "UPDATE al.al_preprocessing SET cutoff = $2, model_id = $3, settings = $4, method = $5,"
            " code_version = $6, medoids = $7, strategy = $8, unresolved = $9, open_proposals = $10,"
            " number = (SELECT coalesce(max(number), 0) + 1 FROM al.al_preprocessing)"
            " WHERE iteration_id = $1 RETURNING number",
            request.iteration_id,
            before,
            model_id,
            asdict(settings) | {"max_medoids": max_medoids, "suggestions": suggesting},
            METHOD,
            version("escolta-al-engine"),
            len(medoids),
            settings.strategy,
            len(unresolved),
            len(open_proposals),
        )
        await connection.execute(
            "INSERT INTO al.medoids (iteration_id, audio_ids, starts_utc, classes, unresolved_ids,"
            " unresolved_starts, open_ids, open_starts) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
            request.iteration_id,
            medoids.audio_ids,
            medoids.starts,
            medoids.classes,
            unresolved.audio_ids,
            unresolved.starts,
            open_proposals.audio_ids,
            open_proposals.starts,
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
        unresolved,
        open_proposals,
        suggesting,
        METHOD,
    )


async def frozen(connection: asyncpg.Connection, request: IterationRequested) -> Inputs | None:
    """The inputs of this iteration as they were frozen; None where they were not."""
    row = await connection.fetchrow(
        "SELECT number, cutoff, model_id, dim, settings, method, audio_ids, starts_utc, classes,"
        " unresolved_ids, unresolved_starts, open_ids, open_starts"
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
        Audios(row["unresolved_ids"], row["unresolved_starts"]),
        Audios(row["open_ids"], row["open_starts"]),
        row["settings"].get("suggestions"),
        row["method"],
    )
