"""The account of a node at the broker: admitted with a password, and turned away."""

from escolta.accounts.rabbitmq import Administration, Limits
from escolta.accounts.rights import account_of_node, rights_of_node
from escolta.bus.address import client_id_of

NODE = Limits(connections=3, channels=8)
"""A node has one connection; the broker may take one that broke for alive until its keepalive has passed."""
REVOKED = "revoked"
QUEUES, MESSAGES, BYTES = "^mqtt-subscription-", 10_000, 16 << 20
"""What waits for one node that is away; what is dropped, the node asks for again."""


async def admit_node(broker: Administration, name: str, password: str) -> str:
    """Let the node in with this password, and with rights over what has its name alone; the user's name."""
    user = account_of_node(name)
    await broker.give(user, password, rights_of_node(name, client_id_of(name, password)), NODE)
    return user


async def turn_away_node(broker: Administration, name: str) -> bool:
    """Delete the node's account and close its connections; whether it had one.

    Its name stays, marked: so `escolta accounts` does not let it in again by a password that it was given.
    """
    user = account_of_node(name)
    was_in = name in await admitted_nodes(broker)
    await broker.take(user)
    if was_in:
        await broker.mark(user, REVOKED)
    return was_in


async def admitted_nodes(broker: Administration) -> set[str]:
    """The nodes that may sign in."""
    return {name for name, tags in (await _nodes(broker)).items() if REVOKED not in tags}


async def revoked_nodes(broker: Administration) -> set[str]:
    """The nodes that were turned away, and not let in since."""
    return {name for name, tags in (await _nodes(broker)).items() if REVOKED in tags}


async def _nodes(broker: Administration) -> dict[str, list[str]]:
    prefix = account_of_node("")
    users = await broker.users()
    return {user.removeprefix(prefix): tags for user, tags in users.items() if user.startswith(prefix)}


async def bound_queues_of_nodes(broker: Administration) -> None:
    """Let no node that is away, or that takes nothing, fill the broker with what is meant for it."""
    await broker.bound_queues("escolta-nodes", QUEUES, MESSAGES, BYTES)
