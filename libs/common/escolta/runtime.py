"""Runs services: finds the installed ones, opens their ports, subscribes, mounts, and stops in order."""

import asyncio
import contextlib
import logging
import socket
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, aclosing, asynccontextmanager
from functools import partial
from importlib.metadata import entry_points

import uvicorn
from fastapi import FastAPI
from prometheus_client import CollectorRegistry, Counter

from escolta.app import make_app, make_waiting_app
from escolta.bus import open_bus
from escolta.cancellation import cancelled_by_us_alone
from escolta.clock import Clock, SystemClock
from escolta.errors import EscoltaError, Misconfigured, is_transient
from escolta.metrics import certificates
from escolta.metrics.process import Watched
from escolta.objects import open_objects
from escolta.service import Always, Every, Platform, Service
from escolta.settings import Settings
from escolta.web.connections import IDLE_S, MOST, Connection
from escolta.web.leaving import leave

log = logging.getLogger("escolta.runtime")
PREFERRED_PORT = 8765

Build = Callable[[Platform], Service]


def find_services(names: Sequence[str] = ()) -> list[Build]:
    """The `build` functions of the installed services, or of those in `names`.

    Raises `Misconfigured` for a name that is not installed.
    """
    found = {entry.name: entry for entry in entry_points(group="escolta.services")}
    if missing := [name for name in names if name not in found]:
        raise Misconfigured(
            f"no service is called {missing[0]!r} here; installed: {', '.join(sorted(found)) or 'none'}"
        )
    return [found[name].load() for name in names or sorted(found)]


def _platform(settings: Settings, clock: Clock) -> Platform:
    metrics = CollectorRegistry()
    bus = open_bus(settings.bus_url, clock=clock, metrics=metrics, name=settings.node_name)
    objects = open_objects(settings.objects_url, settings.upload_url, settings.cold_objects_url)
    return Platform(settings, bus, objects, clock, metrics)


@asynccontextmanager
async def joined(settings: Settings, *, bus: bool = True) -> AsyncIterator[Platform]:
    """A platform for one command, beside services that may be at work: it listens to nothing.

    `bus`: connect to it; off for a command that has nothing to say there.
    """
    from escolta.catalog import open_catalog

    on = _platform(settings, SystemClock())
    on.http_url = settings.public_url or f"http://{settings.http_host}:{settings.http_port or PREFERRED_PORT}"
    catalog = open_catalog(settings.catalog_url, cache=settings.cache, join=True)
    async with aclosing(on.objects), catalog as on.opened_catalog:
        if not bus:
            yield on
            return
        await on.bus.start()
        try:
            yield on
        finally:
            await on.bus.stop()


@asynccontextmanager
async def running(
    settings: Settings, builds: Sequence[Build], *, clock: Clock | None = None
) -> AsyncIterator[tuple[Platform, list[Service]]]:
    """The services at work, until the block is left.

    Start: catalog, lifespans, subscriptions, jobs, HTTP. Stop: the same backwards, so that the last
    request and the last handler that run still have everything they stand on.
    """
    on = _platform(settings, clock or SystemClock())
    services = [build(on) for build in builds]
    watched = Watched(on, services)
    async with AsyncExitStack() as stack:
        stack.push_async_callback(on.objects.aclose)
        if any(service.uses_catalog for service in services):
            from escolta.catalog import open_catalog

            waits = partial(_waiting, settings)
            catalog = open_catalog(settings.catalog_url, cache=settings.cache, waits=waits)
            on.opened_catalog = await stack.enter_async_context(catalog)
        listener = _listen(settings)
        on.http_url = settings.public_url or _address(listener)
        for service in services:
            if service.lifespan:
                await stack.enter_async_context(service.lifespan())
            for subscription in service.subscriptions:
                on.bus.subscribe(service.name, subscription)
        await on.bus.start()
        stack.push_async_callback(_drain, on)
        await stack.enter_async_context(_working(services, watched))
        await stack.enter_async_context(_serving(make_app(on, services), listener, settings))
        log.info("%s at work", ", ".join(service.name for service in services))
        yield on, services


