"""Where a restored catalog comes to lie: the embedded catalog's folder, or a server's data folder to be."""

import shutil
from datetime import datetime
from pathlib import Path

from escolta.catalog.embedded import DATABASE, ROLE
from escolta.errors import Misconfigured
from escolta.settings import Settings
from escolta_backup.folder import BackupFolder, Base
from escolta_backup.programs import OURS, Say
from escolta_backup.restoring import Restored, restored
from escolta_backup.server import embedded_folder

OF_THE_SERVER = ("pg_hba.conf", "pg_ident.conf")
"""Who may connect: while it is restored, we alone; afterwards, whom the server's keeper let in."""


async def place_catalog(
    folder: BackupFolder, settings: Settings, into: Path | None, to_time: datetime | None, say: Say
) -> Restored:
    """Restore into the empty folder `into`, or as the embedded catalog of `settings`.

    Raises `Misconfigured` where it is not empty, or is no place for this backup.
    """
    if into:
        return await _for_a_server(folder, settings, into, to_time, say)
    root = embedded_folder(settings)
    if root is None:
        raise Misconfigured(
            "ESCOLTA_CATALOG_URL names a server: stop it, and say --into and its data folder, which is empty"
        )
    _check_embeddable(folder.newest(to_time))
    async with restored(folder, root, settings.cache, to_time, say) as (_, done):
        return done


def _check_embeddable(base: Base) -> None:
    if (base.major, base.database, base.owner) != (OURS, DATABASE, ROLE):
        raise Misconfigured(
            f"The backup is of a server of version {base.major} with the database {base.database} of "
            f"{base.owner}, and an embedded catalog is of version {OURS} with {DATABASE} of {ROLE}: say "
            "--into and the data folder of a server"
        )


async def _for_a_server(
    folder: BackupFolder, settings: Settings, into: Path, to_time: datetime | None, say: Say
) -> Restored:
    """Beside its place first, so that no server starts on a half of it."""
    root = _beside(into)
    async with restored(folder, root, settings.cache, to_time, say) as (_, done):
        pass
    for name in OF_THE_SERVER:  # written over, so that they stay their owner's
        shutil.copyfile(folder.data_of(done.base) / name, root / "data" / name)
    _put_in_place(root, into)
    return done


def _beside(into: Path) -> Path:
    if into.exists() and (not into.is_dir() or any(into.iterdir())):
        raise Misconfigured(f"{into} is not empty: name the data folder of a server that has none yet")
    into.parent.mkdir(parents=True, exist_ok=True)
    root = into.with_name(f".{into.name}.restoring")
    shutil.rmtree(root, ignore_errors=True)
    return root


def _put_in_place(root: Path, into: Path) -> None:
    if into.exists():
        into.rmdir()
    (root / "data").rename(into)
    shutil.rmtree(root)
