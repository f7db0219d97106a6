"""Makes an index while others write the table; on a partitioned one, as PostgreSQL cannot, part by part."""

import re
from collections.abc import Callable

import asyncpg

CONCURRENTLY = re.compile(
    r"CREATE (?P<unique>UNIQUE )?INDEX CONCURRENTLY (?P<name>\w+)\s+ON (?P<table>[\w.]+)\s+(?P<rest>.+)",
    re.DOTALL,
)
LONGEST_NAME = 63


async def make_index(connection: asyncpg.Connection, statement: str, say: Callable[[str], None]) -> None:
    """Make the index of a `CREATE INDEX CONCURRENTLY name ON schema.table (…)`, or what is missing of it.

    Raises asyncpg's `LockNotAvailableError` where a short lock is not to be had: call it again.
    """
    found = CONCURRENTLY.match(statement)
    assert found, statement
    unique, name, table, rest = found["unique"] or "", found["name"], found["table"], found["rest"]
    schema = table.partition(".")[0]
    kind = await connection.fetchval("SELECT relkind FROM pg_class WHERE oid = $1::regclass", table)
    if kind != b"p":
        await _build(connection, unique, schema, name, table, rest)
        return
    # It is valid once every part has its own. A month that comes from now on gets one at once.
    await connection.execute(f"CREATE {unique}INDEX IF NOT EXISTS {name} ON ONLY {table} {rest}")
    parts = await connection.fetch(_PARTS_WITHOUT, table, f"{schema}.{name}")
    for number, part in enumerate(parts, 1):
        say(f"{name}: {part['name']}, {number} of {len(parts)}")
        own = f"{part['name'].rpartition('.')[2]}_{name}"[:LONGEST_NAME]
        await _build(connection, unique, schema, own, part["name"], rest)
        await connection.execute(f"ALTER INDEX {schema}.{name} ATTACH PARTITION {schema}.{own}")


_PARTS_WITHOUT = """
    SELECT format('%I.%I', n.nspname, c.relname) AS name
    FROM pg_inherits AS i JOIN pg_class AS c ON c.oid = i.inhrelid
    JOIN pg_namespace AS n ON n.oid = c.relnamespace
    WHERE i.inhparent = $1::regclass AND NOT EXISTS (
        SELECT FROM pg_inherits AS a JOIN pg_index AS x ON x.indexrelid = a.inhrelid
        WHERE a.inhparent = $2::regclass AND x.indrelid = c.oid)
    ORDER BY c.relname
"""


async def _build(
    connection: asyncpg.Connection, unique: str, schema: str, name: str, table: str, rest: str
) -> None:
    """An index on one table; what an interrupted attempt has left is no index, and goes first.

    It waits as long as it takes: a lock that only keeps other changes of the table away holds nobody up.
    """
    timeout = await connection.fetchval("SHOW lock_timeout")
    await connection.execute("SET lock_timeout = 0")
    try:
        if await connection.fetchval(
            "SELECT NOT indisvalid FROM pg_index WHERE indexrelid = to_regclass($1)", f"{schema}.{name}"
        ):
            await connection.execute(f"DROP INDEX CONCURRENTLY {schema}.{name}")
        await connection.execute(f"CREATE {unique}INDEX CONCURRENTLY IF NOT EXISTS {name} ON {table} {rest}")
    finally:
        if not connection.is_closed():
            await connection.execute(f"SET lock_timeout = '{timeout}'")
