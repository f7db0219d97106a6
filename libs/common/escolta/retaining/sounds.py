"""Sounds that entered the catalog long ago go; rows and vectors stay.

Every sound that was ever proposed stays as well, and with it whatever has a label or a Doubt, is a medoid, or
is in a data set: all of it was proposed before.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

import asyncpg

from escolta.audit import at_the_terminal, note
from escolta.errors import Transient
from escolta.service import Objects

AT_ONCE = 500
LOCK_TIMEOUT = "10s"
NAMED = 10
"""Nodes that the audit log names; the others of a drop it counts."""

Say = Callable[[str], None]


@dataclass(frozen=True)
class Policy:
    """How long sounds are kept: `days` where a node says nothing else (0: for good), counted back from `now`.

    None goes that entered the catalog after `embedded_to`: its vector is not there yet.
    """

    now: datetime
    days: int
    embedded_to: datetime

    @property
    def parameters(self) -> tuple:
        return self.now, self.days, self.embedded_to


@dataclass
class Gone:
    """Sounds that went, their bytes as WAV, and sounds of that age that stay because they were proposed."""

    audios: int = 0
    bytes: int = 0
    kept: int = 0


# No audio entered before its node was registered.
_DUE = """
    SELECT node_id, name, from_at, to_at FROM (
        SELECT node_id, name, coalesce(dropped_to, registered_at) AS from_at,
               least($1::timestamptz - coalesce(keep_audio_days, $2) * interval '24 hours', $3) AS to_at
        FROM audio.nodes LEFT JOIN audio.node_retention USING (node_id)
        WHERE coalesce(keep_audio_days, $2) > 0
    ) AS node WHERE to_at > from_at
"""
"""Of each node whose sounds are too old: from which entry on, and up to which."""

_TO_GO = """
    SELECT a.audio_id, a.cataloged_at, path || object_name AS object_key,
           samples * channels * bits_per_sample / 8 AS bytes,
           EXISTS (SELECT FROM al.wavs_proposed AS w WHERE w.audio_id = a.audio_id) AS proposed
    FROM audio.audios AS a JOIN audio.paths USING (path_id)
"""

_COUNTED = f"""
    WITH due AS MATERIALIZED ({_DUE})
    SELECT count(*) FILTER (WHERE NOT proposed) AS audios,
           coalesce(sum(bytes) FILTER (WHERE NOT proposed), 0)::bigint AS bytes,
           count(*) FILTER (WHERE proposed) AS kept
    FROM ({_TO_GO} JOIN due USING (node_id) WHERE cataloged_at >= from_at AND cataloged_at < to_at) AS to_go
"""

_NEXT = f"""
    {_TO_GO} WHERE node_id = ANY ($1) AND cataloged_at < $2 AND (cataloged_at, a.audio_id) > ($3, $4)
    ORDER BY cataloged_at, a.audio_id LIMIT {AT_ONCE}
"""

# Where the model that has come furthest is: every audio from before is embedded, or has failed.
_EMBEDDED_TO = """
    SELECT coalesce((SELECT min(cataloged_at) FROM audio.embedding_queue AS q WHERE q.model_id = m.model_id),
                    m.cataloged_at)
    FROM audio.embedding_marks AS m ORDER BY m.cataloged_at DESC LIMIT 1
"""

_POLICIES = """
    SELECT $1 > 0 OR EXISTS (SELECT FROM audio.nodes WHERE keep_audio_days > 0)
"""

_CHOOSING = "SELECT EXISTS (SELECT FROM al.al_preprocessing WHERE status = 'requested')"

_DROPS = f"""
    INSERT INTO audio.drops (at, node_ids, from_at, to_at, removed_to)
    SELECT $1, array_agg(node_id ORDER BY node_id), from_at, to_at, from_at FROM ({_DUE}) AS due
    GROUP BY from_at, to_at
"""
_FURTHER = f"""
    INSERT INTO audio.node_retention SELECT node_id, to_at FROM ({_DUE}) AS due
    ON CONFLICT (node_id) DO UPDATE SET dropped_to = excluded.dropped_to
"""
_LATEST = """
    UPDATE audio.retention SET dropped_to = greatest(
        dropped_to, (SELECT max(dropped_to) FROM audio.node_retention)
    )
"""

# A moment before all others has no place in a datetime.
_UNDONE = """
    SELECT drop_id, node_ids, to_at, greatest(removed_to, '1970-01-01Z') AS removed_to, removed_id
    FROM audio.drops WHERE NOT done ORDER BY drop_id
