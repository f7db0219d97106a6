"""A backup keeps no sound for ever that was dropped or forgotten: after a while its copy goes, too."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import asyncpg

from escolta.objects import Objects
from escolta_backup.folder import Base
from escolta_backup.manifest import PAGE, Manifest
from escolta_backup.programs import Say

FOLLOWED = "followed"
"""In the manifest: the moment up to which drops are followed."""
FIRST = datetime(1970, 1, 1, tzinfo=UTC)

_UNDONE = "SELECT min(at) FROM audio.drops WHERE NOT done"
_REMOVED = "SELECT object_key FROM audio.removed_objects WHERE at >= $1 AND at < $2"


async def follow_drops(
    catalog: asyncpg.Connection,
    copies: Objects,
    manifest: Manifest,
    grace: timedelta,
    oldest: Base,
    say: Say,
) -> int:
    """Remove the copies of what was dropped or forgotten more than `grace` ago; returns how many.

    Nothing that went after the oldest base backup: whichever of them is restored, it has its sounds. What
    the store lost in another way is kept, as that is what a backup is for. Broken off, it is done again.
    """
    until = min(await catalog.fetchval("SELECT now()") - grace, oldest.began_at)
    if undone := await catalog.fetchval(_UNDONE):
        until = min(until, undone)
    since = datetime.fromisoformat(manifest.noted(FOLLOWED)) if manifest.noted(FOLLOWED) else FIRST
    if until <= since:
        return 0
    removed = 0
    async for keys in _pages(catalog, since, until):
        removed += manifest.remove(keys)  # first: what it lists is there
        for key in keys:
            await copies.delete(key)
    manifest.note(FOLLOWED, until.isoformat())
    if removed:
        say(f"objects: {removed} copies of sounds that were dropped or forgotten are removed")
    return removed


async def _pages(catalog: asyncpg.Connection, since: datetime, until: datetime) -> AsyncIterator[list[str]]:
    async with catalog.transaction(readonly=True):
        cursor = await catalog.cursor(_REMOVED, since, until)
        while rows := await cursor.fetch(PAGE):
            yield [row["object_key"] for row in rows]
