"""Trying a backup: restore the newest one into an empty place, compare, and report."""

import json
import tempfile
import time
from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import asyncpg

from escolta.errors import EscoltaError, Rejected, Transient
from escolta.objects import open_objects
from escolta.settings import Settings
from escolta_backup.copying import checked
from escolta_backup.folder import BackupFolder, Base
from escolta_backup.manifest import PAGE, Entry, Manifest
from escolta_backup.programs import Say
from escolta_backup.restoring import restored
from escolta_backup.server import address, connected

SAMPLE = 200
"""Objects that are read and compared by their digest."""
SHOWN = 20
_TABLES = """
SELECT format('%I.%I', schemaname, tablename) AS name FROM pg_tables
WHERE schemaname IN ('audio', 'al', 'label') ORDER BY 1
"""
_BEFORE = "SELECT count(*) FROM audio.audios WHERE cataloged_at < $1"
_KEYS = """
SELECT paths.path || audios.object_name AS key, audio_id FROM audio.audios JOIN audio.paths USING (path_id)
WHERE cataloged_at < $1
"""
_DROPPED = """
SELECT audio_id FROM audio.audios JOIN audio.node_retention USING (node_id)
WHERE audio_id = ANY($1) AND cataloged_at < dropped_to
    AND NOT EXISTS (SELECT FROM al.wavs_proposed AS w WHERE w.audio_id = audios.audio_id)
"""
_DIGESTS = """
SELECT paths.path || audios.object_name AS key, encode(sha256, 'hex') AS sha256
FROM audio.audios JOIN audio.paths USING (path_id) WHERE audio_id::text = ANY($1)
"""


@dataclass
class Report:
    """What a drill found. It is right where `wrong` is empty."""

    at: str = ""
    base: str = ""
    up_to: str = ""
    """The moment of the last change that is in the restored catalog."""
    restore_s: float = 0.0
    rows: dict[str, int] = field(default_factory=dict)
    audios: int = 0
    """Audios in the restored catalog from before the base backup."""
    audios_at_work: int | None = None
    """The same of the catalog at work, from which some may be deleted; null where it does not answer."""
    objects: int = 0
    sampled: int = 0
    wrong: list[str] = field(default_factory=list)

    @property
    def right(self) -> bool:
        return not self.wrong

    def line(self) -> str:
        """One line of JSON."""
        return json.dumps({"right": self.right} | asdict(self) | {"wrong": self.wrong[:SHOWN]})


async def drill(folder: BackupFolder, settings: Settings, place: Path | None, say: Say) -> Report:
    """Restore into a folder of its own below `place`, compare, and remove it. Nothing at work is changed.

    1. The rows of every table can be counted.
    2. No audio from before the base backup is lacking, and each has its object.
    3. Some objects, drawn at random, are what they were, and what their rows say.
    """
    report = Report(at=datetime.now(UTC).isoformat(timespec="seconds"))
    began = time.monotonic()
    try:
        with tempfile.TemporaryDirectory(prefix="escolta-drill-", dir=place) as empty:
            root = Path(empty, "catalog")
            async with restored(folder, root, settings.cache, None, say) as (dsn, done):
                report.restore_s = round(time.monotonic() - began, 1)
                report.base, report.up_to = done.base.name, done.up_to.isoformat(timespec="seconds")
                report.audios_at_work = await _at_work(settings, done.base, say)
                async with connected(dsn) as catalog:
                    await _compare(catalog, done.base, folder, report)
    except (EscoltaError, asyncpg.PostgresError) as error:
        report.wrong.append(str(error))
    return report


async def _at_work(settings: Settings, base: Base, say: Say) -> int | None:
    dsn = address(settings)
    try:
        if dsn is None:
            raise Transient("the catalog is not at work")
        async with connected(dsn) as catalog:
            return int(await catalog.fetchval(_BEFORE, base.began_at))
    except (OSError, TimeoutError, asyncpg.PostgresError, Transient) as error:
        say(f"drill: nothing is compared with the catalog at work: {error}")
        return None


async def _compare(catalog: asyncpg.Connection, base: Base, folder: BackupFolder, report: Report) -> None:
    for row in await catalog.fetch(_TABLES):
        report.rows[row["name"]] = await catalog.fetchval(f"SELECT count(*) FROM {row['name']}")
    report.audios = await catalog.fetchval(_BEFORE, base.began_at)
    if report.audios_at_work is not None and report.audios < report.audios_at_work:
        report.wrong.append(
            f"{report.audios} audios from before the base backup are restored, and {report.audios_at_work} "
            "are in the catalog at work"
        )
    with Manifest(folder.manifest) as manifest:
        report.objects = len(manifest)
        async for keys in _pages_of_keys(catalog, base):
            missing = {key: keys[key] for key in manifest.missing([*keys])}
            dropped = await _dropped(catalog, missing.values()) if missing else set()
            report.wrong += [
                f"{key} has a row and no copy" for key, audio_id in missing.items() if audio_id not in dropped
            ]
        await _try_objects(catalog, folder, manifest.sample(SAMPLE), report)


async def _dropped(catalog: asyncpg.Connection, audio_ids: Iterable[UUID]) -> set[UUID]:
    """Those of which `escolta retain` keeps no sound: a backup that was begun later has no copy."""
    if await catalog.fetchval("SELECT to_regclass('audio.node_retention') IS NULL"):
        raise Rejected("objects are missing, and the backup is of a version that is older: make a new one")
    return {row["audio_id"] for row in await catalog.fetch(_DROPPED, list(audio_ids))}


async def _pages_of_keys(catalog: asyncpg.Connection, base: Base) -> AsyncIterator[dict[str, UUID]]:
    """The audio of each key."""
    async with catalog.transaction():
        cursor = await catalog.cursor(_KEYS, base.began_at)
        while rows := await cursor.fetch(PAGE):
            yield {row["key"]: row["audio_id"] for row in rows}


async def _try_objects(
    catalog: asyncpg.Connection, folder: BackupFolder, sample: Sequence[Entry], report: Report
) -> None:
    ids = [Path(entry.key).stem for entry in sample]  # an object is named by the id of its audio
    digests = {row["key"]: row["sha256"] for row in await catalog.fetch(_DIGESTS, ids)}
    copies = open_objects(f"file://{folder.objects}")
    for entry in sample:
        try:
            await checked(copies, entry)
        except Rejected as error:
            report.wrong.append(str(error))
        if digests.get(entry.key, entry.sha256) != entry.sha256:
            report.wrong.append(f"{entry.key} is another sound than its row says")
    report.sampled = len(sample)
