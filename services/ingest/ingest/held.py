"""What waits at the nodes, and goes through by itself once time or the operator has mended it."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

import asyncpg

from escolta.events import AudioRecorded
from escolta.service import Platform
from ingest.checks import CLOCK_TOLERANCE, Held

MOST = 1000
"""Rows that are kept, the last told: the names of unregistered nodes come from outside (ours)."""


@dataclass(frozen=True)
class Waiting:
    """That at least `audios` audios wait at a node, and why."""

    node: str
    why: Held
    audios: int


async def keep(catalog: asyncpg.Pool, waits: Iterable[Waiting], now: datetime) -> None:
    """A row for each node and kind: since when, how many audios at least, and what to do."""
    rows = [
        (waiting.node, waiting.why.kind, now, waiting.why.until, waiting.audios, str(waiting.why))
        for waiting in sorted(waits, key=lambda waiting: (waiting.node, waiting.why.kind))
    ]  # in order, as insert_audios says
    if rows:
        async with catalog.acquire() as connection, connection.transaction():
            await connection.executemany(_KEEP, rows)
            await connection.execute(_KEEP_THE_LAST, MOST)


def counted(held: Iterable[tuple[AudioRecorded, Held]]) -> Iterator[Waiting]:
    """What waits of a batch, a `Waiting` for each node and kind: with the latest time that keeps it."""
    groups: dict[tuple[str, str], dict[UUID, Held]] = {}
    for event, why in held:
        groups.setdefault((event.node, why.kind), {})[event.audio_id] = why
    for (node, _), audios in groups.items():
        last = max(audios.values(), key=lambda why: why.until or datetime.min.replace(tzinfo=UTC))
        yield Waiting(node, last, len(audios))


async def waiting(catalog: asyncpg.Pool, now: datetime) -> list[asyncpg.Record]:
    """What is not mended yet, the longest first: node, kind, first_at, last_at, until, audios, reason."""
    return await catalog.fetch(
        f"SELECT * FROM audio.held WHERE NOT ({_MENDED}) ORDER BY first_at, node, kind", now + CLOCK_TOLERANCE
    )


class Mended:
    """Rows of what is mended go."""

    def __init__(self, on: Platform) -> None:
        self._on = on

    async def forget(self) -> None:
        """Delete what need not wait any more; the nodes find it out by themselves."""
        now = self._on.clock.now()
        await self._on.catalog.execute(f"DELETE FROM audio.held WHERE {_MENDED}", now + CLOCK_TOLERANCE)


_MENDED = """
CASE kind WHEN 'unknown_node' THEN EXISTS (SELECT FROM audio.nodes WHERE nodes.name = held.node)
          WHEN 'policy' THEN NOT EXISTS (SELECT FROM audio.nodes WHERE nodes.name = held.node
                                              AND speech_policy = 'stay')
          ELSE coalesce(until <= $1,  -- of a clock never set: the node is heard, and tells of no more
               EXISTS (SELECT FROM audio.nodes JOIN audio.node_status USING (node_id)
                       WHERE nodes.name = held.node AND node_status.at > held.last_at + interval '30 minutes')
          ) END
"""

_KEEP = """
INSERT INTO audio.held AS kept (node, kind, first_at, last_at, until, audios, reason)
VALUES ($1, $2, $3, $3, $4, $5, $6)
ON CONFLICT (node, kind) DO UPDATE
SET last_at = excluded.last_at, until = greatest(kept.until, excluded.until),
    audios = greatest(kept.audios, excluded.audios), reason = excluded.reason
"""

_KEEP_THE_LAST = """
DELETE FROM audio.held WHERE (node, kind) IN (
    SELECT node, kind FROM audio.held ORDER BY last_at DESC, node, kind OFFSET $1
)
"""
