"""The one shape of the fixtures of services: a service at work, on real servers, as a test sees it."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, fields
from uuid import UUID

import asyncpg
import httpx

from escolta.catalog import open_catalog
from escolta.service import Platform
from escolta.web import Sessions
from escolta.web.sessions import Role
from servers.plain import NO_TLS

PATIENCE_S = 300.0
SECRET = "a secret of the tests alone"
NAMES: dict[Role, str] = {"lead": "Nuria", "labeler": "Marina"}


async def signed_in(catalog: asyncpg.Pool, role: Role) -> UUID:
    """The session of somebody in that role, who is added to the catalog if need be."""
    await catalog.execute(
        "INSERT INTO audio.labelers (name, role) VALUES ($1, $2) ON CONFLICT (name) DO NOTHING",
        NAMES[role],
        role,
    )
    return await catalog.fetchval(
        "INSERT INTO label.sessions (labeler_id, kind, name, made_at, ends_at)"
        " SELECT labeler_id, 'token', 'a test', now(), now() + interval '1 day' FROM audio.labelers"
        " WHERE name = $1 RETURNING session_id",
        NAMES[role],
    )


@dataclass
class AtWork:
    """A service on its platform. Each package adds what its own tests do to it, and hear of it."""

    on: Platform

    async def token(self, role: Role) -> str:
        """The token of a session of somebody in that role."""
        return Sessions(self.on).token(await signed_in(self.on.catalog, role))

    @asynccontextmanager
    async def client(self, role: Role | None = "lead") -> AsyncIterator[httpx.AsyncClient]:
        """An HTTP client signed in as `role`; anonymous without one."""
        headers = {"authorization": f"Bearer {await self.token(role)}"} if role else {}
        async with httpx.AsyncClient(
            base_url=self.on.http_url, headers=headers, trust_env=False, timeout=120, verify=NO_TLS
        ) as client:
            yield client

    async def until(self, condition: Callable[[], Awaitable[bool]]) -> None:
        """Wait until it holds; what changes is in the database, which rings no bell."""
        async with asyncio.timeout(PATIENCE_S):
            while not await condition():
                await asyncio.sleep(0.02)


@dataclass
class SeenByOwner(Platform):
    """A service's platform as a test has it: in the catalog it looks, and leaves things, as the owner.

    The service itself is signed in with its own account, and so shows what it may not do. What the test
    changes of the platform is changed for the service.
    """

    of_service: Platform | None = None

    def __setattr__(self, name: str, value: object) -> None:
        super().__setattr__(name, value)
        if name != "of_service" and self.__dict__.get("of_service"):
            setattr(self.of_service, name, value)


@asynccontextmanager
async def seen_by_owner(on: Platform, catalog_url: str) -> AsyncIterator[Platform]:
    """`SeenByOwner` of a service at work."""
    settings = on.settings.model_copy(update={"catalog_url": catalog_url})
    async with open_catalog(catalog_url, connections=4, join=True) as pool:
        as_it_is = {field.name: getattr(on, field.name) for field in fields(Platform)}
        yield SeenByOwner(**as_it_is | {"settings": settings, "opened_catalog": pool}, of_service=on)
