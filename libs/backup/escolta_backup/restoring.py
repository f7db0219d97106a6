"""Making a catalog again from a base backup and the log that came after it."""

import asyncio
import os
import pwd
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import asyncpg

from escolta.catalog.embedded import EmbeddedPostgres
from escolta.catalog.programs import owner_of
from escolta.errors import Misconfigured
from escolta_backup.folder import BackupFolder, Base
from escolta_backup.programs import OURS, Say, programs_of
from escolta_backup.verifying import check_files
from escolta_backup.wal import histories, number_of, segments, unbroken

PATIENCE_S = 24 * 3600.0
"""How long the server may read its log: a week of it may take hours."""
TOO_EARLY = "recovery ended before configured recovery target was reached"
SETTINGS = (
    *("restore_command", "hot_standby"),
    *("recovery_target_timeline", "recovery_target_time", "recovery_target_action"),
)
UNWANTED = (".s.PGSQL.5432.lock", "postmaster.pid", "postmaster.opts")


@dataclass(frozen=True)
class Restored:
    """What came out: the base backup it began with, and the moment of the last change that is in it."""

    base: Base
    up_to: datetime
    log_ends_at: str
    """The position in the log (LSN) that was reached."""


@asynccontextmanager
async def restored(
    folder: BackupFolder, root: Path, cache: Path, to_time: datetime | None, say: Say
) -> AsyncIterator[tuple[str, Restored]]:
    """A catalog in the empty folder `root` (its data: `root/data`), at work for the length of the block.

    1. Check and copy the newest base backup that was whole by `to_time`, and the log that follows it
       without a gap.
    2. Start PostgreSQL on the copy alone, which does again what the log tells, up to `to_time`.
    3. Where the log ends before `to_time`, all of it.

    Gives the DSN, and what came out. Raises `Misconfigured` where `root` is not empty or nothing is there to
    restore from.
    """
    base = folder.newest(to_time)
    data = root / "data"
    if data.exists():
        raise Misconfigured(f"{root} holds a catalog already: restore into an empty folder")
    binaries = programs_of(base.major)
    say(f"catalog: the base backup of {base.ended_at:%Y-%m-%d %H:%M:%S} UTC is copied")
    await asyncio.to_thread(_copy, folder, base, root, to_time, say)
    server = EmbeddedPostgres(
        root,
        cache=cache,
        role=base.owner,
        database=base.database,
        patience_s=PATIENCE_S,
        binaries=None if base.major == OURS else binaries,
    )
    say("catalog: PostgreSQL does again what the log tells")
    try:
        dsn = await server.start()
    except Misconfigured as error:
        if TOO_EARLY not in str(error):
            raise
        say("catalog: the log ends before that moment: all of it is taken")
        _ask_for(data, None)
        dsn = await server.start()
    try:
        yield dsn, await _finish(dsn, base)
    finally:
        await server.stop()


def _copy(folder: BackupFolder, base: Base, root: Path, to_time: datetime | None, say: Say) -> None:
    root.mkdir(mode=0o700, parents=True, exist_ok=True)
    check_files(folder.data_of(base))  # disks rot, and PostgreSQL looks at no page that it does not read
    new = root / "data.restoring"
    shutil.rmtree(new, ignore_errors=True)
    shutil.copytree(folder.data_of(base), new)
    new.chmod(0o700)
    for name in UNWANTED:
        (new / name).unlink(missing_ok=True)
    first = number_of(base.first_wal, base.segment_bytes)
    own = segments(new / "pg_wal", base.segment_bytes)
    there = {segment.name for segment in own}
    received = [segment for segment in segments(folder.wal, base.segment_bytes) if segment.name not in there]
    in_order = sorted([*own, *received], key=lambda segment: (segment.number, segment.name))
    usable, behind = unbroken(in_order, first)
    for segment in usable:
        if segment in received:
            shutil.copyfile(segment.path, new / "pg_wal" / segment.name)
    for history in histories(folder.wal):
        shutil.copyfile(history, new / "pg_wal" / history.name)
    if behind:
        say(
            f"catalog: the log has a gap before {behind[0].name}: {len(behind)} segments behind it are of no "
            "use. What came after the gap is lost; begin anew with a base backup."
        )
    (new / "recovery.signal").touch(mode=0o600)
    _ask_for(new, to_time)
    _give_to(new, owner_of(new.with_name("data")))
    new.rename(root / "data")


def _ask_for(data: Path, to_time: datetime | None) -> None:
    """Say in the data how far to go. There is no archive to ask: all of the log is copied.

    Nobody is let in before it is done (`hot_standby`), or "ready" would not mean restored.
    """
    file = data / "postgresql.auto.conf"
    lines = [line for line in file.read_text("utf-8").splitlines() if not line.startswith(SETTINGS)]
    asked = ["restore_command = 'false'", "hot_standby = off", "recovery_target_timeline = 'latest'"]
    if to_time:
        moment = to_time.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S.%f+00")
        asked += [f"recovery_target_time = '{moment}'", "recovery_target_action = 'promote'"]
    file.write_text("\n".join([*lines, *asked, ""]), "utf-8")


def _give_to(data: Path, owner: pwd.struct_passwd | None) -> None:
    if owner:
        for path in (data, *data.rglob("*")):
            os.chown(path, owner.pw_uid, owner.pw_gid, follow_symlinks=False)


async def _finish(dsn: str, base: Base) -> Restored:
    """Read how far it went, and take out of the settings what only this start needed."""
    connection = await asyncpg.connect(dsn, timeout=60)
    try:
        moment, position = await connection.fetchrow(
            "SELECT pg_last_xact_replay_timestamp(), pg_last_wal_replay_lsn()::text"
        )
        for setting in SETTINGS:
            await connection.execute(f"ALTER SYSTEM RESET {setting}")
    finally:
        await connection.close()
    return Restored(base, max(moment or base.ended_at, base.began_at), position)
