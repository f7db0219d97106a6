"""The nodes: who is registered, and what each said last of itself."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from pydantic import ValidationError

from escolta.errors import Misconfigured
from escolta.events import NodeStatus
from escolta.service import Message, Platform
from ingest import store
from ingest.checks import Refused, check_time, unknown_node
from ingest.store import NewNode


@asynccontextmanager
async def with_chosen_nodes(on: Platform) -> AsyncIterator[None]:
    """Register the nodes of the setting `nodes` before the first message comes.

    Raises `Misconfigured` for a name that no node can have.
    """
    for name in filter(None, map(str.strip, on.settings.nodes.split(","))):
        try:
            node = NewNode(name=name)
        except ValidationError:
            raise Misconfigured(
                f"ESCOLTA_NODES: {name!r} is not the name of a node: use at most 63 of a-z, 0-9 and -, "
                "and separate names by commas"
            ) from None
        await store.register_node(on.catalog, node)
    yield


class Statuses:
    """The handler of `NodeStatus`."""

    def __init__(self, on: Platform) -> None:
        self._on = on

    async def keep(self, messages: Sequence[Message[NodeStatus]]) -> None:
        """Keep the newest status of each node.

        1. Refuse unknown nodes, and times in the future, which would hide all later statuses.
        2. Write the rest; the row keeps the newest.
        """
        known = await store.known_nodes(self._on.catalog, {message.event.node for message in messages})
        now, good = self._on.clock.now(), []
        for message in messages:
            status = message.event
            try:
                if status.node not in known:
                    raise unknown_node(status.node)
                check_time(status.node, "the time of its status", status.at, now)
                good.append(status)
            except Refused as refused:
                message.reject(str(refused))
        await store.keep_statuses(self._on.catalog, good)
