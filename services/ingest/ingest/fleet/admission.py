"""What a node signs in with, and the account at the broker that lets it."""

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote, urlsplit

from escolta.accounts.nodes import admit_node, admitted_nodes, bound_queues_of_nodes, turn_away_node
from escolta.accounts.rabbitmq import administration, vhost_of
from escolta.accounts.rights import account_of_node
from escolta.errors import Misconfigured
from escolta.service import Settings


def fresh_password() -> str:
    """Hexadecimal, because it stands inside a URL."""
    return secrets.token_hex(24)


def environment_of(settings: Settings, name: str, password: str) -> str:
    """The lines that a node of this name needs. Raises `Misconfigured` where no address is set."""
    where = urlsplit(settings.node_bus_url)
    if where.scheme not in ("mqtt", "mqtts") or not where.hostname or where.username:
        raise Misconfigured(
            "ESCOLTA_NODE_BUS_URL: write mqtts://host:port, the address under which nodes reach the broker"
        )
    vhost = vhost_of(settings.broker_admin_url)
    path = "" if vhost == "/" else f"/{quote(vhost, safe='')}"
    url = f"{where.scheme}://{account_of_node(name)}:{password}@{where.netloc}{path}"
    return f"ESCOLTA_NODE_NAME={name}\nESCOLTA_BUS_URL={url}\n"


@contextmanager
def written_to(file: Path | None, text: str) -> Iterator[None]:
    """`text` in a new file that its owner alone may read; none is left where the block fails."""
    if file is None:
        yield
        return
    try:
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except OSError as error:
        raise Misconfigured(f"{file} cannot be made ({error.strerror}): name a new file") from None
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as opened:
            opened.write(text)
        yield
    except BaseException:
        file.unlink()
        raise


async def admit(settings: Settings, name: str, password: str) -> None:
    """Let the node in with this password; whoever is in with another is thrown out."""
    async with administration(settings.broker_admin_url) as broker:
        await bound_queues_of_nodes(broker)
        await broker.close_connections(await admit_node(broker, name, password))


async def turn_away(settings: Settings, name: str) -> bool:
    """Delete the node's account and close its connections; whether it had one."""
    async with administration(settings.broker_admin_url) as broker:
        return await turn_away_node(broker, name)


async def admitted(settings: Settings) -> set[str]:
    """The nodes that have an account."""
    async with administration(settings.broker_admin_url) as broker:
        return await admitted_nodes(broker)
