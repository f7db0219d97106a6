"""The nodes: who is registered, and what each said last of itself."""

from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import asynccontextmanager
from datetime import datetime

import asyncpg
from pydantic import ValidationError

from escolta.errors import Misconfigured
from escolta.events import NodeStatus
from escolta.service import Message, Platform
from ingest import held, store
from ingest.checks import Held, check_time, unknown_node
from ingest.store import NewNode


@asynccontextmanager
async def with_chosen_nodes(on: Platform) -> AsyncIterator[None]:
    """Register the nodes of the setting `nodes` before the first message comes.

    Raises `Misconfigured` for a name that no node can have.
    """
    for name in filter(None, map(str.strip, on.settings.nodes.split(","))):
        try:
            node = NewNode(name=name)
        except ValidationError:
            raise Misconfigured(
                f"ESCOLTA_NODES: {name!r} is not the name of a node: use at most 63 of a-z, 0-9 and -, "
                "and separate names by commas"
            ) from None
        await store.register_node(on.catalog, node)
    yield


class Statuses:
    """The handler of `NodeStatus`."""

    def __init__(self, on: Platform) -> None:
        self._on = on

    async def keep(self, messages: Sequence[Message[NodeStatus]]) -> None:
        """Keep the newest status of each node.

        1. List unknown nodes, and times that cannot be true: one in the future would hide all later statuses.
           The next status comes soon, so nothing is kept of this one.
        2. Write the rest; the row keeps the newest.
        """
        known = await store.known_nodes(self._on.catalog, {message.event.node for message in messages})
        now, good, waiting = self._on.clock.now(), [], {}
        for message in messages:
            status = message.event
            try:
                if status.node not in known:
                    raise unknown_node(status.node)
                check_time(status.node, "the time of its status", status.at, now)
                good.append(status)
            except Held as why:
                waiting[status.node, why.kind] = held.Waiting(status.node, why, status.spooled)
        await keep_statuses(self._on.catalog, good, now)
        await held.keep(self._on.catalog, waiting.values(), now)


async def keep_statuses(catalog: asyncpg.Pool, statuses: Collection[NodeStatus], now: datetime) -> None:
    """Keep each status of a known node, heard `now`, unless a newer one of that node is there already.

    Newer is what has a greater number since the same start. Of another start it is what comes later here: a
    clock that was set back says nothing. A node of a version before says neither, and its clock decides.
    """
    await catalog.executemany(
        """
        INSERT INTO audio.node_status AS kept (node_id, at, spooled, free_bytes, version, source_done, source,
                                               recorded, clock_state, heard_at, run_id, number)
        SELECT node_id, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12 FROM audio.nodes WHERE name = $1
        ON CONFLICT (node_id) DO UPDATE
        SET at = excluded.at, spooled = excluded.spooled, free_bytes = excluded.free_bytes,
            version = excluded.version, source_done = excluded.source_done, source = excluded.source,
            recorded = excluded.recorded, clock_state = excluded.clock_state, heard_at = excluded.heard_at,
            run_id = excluded.run_id, number = excluded.number
        WHERE CASE WHEN excluded.run_id IS NULL THEN kept.at <= excluded.at
                   WHEN excluded.run_id = kept.run_id THEN kept.number <= excluded.number
                   ELSE true END
        """,
        [
            (
                status.node,
                status.at,
                status.spooled,
                status.free_bytes,
                status.version,
                status.source_done,
                store.storable(status.source),
                status.recorded,
                status.clock_state,
                now,
                status.run_id,
                status.number,
            )
            for status in statuses
        ],
    )
