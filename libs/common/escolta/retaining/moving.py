"""Old sounds move to a second place, which may be slower and costs less; whoever reads them notices nothing.

All of them, in the order of their entry, proposed or not: to move one is not to drop it.
"""

import asyncio
import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

import asyncpg

from escolta.errors import Misconfigured, ObjectMissing, Transient
from escolta.objects.cold import MARK, WithCold

AT_ONCE = 100
AT_A_TIME = 8
"""Sounds that are in memory together."""

Say = Callable[[str], None]

_NOT_DROPPED = """
    FROM audio.audios AS a JOIN audio.paths USING (path_id) LEFT JOIN audio.node_retention USING (node_id)
    WHERE cataloged_at < $1 AND (cataloged_at, a.audio_id) > ($2, $3)
      AND (cataloged_at >= coalesce(dropped_to, '-infinity')
           OR EXISTS (SELECT FROM al.wavs_proposed AS w WHERE w.audio_id = a.audio_id))
"""
_COUNTED = f"""
    SELECT count(*) AS audios, coalesce(sum(samples * channels * bits_per_sample / 8), 0)::bigint AS bytes
    {_NOT_DROPPED}
"""
_NEXT = f"""
    SELECT a.audio_id, cataloged_at, path || object_name AS object_key, encode(sha256, 'hex') AS sha256
    {_NOT_DROPPED} ORDER BY cataloged_at, a.audio_id LIMIT {AT_ONCE}
"""
# A moment before all others has no place in a datetime.
_PLACE = "SELECT greatest(moved_to, '1970-01-01Z') AS moved_to, moved_id FROM audio.retention"
_FRESH = "SELECT moved_to = '-infinity' FROM audio.retention"
_FURTHER = "UPDATE audio.retention SET (moved_to, moved_id) = ($1, $2)"


@dataclass
class Moved:
    """Sounds that moved, or would, and their bytes; sounds that stay, because they are damaged."""

    audios: int = 0
    bytes: int = 0
    damaged: int = 0


async def counted(db: asyncpg.Connection, before: datetime) -> Moved:
    """What would move of the audios that entered the catalog before this moment; bytes as WAV."""
    return Moved(*await db.fetchrow(_COUNTED, before, *await db.fetchrow(_PLACE), timeout=3600))


async def move(db: asyncpg.Connection, objects: WithCold, before: datetime, say: Say) -> Moved:
    """Move the sounds that entered before this moment. Broken off, it goes on when it is run again.

    Raises `Misconfigured` where the second place is another one than before, as when its disk is not mounted.
    """
    await _check_mark(objects, fresh=await db.fetchval(_FRESH))
    place = await db.fetchrow(_PLACE)
    moved, free = Moved(), asyncio.Semaphore(AT_A_TIME)

    async def when_free(row: asyncpg.Record) -> None:
        async with free:
            await _move(objects, row["object_key"], row["sha256"], moved, say)

    while rows := await db.fetch(_NEXT, before, *place):
        await asyncio.gather(*map(when_free, rows))
        place = rows[-1]["cataloged_at"], rows[-1]["audio_id"]
        await db.execute(_FURTHER, *place)
        say(f"{moved.audios:,} sounds have moved, up to those of {place[0]:%Y-%m-%d %H:%M} UTC")
    return moved


async def go_through_again(db: asyncpg.Connection) -> None:
    """Begin anew: `escolta restore` brings what is lost back to the first place."""
    await db.execute(
        "UPDATE audio.retention SET (moved_to, moved_id) = ('1970-01-01Z', DEFAULT)"
        " WHERE moved_to > '-infinity'"
    )


async def _check_mark(objects: WithCold, *, fresh: bool) -> None:
    if await objects.cold.head(MARK):
        return
    if not fresh:
        raise Misconfigured(
            f"ESCOLTA_COLD_OBJECTS_URL: the place to which sounds were moved has an object {MARK!r}, and "
            "this one has none: mount its disk, or correct the address. Where that place is lost for good, "
            f"put an object called {MARK!r} there, and `escolta restore` the sounds"
        )
    await objects.cold.put(MARK, b"")


async def _move(objects: WithCold, key: str, sha256: str, moved: Moved, say: Say) -> None:
    """It is in the second place, whole, before it leaves the first."""
    try:
        stored, data = await objects.hot.head(key), await objects.hot.get(key)
    except ObjectMissing:
        return  # it has moved, or was forgotten
    if hashlib.sha256(data).hexdigest() != sha256:
        moved.damaged += 1
        say(f"{key} is not what its node sent: it stays where it is")
        return
    await objects.cold.put(key, data, stored.note if stored else "")
    there = await objects.cold.head(key)
    if there is None or there.size_bytes != len(data):
        raise Transient(f"{key} was put into the cold store and is not there: nothing of it is removed")
    await objects.hot.delete(key)
    moved.audios, moved.bytes = moved.audios + 1, moved.bytes + len(data)
