"""What there is to watch of every process, whichever services are in it."""

import asyncio
import shutil
from collections.abc import Iterator, Mapping, Sequence
from importlib.metadata import version
from pathlib import Path

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    GCCollector,
    Histogram,
    PlatformCollector,
    ProcessCollector,
)
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from escolta.metrics.certificates import Certificates
from escolta.metrics.figures import Figure, LastReading, Readings
from escolta.service import Platform, Service
from escolta.settings import Settings
from escolta.url import scheme_of

BEAT_S = 1.0
FREE = Figure("escolta_disk_free_bytes", "Free bytes of the disk on which a folder lies", ("folder",))
SIZE = Figure("escolta_disk_size_bytes", "Size of the disk on which a folder lies", ("folder",))
CONNECTIONS = Figure(
    "escolta_catalog_pool_connections",
    "Connections to the catalog: used and idle ones, and the most there may be (max)",
    ("state",),
)


class Watched:
    """The metrics of a process. Its runtime runs `readings` and `beat`, and counts `failures` of jobs."""

    def __init__(self, on: Platform, services: Sequence[Service]) -> None:
        registry = on.metrics
        for collector in (ProcessCollector, PlatformCollector, GCCollector):
            collector(registry=registry)
        _tell_version(registry, services)
        self.failures = Counter(
            "escolta_job_failures",
            "Times that a job in the background (task) of a service (component) failed; it is tried again",
            ["component", "task"],
            registry=registry,
        )
        self._lag = Histogram(
            "escolta_event_loop_lag_seconds",
            "How late a timer of one second is: what everything in the process waits",
            buckets=(0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5),
            registry=registry,
        )
        with_catalog = any(service.uses_catalog for service in services)
        registry.register(Disks(folders_of(on.settings, with_catalog=with_catalog)))
        self.certificates = Certificates(on.settings)
        registry.register(self.certificates)
        if with_catalog:
            registry.register(Connections(on))
        every = Readings(registry)
        self.readings = [
            (service.name, LastReading(figures, every)) for service in services for figures in service.figures
        ]

    async def beat(self) -> None:
        """Measure the lag of the event loop for ever."""
        loop = asyncio.get_running_loop()
        while True:
            begun = loop.time()
            await asyncio.sleep(BEAT_S)
            self._lag.observe(max(0.0, loop.time() - begun - BEAT_S))


def _tell_version(registry: CollectorRegistry, services: Sequence[Service]) -> None:
    info = Gauge(
        "escolta_build_info",
        "1, with the version of each service of the process (component)",
        ["component", "version"],
        registry=registry,
    )
    for service in services:
        info.labels(service.name, version("escolta-common")).set(1)


def folders_of(settings: Settings, *, with_catalog: bool) -> dict[str, Path]:
    """The folders that a process with these settings writes to. A node alone has no catalog, and no store."""
    found = {"state": settings.state_dir}
    if not with_catalog:
        return found
    for name, url, kind in (
        ("objects", settings.objects_url, "file"),
        ("cold", settings.cold_objects_url, "file"),
        ("catalog", settings.catalog_url, "embedded"),
    ):
        if scheme_of(url) == kind:
            found[name] = Path(url.partition("://")[2])
    return found


class Disks(Collector):
    """How full the disks are, when it is asked; one that cannot be looked at has no sample."""

    def __init__(self, folders: Mapping[str, Path]) -> None:
        self._folders = folders

    def describe(self) -> Iterator[Metric]:
        return (figure.family({}) for figure in (FREE, SIZE))

    def collect(self) -> Iterator[Metric]:
        usage = {(name,): found for name, path in self._folders.items() if (found := _usage(path))}
        yield FREE.family({name: free for name, (free, _) in usage.items()})
        yield SIZE.family({name: size for name, (_, size) in usage.items()})


def _usage(path: Path) -> tuple[int, int] | None:
    """Free bytes and all bytes; of a folder that is still to be made, the one above it tells."""
    there = next((folder for folder in (path, *path.absolute().parents) if folder.exists()), path)
    try:
        total, _, free = shutil.disk_usage(there)
    except OSError:
        return None
    return free, total


class Connections(Collector):
    """The pool of connections to the catalog, once there is one."""

    def __init__(self, on: Platform) -> None:
        self._on = on

    def describe(self) -> Iterator[Metric]:
        return iter([CONNECTIONS.family({})])

    def collect(self) -> Iterator[Metric]:
        pool = self._on.opened_catalog
        if pool is None:
            yield CONNECTIONS.family({})
            return
        idle = pool.get_idle_size()
        yield CONNECTIONS.family(
            {("used",): pool.get_size() - idle, ("idle",): idle, ("max",): pool.get_max_size()}
        )