"""


async def embedded_to(db: asyncpg.Connection) -> datetime | None:
    """Up to which entry every audio has its vector; None where no audio has."""
    return await db.fetchval(_EMBEDDED_TO)


async def any_policy(db: asyncpg.Connection, days: int) -> bool:
    """Whether there is a node whose sounds ever go, where it is `days` for those that say nothing else."""
    return await db.fetchval(_POLICIES, days)


async def counted(db: asyncpg.Connection, policy: Policy) -> Gone:
    """What would go, and what of that age stays."""
    return Gone(*await db.fetchrow(_COUNTED, *policy.parameters, timeout=3600))


async def drop(db: asyncpg.Connection, objects: Objects, policy: Policy, say: Say) -> Gone:
    """Drop the sounds that are too old. Broken off, it goes on when it is run again.

    1. From here on nobody hears them, and no iteration chooses them.
    2. Their objects go, in the order of entry; how far it is, is kept.

    Raises `Transient` where an iteration is choosing just now.
    """
    await _hide(db, policy)
    gone = Gone()
    for undone in await db.fetch(_UNDONE):
        await _remove(db, objects, undone, gone, say)
    return gone


async def go_through_again(db: asyncpg.Connection) -> None:
    """Begin with the removal anew: `escolta restore` may have brought objects back."""
    await db.execute(
        "UPDATE audio.drops SET (at, removed_to, removed_id, done) = (now(), from_at, DEFAULT, false)"
    )


async def _hide(db: asyncpg.Connection, policy: Policy) -> None:
    """Say of each node up to which entry its sounds are dropped now, and keep what is to be removed.

    An iteration is a row before it chooses: those that are asked for after this see nothing of what goes.
    """
    try:
        async with db.transaction():
            await db.execute(f"SET LOCAL lock_timeout = '{LOCK_TIMEOUT}'")
            await db.execute("LOCK TABLE al.al_preprocessing IN SHARE MODE")
            if await db.fetchval(_CHOOSING):
                raise Transient(
                    "an iteration is choosing, or waits to choose: run it again when it has its batch"
                )
            for what in _described(await db.fetch(f"{_DUE} ORDER BY node_id", *policy.parameters)):
                await note(db, "retain", at_the_terminal(), "dropped", what)
            for statement in (_DROPS, _FURTHER):
                await db.execute(statement, *policy.parameters)
            await db.execute(_LATEST)
    except asyncpg.LockNotAvailableError as error:
        raise Transient(
            "an iteration is being written for longer than 10 s: run it again in some minutes"
        ) from error


def _described(due: Sequence[asyncpg.Record]) -> list[str]:
    """A sentence for each moment up to which sounds are dropped."""
    nodes: dict[datetime, list[str]] = {}
    for row in due:
        nodes.setdefault(row["to_at"], []).append(row["name"])
    return [
        f"the sound of what entered before {to:%Y-%m-%d %H:%M:%S} UTC and was never proposed, of "
        + ", ".join(names[:NAMED])
        + (f" and {len(names) - NAMED} more" if len(names) > NAMED else "")
        for to, names in nodes.items()
    ]


async def _remove(
    db: asyncpg.Connection, objects: Objects, undone: asyncpg.Record, gone: Gone, say: Say
) -> None:
    """Remove the objects of one drop, and add what went to `gone`."""
    drop_id, nodes, to = undone["drop_id"], undone["node_ids"], undone["to_at"]
    place = undone["removed_to"], undone["removed_id"]
    while rows := await db.fetch(_NEXT, nodes, to, *place):
        going = [row for row in rows if not row["proposed"]]
        await asyncio.gather(*(objects.delete(row["object_key"]) for row in going))
        place = rows[-1]["cataloged_at"], rows[-1]["audio_id"]
        await db.execute(
            "UPDATE audio.drops SET (removed_to, removed_id) = ($2, $3) WHERE drop_id = $1", drop_id, *place
        )
        _add(gone, going, len(rows))
        say(f"{gone.audios:,} sounds are gone, up to those of {place[0]:%Y-%m-%d %H:%M} UTC")
    await db.execute("UPDATE audio.drops SET done = true WHERE drop_id = $1", drop_id)


def _add(gone: Gone, going: Sequence[asyncpg.Record], looked_at: int) -> None:
    gone.audios += len(going)
    gone.bytes += sum(row["bytes"] for row in going)
    gone.kept += looked_at - len(going)
