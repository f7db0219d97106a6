"""The account at the broker by which an autoscaler sees how long the queues are."""

from escolta.accounts.rabbitmq import Administration, Limits
from escolta.accounts.rights import Rights

WATCHER = "escolta-watcher"
TAG = "monitoring"
"""RabbitMQ's management shows queues to whoever has it, and lets them change nothing."""
NOTHING = Rights(configure="^$", write="^$", read="^$", write_topics="^$", read_topics="^$")
NOWHERE = Limits(connections=0, channels=0)
"""It asks by HTTP, and never opens a connection for messages."""


async def admit_watcher(broker: Administration, password: str) -> str:
    """Let it see the queues, with this password; the user's name."""
    await broker.give(WATCHER, password, NOTHING, NOWHERE, tag=TAG)
    return WATCHER
