"""Loading the classes of a file into the ontology: all of them or, where something is wrong, none."""

from collections.abc import Sequence
from dataclasses import dataclass

import asyncpg

from escolta.audit import Who
from escolta.errors import Misconfigured
from escolta.names import folded, on_screen
from label_gateway.audit.log import note
from label_gateway.ontology.checks import Change, changes
from label_gateway.ontology.classes import changing, classes
from label_gateway.ontology.entries import read_entries


@dataclass(frozen=True)
class Loaded:
    """What came of it: classes in the file, those that are new, and those that were there and are changed."""

    classes: int
    new: int
    changed: int

    def __str__(self) -> str:
        same = self.classes - self.new - self.changed
        return (
            f"{self.classes} classes: {self.new} are new, {self.changed} were there and have another place in"
            f" the tree or other synonyms now, {same} were there as they are"
        )


async def load(db: asyncpg.Pool, source: str, by: Who) -> Loaded:
    """Let the ontology have the classes of `source`, with their parents and synonyms; it loses none.

    1. Read the whole file.
    2. Hold it against itself and the ontology, which nobody else changes meanwhile.
    3. Add what is new, in the file's order, and what is said otherwise.

    Again, and nothing changes. Raises `Misconfigured` with all that is wrong, row by row; nothing changes.
    """
    problems: list[str] = []
    entries = read_entries(source, problems)
    async with changing(db) as connection:
        wanted = changes(entries, await classes(connection), problems)
        if problems:
            raise Misconfigured(
                "\n  ".join(["nothing was loaded; mend this first:", *map(on_screen, problems)])
            )
        await _apply(connection, wanted)
        new = sum(change.class_id is None for change in wanted)
        loaded = Loaded(len(entries), new, len(wanted) - new)
        if wanted:
            await note(connection, by, "loaded classes", f"{source}: {loaded}")
    return loaded


async def _apply(db: asyncpg.Connection, wanted: Sequence[Change]) -> None:
    for change in wanted:
        if change.class_id is None:
            await _add(db, change)
        elif change.synonyms is not None:
            await db.execute(
                "UPDATE audio.ontology SET synonyms = $2 WHERE class_id = $1",
                change.class_id,
                change.synonyms,
            )
    moved = {folded(it.name): it.parents for it in wanted if it.parents is not None}
    ids = {folded(it.name): it.class_id for it in reversed(await classes(db))}
    edges = [(ids[key], ids[parent]) for key, parents in moved.items() for parent in parents]
    await db.execute(
        "DELETE FROM audio.ontology_parents WHERE class_id = ANY($1)", [ids[key] for key in moved]
    )
    await db.executemany("INSERT INTO audio.ontology_parents (class_id, parent_id) VALUES ($1, $2)", edges)


async def _add(db: asyncpg.Connection, change: Change) -> None:
    added = await db.fetchval(
        "INSERT INTO audio.ontology (name, synonyms) VALUES ($1, $2)"
        " ON CONFLICT DO NOTHING RETURNING class_id",
        change.name,
        change.synonyms,
    )
    if added is None:  # PostgreSQL knows capitals of its own, such as the dotted İ
        raise Misconfigured(
            f"nothing was loaded: to the catalog {on_screen(change.name)} is another class of the file or the"
            " ontology, in other capitals: call it otherwise"
        )
