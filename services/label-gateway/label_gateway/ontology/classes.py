"""The ontology: the classes in the order in which labelers added them."""

import asyncpg
from pydantic import BaseModel, Field

from escolta.names import same_name

_CLASS = "SELECT class_id, name, is_doubt FROM audio.ontology "


class SoundClass(BaseModel):
    """A kind of sound."""

    class_id: int
    name: str
    is_doubt: bool = Field(description='says "I am not sure": never what a group agrees on')


async def classes(db: asyncpg.Pool) -> list[SoundClass]:
    """The whole ontology, in its order."""
    return [SoundClass(**row) for row in await db.fetch(_CLASS + "ORDER BY class_id")]


async def add_class(db: asyncpg.Pool, name: str, labeler_id: int) -> tuple[SoundClass, bool]:
    """The class called `name`, whatever its capitals and its composition, and whether it is new."""
    async with db.acquire() as connection, connection.transaction():
        await connection.execute("SELECT pg_advisory_xact_lock(hashtextextended('label.ontology', 0))")
        known = {sound_class.name: sound_class for sound_class in await classes(connection)}
        if same := same_name(name, known):
            return known[same], False
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
