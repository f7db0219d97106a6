"""Taking a base backup of the catalog while it is used, and forgetting old ones."""

import asyncio
import re
from collections.abc import Sequence
from pathlib import Path

from escolta.errors import Misconfigured
from escolta_backup.folder import BackupFolder, Base
from escolta_backup.programs import Say, programs_of, run
from escolta_backup.server import Server, look_at
from escolta_backup.tunnel import plain
from escolta_backup.verifying import check_files, check_log
from escolta_backup.wal import number_of, segments

_FIRST = re.compile(r"^START WAL LOCATION: \S+ \(file ([0-9A-F]{24})\)$", re.MULTILINE)


async def take_base(folder: BackupFolder, dsn: str, say: Say) -> Base:
    """Copy the catalog as it is, check the copy, and give it its place beside the others.

    The server goes on with its work; it sends with the data the log that makes them consistent.
    Raises `Misconfigured` where the folder is another catalog's, `Transient` where the server ends it.
    """
    before, name = await _begin(folder, dsn)
    check_same_catalog(folder.bases(), before.system)
    binaries = programs_of(before.major)
    folder.clear_parts()
    part = folder.bases_folder / f".{name}.part"
    say("catalog: a base backup begins")
    async with plain(dsn) as door:
        await run(
            binaries / "pg_basebackup",
            f"--pgdata={part}",
            "--wal-method=stream",
            "--checkpoint=fast",
            "--manifest-checksums=SHA256",
            "--label=escolta",
            "--no-password",
            "--progress",
            dsn=door,
            say=lambda line: say(f"catalog: {line}"),
        )
    size = await asyncio.to_thread(check_files, part)
    await check_log(part, binaries)
    label = (part / "backup_label").read_text("utf-8")
    first = _FIRST.search(label)
    if not first:
        raise Misconfigured(f"{part / 'backup_label'} says not where its log begins: {label!r}")
    base = Base(
        name=name,
        began_at=before.now,
        ended_at=(await look_at(dsn)).now,
        major=before.major,
        system=before.system,
        database=before.database,
        owner=before.owner,
        first_wal=first[1],
        segment_bytes=before.segment_bytes,
    )
    folder.add(base, part)
    say(f"catalog: {size / 1e6:,.0f} MB in {folder.data_of(base)}, every file of it checked")
    return base


async def _begin(folder: BackupFolder, dsn: str) -> tuple[Server, str]:
    """The server, and the name of a base backup that begins now: a second that no other one is called by."""
    while True:
        server = await look_at(dsn)
        name = f"{server.now:%Y-%m-%dT%H-%M-%SZ}"
        if not (folder.bases_folder / name).exists():
            return server, name
        await asyncio.sleep(0.1)


def check_same_catalog(bases: Sequence[Base], system: str) -> None:
    """Raises `Misconfigured` where the base backups are of another catalog."""
    if bases and bases[-1].system != system:
        raise Misconfigured(
            f"the folder holds backups of another catalog ({bases[-1].system}; this one is {system}): "
            "name another folder"
        )


def keep_newest(folder: BackupFolder, keep: int, say: Say) -> None:
    """Remove all but the newest `keep` base backups, and the log that only older ones need."""
    (*old,) = folder.bases()[:-keep]
    for base in old:
        folder.remove(base)
    if removed := _remove_log_before(folder.bases(), folder.wal) if old else 0:
        say(f"catalog: {removed} segments of log that nothing needs any more are removed")
    if old:
        say(f"catalog: {len(old)} old base backups are removed; {keep} are kept")


def _remove_log_before(bases: Sequence[Base], wal: Path) -> int:
    oldest = bases[0]
    first = number_of(oldest.first_wal, oldest.segment_bytes)
    unneeded = [segment for segment in segments(wal, oldest.segment_bytes) if segment.number < first]
    for segment in unneeded:
        segment.path.unlink()
    return len(unneeded)
