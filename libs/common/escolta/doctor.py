"""`escolta doctor`: looks at the set-up and says what to do.

A service brings checks of its own as an entry point of the group `escolta.checks`: a function from settings
to findings.
"""

import asyncio
import os
import shutil
import sys
from collections.abc import Awaitable, Callable, Iterator
from contextlib import aclosing
from importlib.metadata import entry_points
from pathlib import Path

from escolta.bus import open_bus
from escolta.errors import EscoltaError
from escolta.objects import open_objects
from escolta.service import Finding
from escolta.settings import Settings
from escolta.url import scheme_of

FREE_BYTES_WANTED = 2 * 10**9
ANSWERS_WITHIN_S = 5.0
"""How long a server may take that runs already; a start waits longer, for one that is coming up."""


async def examine(settings: Settings) -> list[Finding]:
    """Every finding, in the order in which a person would mend them."""
    return [*_machine(settings), *_installed(settings), *[await check(settings) for check in _SERVERS]]


def _machine(settings: Settings) -> Iterator[Finding]:
    version = ".".join(map(str, sys.version_info[:3]))
    yield Finding(f"Python {version}", "" if sys.version_info >= (3, 11) else "install Python 3.11 or newer")
    try:
        settings.state_dir.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        yield Finding(
            f"{settings.state_dir} cannot be made ({error.strerror})", "make it, or correct ESCOLTA_STATE_DIR"
        )
        return
    free = shutil.disk_usage(settings.state_dir).free
    yield Finding(
        f"{free / 1e9:.0f} GB free for {settings.state_dir}",
        "" if free > FREE_BYTES_WANTED else "make room: a day of one node is about 8 GB",
    )
    writable = os.access(settings.state_dir, os.W_OK)
    yield Finding(
        f"{settings.state_dir} can be written", "" if writable else "change its owner or ESCOLTA_STATE_DIR"
    )


def _installed(settings: Settings) -> Iterator[Finding]:
    services = sorted(entry.name for entry in entry_points(group="escolta.services"))
    yield Finding(
        f"services installed: {', '.join(services) or 'none'}", "" if services else "run make demo once"
    )
    for entry in sorted(entry_points(group="escolta.checks"), key=lambda entry: entry.name):
        yield from entry.load()(settings)


async def _catalog(settings: Settings) -> Finding:
    unusable = ""

    async def reach() -> str:
        nonlocal unusable
        if settings.catalog_url.startswith("embedded://"):
            from escolta.catalog.binaries import installed_binaries

            installed_binaries()
            return "catalog: PostgreSQL is installed, and starts with the services"
        from escolta.catalog import checked, why_unusable

        async with asyncio.timeout(ANSWERS_WITHIN_S):
            unusable = await why_unusable(checked(settings.catalog_url))
        return "catalog answers"

    found = await _finding("catalog", "ESCOLTA_CATALOG_URL", reach)
    return Finding(unusable, "run `escolta migrate`") if unusable else found


async def _objects(settings: Settings) -> Finding:
    async def reach() -> str:
        async with aclosing(open_objects(settings.objects_url, "", settings.cold_objects_url)) as objects:
            await objects.head("audio/doctor")
        return "object store answers"

    folder = settings.objects_url.partition("://")[2]
    if scheme_of(settings.objects_url) == "file" and folder:
        return _objects_folder(folder)
    return await _finding("object store", "ESCOLTA_OBJECTS_URL", reach)


def _objects_folder(path: str) -> Finding:
    """Looks without making it: it would belong to whoever asks."""
    folder = Path(path).absolute()
    there = next(place for place in (folder, *folder.parents) if place.exists())
    if not there.is_dir():
        return Finding(f"object store: {there} is no folder", "correct ESCOLTA_OBJECTS_URL")
    if not os.access(there, os.W_OK | os.X_OK):
        return Finding(
            f"object store: {there} cannot be written", "change its owner, or correct ESCOLTA_OBJECTS_URL"
        )
    state = "can be written" if there == folder else "is made with the first object"
    return Finding(f"object store: {folder} {state}")


async def _bus(settings: Settings) -> Finding:
    async def reach() -> str:
        bus = open_bus(settings.bus_url, answers_within_s=ANSWERS_WITHIN_S)
        try:
            await bus.start()
        finally:
            await bus.stop()
        return "bus: in memory, one process" if scheme_of(settings.bus_url) == "memory" else "bus answers"

    return await _finding("bus", "ESCOLTA_BUS_URL", reach)


async def _finding(what: str, variable: str, reach: Callable[[], Awaitable[str]]) -> Finding:
    """`reach` returns what there is to say where all is well."""
    try:
        return Finding(await reach())
    except TimeoutError:
        why = f"no answer in {ANSWERS_WITHIN_S:.0f} s"
    except (EscoltaError, OSError) as error:
        why = str(error)
    except Exception as error:  # noqa: BLE001  # a driver's own error is a finding like any other
        return Finding(f"{what} refused us ({type(error).__name__})", f"correct {variable}")
    return Finding(f"{what} is out of reach: {why}", f"start it, or correct {variable}")


_SERVERS = (_catalog, _objects, _bus)
