"""The one shape of the fixtures of services: a service at work, on real servers, as a test sees it."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import httpx

from escolta.service import Platform
from escolta.web import Session, Sessions
from escolta.web.sessions import Role

PATIENCE_S = 30.0
SECRET = "a secret of the tests alone"


@dataclass
class AtWork:
    """A service on its platform. Each package adds what its own tests do to it, and hear of it."""

    on: Platform

    def token(self, role: Role) -> str:
        """The token of a session of somebody in that role."""
        return Sessions(self.on.settings).token(Session(labeler_id=1, name="Nuria", role=role))

    def client(self, role: Role | None = "lead") -> httpx.AsyncClient:
        """An HTTP client signed in as `role`; anonymous without one."""
        headers = {"authorization": f"Bearer {self.token(role)}"} if role else {}
        return httpx.AsyncClient(base_url=self.on.http_url, headers=headers, trust_env=False, timeout=30)

    async def until(self, condition: Callable[[], Awaitable[bool]]) -> None:
        """Wait until it holds; what changes is in the database, which rings no bell."""
        async with asyncio.timeout(PATIENCE_S):
            while not await condition():
                await asyncio.sleep(0.02)
