"""`escolta node add`, `node list` and `node revoke`: the operator's, who has ESCOLTA_BROKER_ADMIN_URL."""

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Annotated

import typer
from pydantic import ValidationError

from escolta.audit import What, at_the_terminal, note
from escolta.errors import Misconfigured, Rejected
from escolta.service import OpenPlatform, Platform
from ingest import held, store
from ingest.fleet import admission
from ingest.fleet.listing import listed
from ingest.store import NewNode


def add(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="at most 63 of a-z, 0-9 and -")],
    project: Annotated[str, typer.Option()] = "default",
    source: Annotated[str, typer.Option(help="what it listens to")] = "unspecified",
    node_type: Annotated[str, typer.Option(help="its hardware")] = "unspecified",
    to: Annotated[
        Path | None, typer.Option(help="write its environment to this new file, for its owner alone")
    ] = None,
) -> None:
    """Register a node, and print once what it signs in with; again, and it needs the new password."""
    try:
        node = NewNode(name=name, project=project, source=source, node_type=node_type)
    except ValidationError as error:
        raise Misconfigured(f"{error.errors()[0]['loc'][0]}: {error.errors()[0]['msg']}") from None
    asyncio.run(_add(context.obj, node, to))


async def _add(open_platform: OpenPlatform, node: NewNode, to: Path | None) -> None:
    async with open_platform(bus=False) as on:
        password = admission.fresh_password()
        environment = admission.environment_of(on.settings, node.name, password)
        with admission.written_to(to, environment):
            await store.register_node(on.catalog, node)
            async with _noted(on, "enrolled a node", node.name):
                await admission.admit(on.settings, node.name, password)
    if to is None:
        print(environment, end="")
    where = to or "the lines above"
    print(
        f"{node.name} is admitted: its environment is {where}. No password is kept here; where it is lost, "
        f"`escolta node add {node.name}` gives another.",
        file=sys.stderr,
    )


def list_(context: typer.Context) -> None:
    """Every node: may it sign in, when it was last heard of, what it holds back."""
    print("\n".join(asyncio.run(_list(context.obj))))


async def _list(open_platform: OpenPlatform) -> list[str]:
    async with open_platform(bus=False) as on:
        admitted = await admission.admitted(on.settings) if on.settings.broker_admin_url else None
        now = on.clock.now()
        waiting = await held.waiting(on.catalog, now)
        return [
            *listed(await store.node_states(on.catalog), admitted, now),
            *(f"{row['node']} waits: {row['reason']}" for row in waiting),
        ]


def revoke(context: typer.Context, name: Annotated[str, typer.Argument()]) -> None:
    """Turn a node away: its account at the broker is deleted and its connections are closed."""
    asyncio.run(_revoke(context.obj, name))


async def _revoke(open_platform: OpenPlatform, name: str) -> None:
    async with open_platform(bus=False) as on, _noted(on, "revoked a node", name):
        if not await admission.turn_away(on.settings, name):
            raise Rejected(f"No node called {name!r} has an account: `escolta node list` shows who has.")
    print(f"{name} is out. What it has recorded stays; `escolta node add {name}` lets it in again.")


@asynccontextmanager
async def _noted(on: Platform, what: What, name: str) -> AsyncIterator[None]:
    """In the audit log, where the block does what it is about."""
    async with on.catalog.acquire() as connection, connection.transaction():
        await note(connection, "ingest", at_the_terminal(), what, name)
        yield