@asynccontextmanager
async def _waiting(settings: Settings, why: str) -> AsyncIterator[None]:
    """Whoever asks hears that the process lives, and that it waits for the schema of its catalog."""
    log.warning("waiting until somebody runs `escolta migrate`: %s", why)
    async with _serving(make_waiting_app(), _listen(settings), settings):
        yield
    log.info("the catalog's schema is as it is needed")


async def _drain(on: Platform) -> None:
    try:
        async with asyncio.timeout(on.settings.drain_s):
            await on.bus.stop()
    except TimeoutError:
        log.warning("handlers still ran after %.0f s: their messages will come again", on.settings.drain_s)


@asynccontextmanager
async def _working(services: Sequence[Service], watched: Watched) -> AsyncIterator[None]:
    jobs = [(service.name, job) for service in services for job in service.jobs]
    jobs += [
        (name, Every(reading.figures.period_s, reading.read_figures)) for name, reading in watched.readings
    ]
    jobs.append(("process", Every(certificates.PERIOD_S, watched.certificates.read)))
    tasks = [asyncio.create_task(_repeat(name, job, watched.failures)) for name, job in jobs]
    tasks.append(asyncio.create_task(watched.beat()))
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _repeat(service: str, job: Every | Always, failures: Counter) -> None:
    pause_s = job.period_s if isinstance(job, Every) else job.pause_s
    while True:
        try:
            with cancelled_by_us_alone():
                await job.run()
        except Exception as error:
            failures.labels(service, job.run.__name__).inc()
            failed = f"{service}: the job {job.run.__name__} failed; again in {pause_s:.0f} s"
            if is_transient(error) or isinstance(error, EscoltaError):
                log.warning("%s: %s: %s", failed, type(error).__name__, error)
            else:
                log.exception(failed)
        await asyncio.sleep(pause_s)


class _Server(uvicorn.Server):
    @contextlib.contextmanager
    def capture_signals(self):  # type: ignore[no-untyped-def]  # signals are cli.py's
        yield


@asynccontextmanager
async def _serving(app: FastAPI, listener: socket.socket, settings: Settings) -> AsyncIterator[None]:
    """Stop: say so, wait until the others have heard it, take no more, and finish what is under way."""
    config = uvicorn.Config(
        app,
        http=Connection,
        ws="none",
        log_config=None,
        access_log=False,
        lifespan="off",
        timeout_keep_alive=IDLE_S,
        timeout_graceful_shutdown=settings.drain_s,  # type: ignore[arg-type]  # it takes parts of a second too
        limit_concurrency=MOST + 50,  # what is idle makes room before
        proxy_headers=bool(settings.proxies),
        forwarded_allow_ips=settings.proxies,
    )
    server = _Server(config)
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    while not server.started and not serving.done():
        await asyncio.sleep(0.01)
    try:
        yield
    finally:
        leave(app)
        await asyncio.sleep(settings.leave_s)
        server.should_exit = True
        await serving


def _listen(settings: Settings) -> socket.socket:
    ports = [settings.http_port] if settings.http_port else [PREFERRED_PORT, 0]
    for port in ports:
        # Said to be TCP, or asyncio leaves Nagle's algorithm on: a short answer would wait 40 ms for nothing.
        listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((settings.http_host, port))
            listener.listen()  # two processes may bind a port that nobody listens on yet
            return listener
        except OSError:
            listener.close()
    raise Misconfigured(
        f"ESCOLTA_HTTP_PORT: cannot listen on {settings.http_host}:{settings.http_port}; choose another port"
    )


def _address(listener: socket.socket) -> str:
    host, port = listener.getsockname()
    return f"http://{'127.0.0.1' if host == '0.0.0.0' else host}:{port}"
