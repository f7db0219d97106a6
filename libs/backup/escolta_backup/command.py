"""`escolta backup`, `escolta restore` and `escolta drill`: the operator's."""

import asyncio
import sys
from contextlib import aclosing
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from escolta.clock import SystemClock
from escolta.errors import Misconfigured, Rejected
from escolta.interruption import until_interrupted
from escolta.objects import Objects, open_objects
from escolta.settings import Settings
from escolta_backup.base import keep_newest, take_base
from escolta_backup.copying import Copied, bring_back, copy_new
from escolta_backup.drilling import drill as drill_backup
from escolta_backup.dropping import follow_drops
from escolta_backup.folder import BackupFolder
from escolta_backup.following import follow as follow_log
from escolta_backup.installation import make_store, settings_of
from escolta_backup.manifest import Manifest
from escolta_backup.placing import place_catalog
from escolta_backup.server import address, connected, started
from escolta_backup.telling import tell
from escolta_backup.timed import timed

SHOWN = 20
"""Sentences about single objects; the rest is counted."""

At = Annotated[
    str, typer.Option(help='not now but at this time in UTC, again and again: "daily 02:15", "sun 04:15"')
]
StateDir = Annotated[Path | None, typer.Option(help="of an installation on this machine, such as a demo")]
_say = partial(print, flush=True)


def backup(
    to: Annotated[Path, typer.Option(help="the folder of the backups")],
    follow: Annotated[
        bool, typer.Option("--follow", help="receive the catalog's log as it is written, until stopped")
    ] = False,
    keep: Annotated[int, typer.Option(min=1, help="how many base backups are kept")] = 7,
    at: At = "",
    state_dir: StateDir = None,
) -> None:
    """Copy catalog and objects as they are, beside services at work; again, and what is new is added."""
    folder, settings = BackupFolder(to), settings_of(state_dir)
    folder.make()
    if follow:
        with folder.alone("backup --follow"):
            asyncio.run(until_interrupted(lambda stop: follow_log(folder, settings, stop, _say)))
        return
    asyncio.run(timed(lambda: _backup(folder, settings, keep), at, SystemClock()))


async def _backup(folder: BackupFolder, settings: Settings, keep: int) -> None:
    with folder.alone("backup"):
        await _take(folder, settings, keep)


async def _take(folder: BackupFolder, settings: Settings, keep: int) -> None:
    # The catalog first: an audio that it knows was in the store before it.
    async with started(settings) as dsn:
        await take_base(folder, dsn, _say)
        await tell(dsn, "catalog", True, _say)
    keep_newest(folder, keep, _say)
    copies = open_objects(f"file://{folder.objects}")
    with Manifest(folder.manifest) as manifest:
        async with aclosing(_store(settings)) as store:
            done = await copy_new(store, copies, manifest, _say)
        async with started(settings) as dsn, connected(dsn) as catalog:
            grace = timedelta(settings.backup_grace_days)
            await follow_drops(catalog, copies, manifest, grace, folder.bases()[0], _say)
    await tell(address(settings), "objects", not done.wrong, _say)
    _summarize(str(done), done)


def _store(settings: Settings) -> Objects:
    """Sounds, wherever they lie; what is brought back goes to the first place."""
    return open_objects(settings.objects_url, cold_url=settings.cold_objects_url)


def restore(
    from_: Annotated[Path, typer.Option("--from", help="the folder of the backups")],
    to_time: Annotated[
        datetime | None,
        typer.Option(
            help="how far, in UTC; without it, as far as the log goes", formats=["%Y-%m-%dT%H:%M:%S"]
        ),
    ] = None,
    into: Annotated[
        Path | None,
        typer.Option(help="the data folder of a server to be; without it, the embedded catalog that is set"),
    ] = None,
    state_dir: StateDir = None,
) -> None:
    """Make the catalog again in an empty place, and bring back the objects that the store has lost."""
    folder, settings = _of_backups(from_), settings_of(state_dir, may_be_new=True)
    moment = to_time.replace(tzinfo=UTC) if to_time else None
    asyncio.run(_restore(folder, settings, moment, into))


async def _restore(
    folder: BackupFolder, settings: Settings, to_time: datetime | None, into: Path | None
) -> None:
    make_store(settings)
    restored = await place_catalog(folder, settings, into, to_time, _say)
    with Manifest(folder.manifest) as manifest:
        async with aclosing(_store(settings)) as store:
            done = await bring_back(open_objects(f"file://{folder.objects}"), store, manifest, _say)
    _summarize(f"objects: {done.new} of {done.listed} were missing and are back", done)
    _say(
        f"restored: the catalog up to {restored.up_to.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC. What the store "
        "has from later: `escolta rescan`, once the catalog is at work."
    )


def drill(
    from_: Annotated[Path, typer.Option("--from", help="the folder of the backups")],
    place: Annotated[
        Path | None, typer.Option("--in", help="where there is room for the catalog once more; else /tmp")
    ] = None,
    at: At = "",
    state_dir: StateDir = None,
) -> None:
    """Restore the newest backup into an empty place, compare, and print the report as a line of JSON."""
    settings = settings_of(state_dir)
    asyncio.run(timed(lambda: _drill(_of_backups(from_), settings, place), at, SystemClock()))


async def _drill(folder: BackupFolder, settings: Settings, place: Path | None) -> None:
    say = partial(print, file=sys.stderr, flush=True)
    report = await drill_backup(folder, settings, place, say)
    await tell(address(settings), "drill", report.right, say)
    _say(report.line())
    if not report.right:
        raise Rejected(f"the backup in {folder.root} is not as it should be: {report.wrong[0]}")


def _of_backups(root: Path) -> BackupFolder:
    folder = BackupFolder(root)
    if not folder.bases_folder.is_dir():
        raise Misconfigured(f"{folder.root} is no folder of backups")
    return folder


def _summarize(summary: str, done: Copied) -> None:
    _say(summary)
    for sentence in done.wrong[:SHOWN]:
        print(f"wrong: {sentence}", file=sys.stderr)
    if done.wrong:
        raise Rejected(f"{len(done.wrong)} objects are not as they should be; all the others are done")
