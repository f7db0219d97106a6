"""The ontology: the classes in the order in which they were added, with those above them."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg
from pydantic import BaseModel, Field

from escolta.names import same_name

_CLASS = """
    SELECT class_id, name, is_doubt, synonyms,
           array(SELECT parent_id FROM audio.ontology_parents p
                 WHERE p.class_id = o.class_id ORDER BY parent_id) AS parents
    FROM audio.ontology o
"""


class SoundClass(BaseModel):
    """A kind of sound."""

    class_id: int
    name: str
    is_doubt: bool = Field(description='says "I am not sure": never what a group agrees on')
    synonyms: list[str] = Field(default=[], description="other names by which it is found")
    parents: list[int] = Field(default=[], description="the classes right above it; none: it lies below none")


@asynccontextmanager
async def changing(db: asyncpg.Pool) -> AsyncIterator[asyncpg.Connection]:
    """The connection of a transaction that adds to the ontology; there is one of them at a time."""
    async with db.acquire() as connection, connection.transaction():
        await connection.execute("SELECT pg_advisory_xact_lock(hashtextextended('label.ontology', 0))")
        yield connection


async def classes(db: asyncpg.Pool | asyncpg.Connection) -> list[SoundClass]:
    """The whole ontology, in its order."""
    return [SoundClass(**row) for row in await db.fetch(_CLASS + "ORDER BY class_id")]


async def add_class(db: asyncpg.Pool, name: str, labeler_id: int) -> tuple[SoundClass, bool]:
    """The class called `name`, or that has it as a synonym, whatever its capitals and its composition;
    and whether it is new.
    """
    async with changing(db) as connection:
        known = await classes(connection)
        called = {synonym: it for it in known for synonym in it.synonyms} | {it.name: it for it in known}
        if same := same_name(name, called):
            return called[same], False
        row = await connection.fetchrow(
            "INSERT INTO audio.ontology (name, added_by)"
            " VALUES ($1, (SELECT labeler_id FROM audio.labelers WHERE labeler_id = $2))"
            " ON CONFLICT DO NOTHING RETURNING class_id, name, is_doubt",
            name,
            labeler_id,
        )
        if row is None:  # PostgreSQL knows capitals of its own, such as the dotted İ
            row = await connection.fetchrow(_CLASS + "WHERE lower(name) = lower($1)", name)
            return SoundClass(**row), False
        return SoundClass(**row), True
