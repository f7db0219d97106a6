"""`escolta retain`: what is too old goes; the operator's, by a timer, because no service may delete."""

import asyncio
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Annotated

import asyncpg
import typer

from escolta.catalog.owner import require_owner
from escolta.disk import write_whole
from escolta.errors import Misconfigured
from escolta.objects.cold import WithCold
from escolta.retaining import moving, patches, sounds
from escolta.retaining.moving import Moved
from escolta.retaining.sounds import Gone, Policy
from escolta.service import OpenPlatform, Platform

GB = 1e9


@dataclass(frozen=True)
class Asked:
    """What the options say."""

    yes: bool
    again: bool
    metrics: Path | None


def retain(
    context: typer.Context,
    yes: Annotated[bool, typer.Option("--yes", help="do it: without, it is only counted")] = False,
    again: Annotated[
        bool, typer.Option("--again", help="go through all sounds anew, as after `escolta restore`")
    ] = False,
    metrics: Annotated[Path | None, typer.Option(help="file for Prometheus: what was done")] = None,
) -> None:
    """Drop sounds and scores that are older than ESCOLTA_KEEP_AUDIO_DAYS and ESCOLTA_KEEP_PATCH_SCORES_DAYS.

    Sounds that stay move to ESCOLTA_COLD_OBJECTS_URL after ESCOLTA_COLD_AFTER_DAYS.
    A node may have its own number of days (`escolta node keep`). Nothing goes that was ever proposed, and no
    row or vector. Without --yes it only counts.
    """
    asyncio.run(_retain(context.obj, Asked(yes, again, metrics)))


async def _retain(open_platform: OpenPlatform, asked: Asked) -> None:
    async with open_platform(bus=False) as on, on.catalog.acquire() as db:
        await require_owner(on.catalog)
        settings, now = on.settings, on.clock.now()
        drops_sounds = await sounds.any_policy(db, settings.keep_audio_days)
        if not (drops_sounds or settings.keep_patch_scores_days or settings.cold_after_days):
            raise Misconfigured(
                "everything is kept for ever: set ESCOLTA_KEEP_AUDIO_DAYS, ESCOLTA_KEEP_PATCH_SCORES_DAYS or "
                "ESCOLTA_COLD_AFTER_DAYS, or say `escolta node keep` of a node"
            )
        freed, gone, moved = 0, Gone(), Moved()
        if settings.keep_patch_scores_days:
            freed = await _patches(db, now - timedelta(settings.keep_patch_scores_days), asked)
        if drops_sounds:
            gone = await _sounds(on, db, now, asked)
        if settings.cold_after_days:  # last: what goes need not move before
            moved = await _moved(on, db, now - timedelta(settings.cold_after_days), asked)
        if not asked.yes:
            print("Nothing was dropped or moved. With --yes it is, and what is dropped is so for good.")
        elif asked.metrics:
            _write_metrics(asked.metrics, now, gone, moved, freed)


async def _patches(db: asyncpg.Connection, before: datetime, asked: Asked) -> int:
    """Bytes of the catalog that are free again, or would be."""
    freed = 0
    for table in await patches.too_old(db, before):
        held = await patches.size(db, table)
        print(f"{table}: {held / GB:.2f} GB of scores from before {before:%Y-%m-%d}")
        if asked.yes:
            await patches.empty(db, table, partial(print, flush=True))
        freed += held
    return freed


async def _sounds(on: Platform, db: asyncpg.Connection, now: datetime, asked: Asked) -> Gone:
    """Not past the embedder: of what goes the vector stays, and so it has to be there."""
    embedded_to = await sounds.embedded_to(db)
    if embedded_to is None:
        print("No audio is embedded yet: no sound goes before its vector is there.")
        return Gone()
    print(f"The embedder has come to {embedded_to:%Y-%m-%d %H:%M} UTC: no later sound goes.")
    if asked.again and asked.yes:
        await sounds.go_through_again(db)
    policy = Policy(now, on.settings.keep_audio_days, embedded_to)
    count = await sounds.counted(db, policy)
    print(
        f"{count.audios:,} sounds are too old, {count.bytes / GB:.2f} GB as WAV; "
        f"{count.kept:,} more stay, because they were proposed"
    )
    return await sounds.drop(db, on.objects, policy, partial(print, flush=True)) if asked.yes else count


async def _moved(on: Platform, db: asyncpg.Connection, before: datetime, asked: Asked) -> Moved:
    if not isinstance(on.objects, WithCold):
        raise Misconfigured(
            "ESCOLTA_COLD_AFTER_DAYS is set, and not where sounds move to: set ESCOLTA_COLD_OBJECTS_URL for "
            "every service"
        )
    if asked.again and asked.yes:
        await moving.go_through_again(db)
    count = await moving.counted(db, before)
    print(
        f"{count.audios:,} sounds from before {before:%Y-%m-%d %H:%M} UTC are to move, "
        f"{count.bytes / GB:.2f} GB as WAV"
    )
    return await moving.move(db, on.objects, before, partial(print, flush=True)) if asked.yes else count


def _write_metrics(file: Path, now: datetime, gone: Gone, moved: Moved, freed: int) -> None:
    """For Prometheus, as a file of node_exporter's textfile collector."""
    figures = {
        "escolta_retain_timestamp_seconds": now.timestamp(),
        "escolta_retain_dropped_audios": gone.audios,
        "escolta_retain_dropped_bytes": gone.bytes,
        "escolta_retain_kept_audios": gone.kept,
        "escolta_retain_patch_scores_bytes": freed,
        "escolta_retain_moved_audios": moved.audios,
        "escolta_retain_moved_bytes": moved.bytes,
        "escolta_retain_damaged_audios": moved.damaged,
    }
    lines = [f"# TYPE {name} gauge\n{name} {value}\n" for name, value in figures.items()]
    write_whole(file, "".join(lines).encode())
    file.chmod(0o644)  # its reader is another user
