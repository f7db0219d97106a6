"""`escolta doctor`: looks at the set-up and says what to do.

A service brings checks of its own as an entry point of the group `escolta.checks`: a function from settings
to findings.
"""

import os
import shutil
import sys
from collections.abc import Awaitable, Callable, Iterator
from importlib.metadata import entry_points

from escolta.bus import open_bus
from escolta.errors import EscoltaError
from escolta.objects import open_objects
from escolta.service import Finding
from escolta.settings import Settings

FREE_BYTES_WANTED = 2 * 10**9


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
    async def reach() -> None:
        if settings.catalog_url.startswith("embedded://"):
            from escolta.catalog.binaries import installed_binaries

            installed_binaries()
            return
        import asyncpg

        from escolta.catalog import checked

        await (await asyncpg.connect(checked(settings.catalog_url), timeout=10)).close()

    return await _finding("catalog", "ESCOLTA_CATALOG_URL", reach)


async def _objects(settings: Settings) -> Finding:
    async def reach() -> None:
        await open_objects(settings.objects_url).size("doctor")

    return await _finding("object store", "ESCOLTA_OBJECTS_URL", reach)


async def _bus(settings: Settings) -> Finding:
    async def reach() -> None:
        bus = open_bus(settings.bus_url, client_id=f"{settings.node_name}-doctor")
        await bus.start()
        await bus.stop()

    return await _finding("bus", "ESCOLTA_BUS_URL", reach)


async def _finding(what: str, variable: str, reach: Callable[[], Awaitable[None]]) -> Finding:
    try:
        await reach()
    except (EscoltaError, OSError, TimeoutError) as error:
        return Finding(f"{what} is out of reach: {error}", f"start it, or correct {variable}")
    except Exception as error:  # noqa: BLE001  # a driver's own error is a finding like any other
        return Finding(f"{what} refused us ({type(error).__name__})", f"correct {variable}")
    return Finding(f"{what} answers")


_SERVERS = (_catalog, _objects, _bus)
