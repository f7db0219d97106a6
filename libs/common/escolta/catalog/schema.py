"""The catalog's schema: numbered files, and which of them a program needs.

What a file says in its first lines, after `-- escolta: `:

    one by one             each statement is a transaction of its own; indexes are made CONCURRENTLY
    in batches             its one statement runs again and again, until it changes no row
    contracts since 0024   it takes away what no program that ships the migration 0024 uses any longer
"""

import re
from dataclasses import dataclass
from importlib.resources import files

import asyncpg

from escolta.errors import Misconfigured

_MARKS = re.compile(r"^-- escolta: (.+)$", re.MULTILINE)
_CONTRACTS = re.compile(r"contracts since (\d{4})")


@dataclass(frozen=True)
class Migration:
    """One step of the schema: a file's name, such as `0018_composed_names.sql`, and its text."""

    name: str
    sql: str

    def says(self, mark: str) -> bool:
        """Whether the file is marked so."""
        return mark in _MARKS.findall(self.sql)

    @property
    def contracts_since(self) -> str | None:
        """The number of the oldest migration whose programs can do without what this takes away."""
        found = [match[1] for mark in _MARKS.findall(self.sql) if (match := _CONTRACTS.fullmatch(mark))]
        return found[0] if found else None

    @property
    def statements(self) -> list[str]:
        """The statements of a file that has no function in it."""
        sql = re.sub(r"--[^\n]*", "", self.sql)
        return [statement.strip() for statement in sql.split(";") if statement.strip()]


def shipped() -> list[Migration]:
    """The migrations that this program comes with, in order. It needs all of them."""
    folder = files("escolta.catalog") / "migrations"
    found = [entry for entry in folder.iterdir() if entry.name.endswith(".sql")]
    return [
        Migration(entry.name, entry.read_text("utf-8"))
        for entry in sorted(found, key=lambda entry: entry.name)
    ]


async def unmet(connection: asyncpg.Connection, needed: list[Migration]) -> str:
    """Why a program that ships `needed` cannot use this schema yet; empty where it can.

    A schema that has more is right: what was added disturbs nobody. Raises `Misconfigured` where it has less
    than the program uses, because a migration has taken that away.
    """
    if await connection.fetchval("SELECT to_regclass('public.escolta_migrations') IS NULL"):
        return "the catalog has no tables yet"
    try:
        rows = await connection.fetch(
            "SELECT name, to_jsonb(m) ->> 'contracts_since' AS since FROM public.escolta_migrations AS m"
        )
    except asyncpg.InsufficientPrivilegeError:
        return "this account may not read the catalog yet"
    applied = {row["name"]: row["since"] for row in rows}
    names = [migration.name for migration in needed]
    newest = max(names, default="")
    if gone := [name for name, since in applied.items() if since and name not in names and newest < since]:
        raise Misconfigured(
            f"ESCOLTA_CATALOG_URL: the catalog's schema has gone further than this program can follow "
            f"({max(gone)}): install a newer version of Escolta"
        )
    missing = [name for name in names if name not in applied]
    if not missing:
        return ""
    return f"the catalog's schema lacks {len(missing)} migrations, {missing[0]} first"
