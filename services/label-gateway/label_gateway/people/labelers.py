"""Groups and labelers: their tables, and what is known of a person."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Literal

import asyncpg
from pydantic import BaseModel, Field

from escolta.audit import INSTALLATION, Who
from escolta.errors import Rejected
from escolta.names import same_name
from label_gateway.audit.log import note
from label_gateway.people.session_rows import end_sessions

Role = Literal["labeler", "lead"]
FIRST_LEAD, FIRST_GROUP = "lead", "everyone"

_LABELER = """
    SELECT l.labeler_id, l.name, l.role, g.name AS "group", l.enabled, b.bat_user
    FROM audio.labelers l LEFT JOIN label.groups g USING (group_id)
    LEFT JOIN label.bat_users b USING (labeler_id)
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
    bat_user: str | None = Field(None, description="as whom they label in BAT; null: they label on the page")


class NameTaken(Rejected):
    """Raised when another labeler has the name already."""


async def labeler(db: asyncpg.Pool, labeler_id: int) -> Labeler | None:
    """The labeler with this id."""
    row = await db.fetchrow(_LABELER + "WHERE l.labeler_id = $1", labeler_id)
    return Labeler(**row) if row else None


async def labeler_named(db: asyncpg.Pool, name: str) -> Labeler | None:
    """The labeler with this name, whatever its capitals and its composition."""
    known = {person.name: person for person in await labelers(db)}
    same = same_name(name, known)
    return known[same] if same else None


async def labelers(db: asyncpg.Pool) -> list[Labeler]:
    """Everybody, in the order in which they were added."""
    return [Labeler(**row) for row in await db.fetch(_LABELER + "ORDER BY l.labeler_id")]


async def add_group(db: asyncpg.Pool, name: str) -> tuple[Group, bool]:
    """The group called `name`, whatever its capitals and its composition, and whether it is new."""
    async with _alone(db) as connection:
        return await _add_group(connection, name)


async def add_labeler(db: asyncpg.Pool, name: str, role: Role, group: str | None, by: Who) -> Labeler:
    """A new labeler, added `by` somebody. Raises `NameTaken`, or `Rejected` for a group that is not there."""
    async with _alone(db) as connection:
        return await _add_labeler(connection, name, role, group, by)


async def change_labeler(db: asyncpg.Pool, after: Labeler, by: Who) -> Labeler:
    """Keep the role, the group and `enabled` of `after`; whoever is not enabled is signed out everywhere.

    Raises `Rejected` for a group that is not there, and where no lead would be left.
    """
    async with _alone(db) as connection:
        joined = await _group_to_join(connection, after.group)
        changed = await connection.fetchval(
            """
            UPDATE audio.labelers SET role = $2, group_id = $3, enabled = $4
            WHERE labeler_id = $1 AND (NOT (role = 'lead' AND enabled) OR ($2 = 'lead' AND $4) OR EXISTS (
                SELECT FROM audio.labelers WHERE labeler_id <> $1 AND role = 'lead' AND enabled))
            RETURNING labeler_id
            """,
            after.labeler_id,
            after.role,
            joined and joined.group_id,
            after.enabled,
        )
        if changed is None:
            raise Rejected(f"{after.name!r} is the last lead: make somebody else a lead first.")
        after = after.model_copy(update={"group": joined and joined.name})
        if not after.enabled:
            await end_sessions(connection, after.labeler_id)
        await note(connection, by, "changed a person", _described(after))
    return after


async def set_bat_user(db: asyncpg.Pool, person: Labeler, bat_user: str | None, by: Who) -> Labeler:
    """Let the person label in BAT, as the user of that name there; None: on the page.

    Raises `NameTaken` where another labeler is that user.
    """
    async with _alone(db) as connection:
        other = await connection.fetchval(
            "SELECT l.name FROM label.bat_users JOIN audio.labelers l USING (labeler_id)"
            " WHERE bat_user = $2 AND labeler_id <> $1",
            person.labeler_id,
            bat_user,
        )
        if other:
            raise NameTaken(
                f"{other!r} is the user {bat_user!r} in BAT already: everybody needs one of their own."
            )
        await connection.execute("DELETE FROM label.bat_users WHERE labeler_id = $1", person.labeler_id)
        if bat_user:
            await connection.execute(
                "INSERT INTO label.bat_users (labeler_id, bat_user) VALUES ($1, $2)",
                person.labeler_id,
                bat_user,
            )
        after = person.model_copy(update={"bat_user": bat_user})
        await note(connection, by, "changed a person", _described(after))
    return after


