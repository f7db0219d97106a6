"""What a service stands on (`Platform`), what a service is (`Service`), and what it may say of a set-up."""

import logging
import secrets
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from prometheus_client import CollectorRegistry

from escolta.bus import Bus, Message, Subscription
from escolta.clock import Clock
from escolta.metrics.figures import Figures
from escolta.objects import Grant, Objects, Stored
from escolta.settings import Settings

if TYPE_CHECKING:
    import asyncpg
    from fastapi import APIRouter

__all__ = [
    "Always",
    "Every",
    "Finding",
    "Grant",
    "Message",
    "OpenPlatform",
    "Platform",
    "Service",
    "Settings",
    "Stored",
    "Subscription",
]


@dataclass
class Platform:
    """The ports and the settings, made once a process and handed to every service.

    A node on a Raspberry Pi has no database driver at all, so a catalog is there only if a service uses it.
    """

    settings: Settings
    bus: Bus
    objects: Objects
    clock: Clock
    metrics: CollectorRegistry
    http_url: str = ""
    opened_catalog: "asyncpg.Pool | None" = field(default=None, repr=False)
    """Set by whoever opens it, before handlers run."""
    own_token: str = field(default_factory=lambda: secrets.token_urlsafe(32), repr=False)
    """Signs in as the installation itself, a lead, in this process alone, which never hands it out."""

    @property
    def catalog(self) -> "asyncpg.Pool":
        """A pool over the migrated catalog."""
        if self.opened_catalog is None:
            raise RuntimeError("no catalog is open: the service says uses_catalog=False, or has not started")
        return self.opened_catalog

    def log(self, service: str) -> logging.Logger:
        """The logger of a service; pass `extra={"audio_id": …}` and the JSON line carries it."""
        return logging.getLogger(f"escolta.{service}")


class OpenPlatform(Protocol):
    """How a command that a service brings gets at catalog and bus: `async with context.obj() as on`.

    `state_dir`: of an installation of its own on this machine, such as a demo. `bus`: connect to it.
    """

    def __call__(
        self, *, state_dir: Path | None = None, bus: bool = True
    ) -> AbstractAsyncContextManager[Platform]:
        """The platform, beside services that may be at work."""


@dataclass(frozen=True)
class Every:
    """A job that runs at the start and then every `period_s` seconds; a failure is logged, not fatal."""

    period_s: float
    run: Callable[[], Awaitable[None]]


@dataclass(frozen=True)
class Always:
    """A job that never returns by itself; where it fails, it is logged and begun again after `pause_s`."""

    run: Callable[[], Awaitable[None]]
    pause_s: float = 5.0


@dataclass(frozen=True)
class Service:
    """A service: what it listens to, what it serves, what it does by itself.

    `lifespan` is entered before the subscriptions start and left after they have drained.
    `greeting` gives a line that belongs on the terminal of the person who started the process, such as
    a sign-in link: it is printed only where the HTTP server listens on loopback, and never logged.
    """

    name: str
    subscriptions: Sequence[Subscription] = ()
    router: "APIRouter | None" = None
    jobs: Sequence[Every | Always] = ()
    lifespan: Callable[[], AbstractAsyncContextManager[None]] | None = None
    greeting: Callable[[], Awaitable[str]] | None = None
    uses_catalog: bool = True
    figures: Sequence[Figures] = ()
    ready: Callable[[], Awaitable[str | None]] | None = field(default=None)
    """Says why the service is not ready, or None when it is."""


@dataclass(frozen=True)
class Finding:
    """One thing that `escolta doctor` has looked at. `todo` is empty where all is well."""

    what: str
    todo: str = ""
