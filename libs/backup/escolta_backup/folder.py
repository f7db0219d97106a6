"""The folder that backups lie in.

<folder>/catalog/base/2026-11-29T22-30-00Z/   a base backup: PostgreSQL's data, checked
<folder>/catalog/base/2026-11-29T22-30-00Z.json   what it is, written when it is whole
<folder>/catalog/wal/                         the log that came after, as `backup --follow` receives it
<folder>/objects/                             the objects, each with its note, as a store of its own
<folder>/objects.sqlite                       the manifest: key, size and digest of each
"""

import fcntl
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from pydantic import BaseModel

from escolta.disk import write_whole
from escolta.errors import Misconfigured

PART = ".part"


class Base(BaseModel):
    """A base backup: the catalog as it was at `ended_at`, and where the log begins that leads on from it."""

    name: str
    began_at: datetime
    ended_at: datetime
    major: int
    """Of PostgreSQL: no other can read it."""
    system: str
    """The number that PostgreSQL gives each installation of a catalog."""
    database: str
    owner: str
    """The role that may do everything."""
    first_wal: str
    """The first segment of the log that it needs."""
    segment_bytes: int


class BackupFolder:
    """Paths and bookkeeping; nothing here talks to a server."""

    def __init__(self, root: Path) -> None:
        self.root = root.absolute()
        self.bases_folder = self.root / "catalog/base"
        self.wal = self.root / "catalog/wal"
        self.objects = self.root / "objects"
        self.manifest = self.root / "objects.sqlite"

    def make(self) -> None:
        """Make what is missing. Raises `Misconfigured` where that cannot be."""
        try:
            self.root.mkdir(mode=0o700, parents=True, exist_ok=True)
            for folder in (self.bases_folder, self.wal):
                folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise Misconfigured(
                f"{error.filename} cannot be made ({error.strerror}): name a folder that this user can write"
            ) from error

    @contextmanager
    def alone(self, work: str) -> Iterator[None]:
        """Nobody else does this `work` meanwhile. Raises `Misconfigured` where somebody does."""
        with open(self.root / f".{work}.lock", "a") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise Misconfigured(
                    f"another `escolta {work}` is at work in {self.root}: let it end"
                ) from None
            yield

    def bases(self) -> list[Base]:
        """The whole base backups, oldest first."""
        records = sorted(self.bases_folder.glob("[0-9]*.json"))
        return [Base.model_validate_json(record.read_text("utf-8")) for record in records]

    def newest(self, until: datetime | None = None) -> Base:
        """The newest base backup, or the newest that was whole by `until`. Raises `Misconfigured`."""
        found = [base for base in self.bases() if until is None or base.ended_at <= until]
        if not found:
            when = f" that was whole by {until:%Y-%m-%d %H:%M:%S} UTC" if until else ""
            raise Misconfigured(f"{self.root} holds no base backup{when}: make one by `escolta backup`")
        return found[-1]

    def data_of(self, base: Base) -> Path:
        """PostgreSQL's data folder in the base backup."""
        return self.bases_folder / base.name

    def add(self, base: Base, part: Path) -> None:
        """Give a base backup that is whole its name; its record comes last."""
        part.rename(self.data_of(base))
        write_whole(self.bases_folder / f"{base.name}.json", base.model_dump_json(indent=1).encode())

    def remove(self, base: Base) -> None:
        """Remove a base backup, its record first: what has no record is none."""
        (self.bases_folder / f"{base.name}.json").unlink()
        shutil.rmtree(self.data_of(base))

    def clear_parts(self) -> None:
        """Remove what interrupted backups and removals left."""
        known = {base.name for base in self.bases()}
        for path in self.bases_folder.iterdir():
            if path.is_dir() and path.name not in known:
                shutil.rmtree(path)