async def make_lead(db: asyncpg.Pool, name: str, by: Who) -> Labeler:
    """The labeler called `name` as a lead who may sign in; somebody new joins no group."""
    async with _alone(db) as connection:
        person = await labeler_named(connection, name)
        if person is None:
            return await _add_labeler(connection, name, "lead", None, by)
        await connection.execute(
            "UPDATE audio.labelers SET role = 'lead', enabled = true WHERE labeler_id = $1", person.labeler_id
        )
        person = person.model_copy(update={"role": "lead", "enabled": True})
        await note(connection, by, "changed a person", _described(person))
        return person


async def ensure_a_lead(db: asyncpg.Pool) -> Labeler:
    """The lead who came first; where there is none, a new one.

    Where there is no labeler at all, the new lead is a group of one; else the groups stay as they are.
    """
    async with _alone(db) as connection:
        leads, labelers = await connection.fetchrow(
            "SELECT count(*) FILTER (WHERE role = 'lead'), count(*) FROM audio.labelers"
        )
        if not labelers:
            await _add_group(connection, FIRST_GROUP)
        if not leads:
            group = None if labelers else FIRST_GROUP
            await _add_labeler(connection, FIRST_LEAD, "lead", group, INSTALLATION)
        row = await connection.fetchrow(
            _LABELER + "WHERE l.role = 'lead' AND l.enabled ORDER BY l.labeler_id LIMIT 1"
        )
    if row is None:
        raise Rejected("No lead may sign in: `escolta greet NAME --lead` makes one.")
    return Labeler(**row)


@asynccontextmanager
async def _alone(db: asyncpg.Pool) -> AsyncIterator[asyncpg.Connection]:
    """A transaction in which nobody else changes people: of two leads who demote each other, the second sees
    what the first did. Reading goes on."""
    async with db.acquire() as connection, connection.transaction():
        await connection.execute("LOCK TABLE audio.labelers IN SHARE ROW EXCLUSIVE MODE")
        yield connection


async def _add_group(db: asyncpg.Connection, name: str) -> tuple[Group, bool]:
    if existing := await _group(db, name):
        return existing, False
    row = await db.fetchrow("INSERT INTO label.groups (name) VALUES ($1) RETURNING group_id, name", name)
    return Group(**row), True


async def _add_labeler(db: asyncpg.Connection, name: str, role: Role, group: str | None, by: Who) -> Labeler:
    if existing := await labeler_named(db, name):
        raise NameTaken(f"A labeler is called {existing.name!r} already: choose another name.")
    joined = await _group_to_join(db, group)
    labeler_id = await db.fetchval(
        "INSERT INTO audio.labelers (name, role, group_id) VALUES ($1, $2, $3) RETURNING labeler_id",
        name,
        role,
        joined and joined.group_id,
    )
    added = Labeler(labeler_id=labeler_id, name=name, role=role, group=joined and joined.name, enabled=True)
    await note(db, by, "added a person", _described(added))
    return added


def _described(labeler: Labeler) -> str:
    may = "may sign in" if labeler.enabled else "may not sign in"
    in_bat = f", in BAT as {labeler.bat_user}" if labeler.bat_user else ""
    return f"{labeler.name}: {labeler.role}, {labeler.group or 'no group'}, {may}{in_bat}"


async def _group_to_join(db: asyncpg.Connection, name: str | None) -> Group | None:
    if name is None:
        return None
    group = await _group(db, name)
    if group is None:
        raise Rejected(f"There is no group called {name!r}: add it first.")
    return group


async def _group(db: asyncpg.Connection, name: str) -> Group | None:
    rows = await db.fetch("SELECT group_id, name FROM label.groups ORDER BY group_id")
    known = {row["name"]: Group(**row) for row in rows}
    same = same_name(name, known)
    return known[same] if same else None
