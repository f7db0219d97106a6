"""The node-agent: records, keeps on disk, uploads what is granted, and forgets only what is accepted."""

from functools import partial

from escolta.events import AudioAccepted, AudioHeld, AudioRefused, UploadGranted
from escolta.service import Always, Every, Platform, Service, Subscription
from node_agent.answers import that_count
from node_agent.node import Node


def build(on: Platform) -> Service:
    """The service for one node, named and fed as the settings say."""
    node = Node(on)
    name, heed = on.settings.node_name, partial(that_count, node.spool)
    return Service(
        "node-agent",
        subscriptions=[
            Subscription(AudioAccepted, heed(node.forget), batch=64, linger_s=0.05, node=name),
            Subscription(UploadGranted, heed(node.sender.granted), batch=64, node=name),
            Subscription(AudioHeld, heed(node.sender.held), batch=64, node=name),
            Subscription(AudioRefused, heed(node.set_aside), batch=64, linger_s=0.05, node=name),
        ],
        jobs=[
            Every(60, node.record),
            Always(node.sender.send),
            Every(15, node.resend),
            Every(5, node.redating.look),
            Every(60, node.tell),
        ],
        lifespan=node.at_work,
        uses_catalog=False,
    )
