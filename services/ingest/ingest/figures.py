"""What ingest reads from the catalog for whoever watches: nodes, backups, the catalog's size."""

from collections.abc import Iterable

import asyncpg

from escolta.metrics.figures import Figure, Figures, Reading
from escolta.service import Platform
from ingest import held

UNREGISTERED = "(unregistered)"
"""Names of nodes that nobody has registered come from outside: all of them are one."""

NODES = (
    Figure(
        "escolta_node_info", "1, with what a node said last of itself", ("node", "version", "clock_state")
    ),
    Figure("escolta_node_registered_timestamp_seconds", "When a node was registered", ("node",)),
    Figure(
        "escolta_node_last_heard_timestamp_seconds",
        "When a node's status was heard last, by ingest's clock; a node that never spoke has none",
        ("node",),
    ),
    Figure(
        "escolta_node_recorded",
        "Audios that a node has recorded since it was started, as it says itself",
        ("node",),
        counter=True,
    ),
    Figure("escolta_node_spooled_audios", "Audios that wait in a node's spool", ("node",)),
    Figure("escolta_node_free_bytes", "Free bytes of the disk of a node's spool", ("node",)),
    Figure("escolta_node_source_done", "1 where a node's source has ended and gives nothing more", ("node",)),
    Figure(
        "escolta_node_held_audios",
        "Audios, at least, that wait at a node until somebody or time has mended what keeps them out",
        ("node", "kind"),
    ),
    Figure("escolta_quarantine_messages", "Rows of the quarantine list", ("kind",)),
)
BACKUPS = (
    Figure(
        "escolta_backup_last_timestamp_seconds",
        "When a backup of the catalog, one of the objects, or a drill came to its end last",
        ("what",),
    ),
    Figure("escolta_backup_last_good", "1 where the last one was as it should be, else 0", ("what",)),
    Figure("escolta_backup_log_followed", "1 while `escolta backup --follow` receives the log, else 0"),
    Figure("escolta_backup_log_behind_bytes", "Bytes of log that `escolta backup --follow` has not received"),
)
CATALOG = (Figure("escolta_catalog_size_bytes", "Size of the catalog's database"),)

_STATUSES = """
SELECT nodes.name, extract(epoch FROM registered_at) AS registered_at, version, clock_state, recorded,
       spooled, free_bytes, source_done::integer AS source_done, extract(epoch FROM heard_at) AS heard_at
FROM audio.nodes LEFT JOIN audio.node_status USING (node_id)
"""
_QUARANTINED = "SELECT kind, sum(messages)::bigint AS messages FROM audio.quarantine_counts GROUP BY kind"
_FOLLOWED = """
SELECT active::integer AS active,
       coalesce(pg_wal_lsn_diff(pg_current_wal_lsn(), restart_lsn), 0) AS behind
FROM pg_replication_slots WHERE slot_name = 'escolta_backup'
"""


def figures(on: Platform) -> list[Figures]:
    """Everything that ingest reads for whoever watches."""

    async def nodes() -> Reading:
        statuses = await on.catalog.fetch(_STATUSES)
        return _of_nodes(statuses) | {
            "escolta_node_held_audios": await _held(on, {row["name"] for row in statuses}),
            "escolta_quarantine_messages": {
                (row["kind"],): row["messages"] for row in await on.catalog.fetch(_QUARANTINED)
            },
        }

    async def backups() -> Reading:
        ended = await on.catalog.fetch("SELECT what, extract(epoch FROM at) AS at, good FROM audio.backups")
        slot = await on.catalog.fetchrow(_FOLLOWED)
        return {
            "escolta_backup_last_timestamp_seconds": {(row["what"],): float(row["at"]) for row in ended},
            "escolta_backup_last_good": {(row["what"],): int(row["good"]) for row in ended},
            "escolta_backup_log_followed": {(): slot["active"]} if slot else {},
            "escolta_backup_log_behind_bytes": {(): float(slot["behind"])} if slot else {},
        }

    async def catalog() -> Reading:
        size = await on.catalog.fetchval("SELECT pg_database_size(current_database())")
        return {"escolta_catalog_size_bytes": {(): size}}

    return [
        Figures("nodes", NODES, nodes, period_s=15),
        Figures("backups", BACKUPS, backups, period_s=60),
        Figures("catalog", CATALOG, catalog, period_s=60),
    ]


def _of_nodes(statuses: Iterable[asyncpg.Record]) -> dict[str, dict[tuple[str, ...], float]]:
    read: dict[str, dict[tuple[str, ...], float]] = {figure.name: {} for figure in NODES}
    columns = {
        "escolta_node_registered_timestamp_seconds": "registered_at",
        "escolta_node_last_heard_timestamp_seconds": "heard_at",
        "escolta_node_recorded": "recorded",
        "escolta_node_spooled_audios": "spooled",
        "escolta_node_free_bytes": "free_bytes",
        "escolta_node_source_done": "source_done",
    }
    for row in statuses:
        for name, column in columns.items():
            if row[column] is not None:
                read[name][row["name"],] = float(row[column])
        if row["version"] is not None:
            read["escolta_node_info"][row["name"], row["version"], row["clock_state"]] = 1
    return read


async def _held(on: Platform, known: set[str]) -> dict[tuple[str, ...], float]:
    found: dict[tuple[str, ...], float] = {}
    for row in await held.waiting(on.catalog, on.clock.now()):
        labels = row["node"] if row["node"] in known else UNREGISTERED, row["kind"]
        found[labels] = found.get(labels, 0) + row["audios"]
    return found
