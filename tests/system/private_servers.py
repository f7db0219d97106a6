"""Servers of one run alone, which may be killed: PostgreSQL with the schema, RabbitMQ, an empty bucket."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from escolta.catalog import migrate_server
from servers.killable_postgres import KillablePostgres
from servers.postgres import PASSWORDS
from servers.rabbit import Broker, private_broker
from servers.seaweed import Seaweed
from system.deployments import Servers


@dataclass
class PrivateServers:
    """The servers, and where services find them."""

    postgres: KillablePostgres
    broker: Broker
    store: Seaweed
    at: Servers


@asynccontextmanager
async def private_servers(folder: Path) -> AsyncIterator[PrivateServers]:
    """Started in `folder`, without TLS; PostgreSQL writes to the disk by its defaults."""
    postgres, store = KillablePostgres(folder / "postgres"), Seaweed(folder / "store")
    async with AsyncExitStack() as stack:
        broker = await stack.enter_async_context(private_broker(folder / "rabbit"))
        stack.callback(postgres.kill)
        stack.callback(store.kill)
        await postgres.start()
        await store.start()
        await migrate_server(postgres.url, PASSWORDS, say=lambda _: None)
        rabbit = await stack.enter_async_context(broker.virtual_host())
        objects_url = f"{store.url.rstrip('/')}/run"  # it goes with the store: removing objects takes minutes
        yield PrivateServers(postgres, broker, store, Servers(rabbit, postgres.url, objects_url))
