"""The node-agent: records, keeps on disk, uploads, and forgets only what is accepted."""

from escolta.events import AudioAccepted, AudioRefused
from escolta.service import Always, Every, Platform, Service, Subscription
from node_agent.node import Node


def build(on: Platform) -> Service:
    """The service for one node, named and fed as the settings say."""
    node = Node(on)
    name = on.settings.node_name
    return Service(
        "node-agent",
        subscriptions=[
            Subscription(AudioAccepted, node.forget, batch=64, linger_s=0.05, node=name),
            Subscription(AudioRefused, node.set_aside, batch=64, linger_s=0.05, node=name),
        ],
        jobs=[
            Every(60, node.record),
            Always(node.sender.send),
            Every(15, node.sender.add_unanswered),
            Every(60, node.tell),
        ],
        lifespan=node.at_work,
        uses_catalog=False,
    )
