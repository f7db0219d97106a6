"""The ontology: the classes in the order in which labelers added them."""

import asyncpg
from pydantic import BaseModel, Field

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
    """The class called `name`, in capitals or not, and whether it is new."""
    class_id = await db.fetchval(
        "INSERT INTO audio.ontology (name, added_by)"
        " VALUES ($1, (SELECT labeler_id FROM audio.labelers WHERE labeler_id = $2))"
        " ON CONFLICT DO NOTHING RETURNING class_id",
        name,
        labeler_id,
    )
    row = await db.fetchrow(_CLASS + "WHERE lower(name) = lower($1)", name)
    return SoundClass(**row), class_id is not None
