"""Groups and labelers: their tables, and what is known of a person."""

from typing import Literal

import asyncpg
from pydantic import BaseModel, Field

from escolta.errors import Rejected

Role = Literal["labeler", "lead"]
FIRST_LEAD, FIRST_GROUP = "lead", "everyone"

_LABELER = """
    SELECT l.labeler_id, l.name, l.role, g.name AS "group", l.enabled
    FROM audio.labelers l LEFT JOIN label.groups g USING (group_id)
"""


class Group(BaseModel):
    """People who hear the same part of each batch."""

    group_id: int
    name: str


class Labeler(BaseModel):
    """A person. A lead is a labeler who may also manage; without a group one labels nothing."""

    labeler_id: int
    name: str
    role: Role
    group: str | None = Field(description="the group's name")
    enabled: bool = Field(description="false: may not sign in, and nobody waits for this labeler")


class NameTaken(Rejected):
    """Raised when another labeler has the name already."""


async def labeler(db: asyncpg.Pool, labeler_id: int) -> Labeler | None:
    """The labeler with this id."""
    row = await db.fetchrow(_LABELER + "WHERE l.labeler_id = $1", labeler_id)
    return Labeler(**row) if row else None


async def labeler_named(db: asyncpg.Pool, name: str) -> Labeler | None:
    """The labeler with this name."""
    row = await db.fetchrow(_LABELER + "WHERE l.name = $1", name)
    return Labeler(**row) if row else None


async def labelers(db: asyncpg.Pool) -> list[Labeler]:
    """Everybody, in the order in which they were added."""
    return [Labeler(**row) for row in await db.fetch(_LABELER + "ORDER BY l.labeler_id")]


async def add_group(db: asyncpg.Pool, name: str) -> tuple[Group, bool]:
    """The group called `name`, and whether it is new."""
    group_id = await db.fetchval(
        "INSERT INTO label.groups (name) VALUES ($1) ON CONFLICT DO NOTHING RETURNING group_id", name
    )
    existing = group_id or await db.fetchval("SELECT group_id FROM label.groups WHERE name = $1", name)
    return Group(group_id=existing, name=name), group_id is not None


async def add_labeler(db: asyncpg.Pool, name: str, role: Role, group: str | None) -> Labeler:
    """A new labeler. Raises `NameTaken`, or `Rejected` for a group that is not there."""
    labeler_id = await db.fetchval(
        "INSERT INTO audio.labelers (name, role, group_id) VALUES ($1, $2, $3)"
        " ON CONFLICT DO NOTHING RETURNING labeler_id",
        name,
        role,
        await _group_id(db, group),
    )
    if labeler_id is None:
        raise NameTaken(f"A labeler is called {name!r} already: choose another name.")
    return Labeler(labeler_id=labeler_id, name=name, role=role, group=group, enabled=True)


async def change_labeler(db: asyncpg.Pool, after: Labeler) -> None:
    """Keep the role, the group and `enabled` of `after`.

    Raises `Rejected` for a group that is not there, and where no lead would be left.
    """
    async with db.acquire() as connection, connection.transaction():
        await _lock(connection)
        changed = await connection.fetchval(
            """
            UPDATE audio.labelers SET role = $2, group_id = $3, enabled = $4
            WHERE labeler_id = $1 AND (NOT (role = 'lead' AND enabled) OR ($2 = 'lead' AND $4) OR EXISTS (
                SELECT FROM audio.labelers WHERE labeler_id <> $1 AND role = 'lead' AND enabled))
            RETURNING labeler_id
            """,
            after.labeler_id,
            after.role,
            await _group_id(connection, after.group),
            after.enabled,
        )
    if changed is None:
        raise Rejected(f"{after.name!r} is the last lead: make somebody else a lead first.")


async def make_lead(db: asyncpg.Pool, name: str) -> Labeler:
    """The labeler called `name` as a lead who may sign in; somebody new joins no group."""
    async with db.acquire() as connection, connection.transaction():
        await _lock(connection)
        await connection.execute(
            "INSERT INTO audio.labelers (name, role) VALUES ($1, 'lead')"
            " ON CONFLICT (name) DO UPDATE SET role = 'lead', enabled = true",
            name,
        )
        return Labeler(**await connection.fetchrow(_LABELER + "WHERE l.name = $1", name))


async def ensure_a_lead(db: asyncpg.Pool) -> Labeler:
    """The lead who came first; where there is none, a new one.

    Where there is no labeler at all, the new lead is a group of one; else the groups stay as they are.
    """
    async with db.acquire() as connection, connection.transaction():
        await _lock(connection)
        leads, labelers = await connection.fetchrow(
            "SELECT count(*) FILTER (WHERE role = 'lead'), count(*) FROM audio.labelers"
        )
        if not labelers:
            await add_group(connection, FIRST_GROUP)
        if not leads:
            await add_labeler(connection, FIRST_LEAD, "lead", None if labelers else FIRST_GROUP)
        row = await connection.fetchrow(
            _LABELER + "WHERE l.role = 'lead' AND l.enabled ORDER BY l.labeler_id LIMIT 1"
        )
    if row is None:
        raise Rejected("No lead may sign in: `escolta greet NAME --lead` makes one.")
    return Labeler(**row)


async def _lock(db: asyncpg.Connection) -> None:
    """Let nobody else change people until this transaction ends: of two leads who demote each other, the
    second sees what the first did. Reading goes on."""
    await db.execute("LOCK TABLE audio.labelers IN SHARE ROW EXCLUSIVE MODE")


async def _group_id(db: asyncpg.Pool, name: str | None) -> int | None:
    if name is None:
        return None
    group_id = await db.fetchval("SELECT group_id FROM label.groups WHERE name = $1", name)
    if group_id is None:
        raise Rejected(f"There is no group called {name!r}: add it first.")
    return group_id
