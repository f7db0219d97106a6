"""What each account may do at RabbitMQ, made from the events: their docstrings say who sends and who hears.

Regular expressions as RabbitMQ reads them. They end in `\\z`, because `$` lets a line feed through.
"""

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass

from escolta.contracts import parties
from escolta.events import EVENTS, Event

TOPICS = "amq.topic"
EVERY_SERVICE = "every service"
ANY_NODE = "[a-z0-9-]+"


@dataclass(frozen=True)
class Rights:
    """Rights over queues and exchanges by their names, and over the topics of `amq.topic`.

    Whoever writes to a topic publishes there; whoever reads a topic may bind a queue to it.
    """

    configure: str
    write: str
    read: str
    write_topics: str
    read_topics: str


def services() -> list[str]:
    """Every service that has an account of its own. A node, of which everything names it, is none."""
    named = {party for event in EVENTS for side in parties(event)[:2] for party in side} - {EVERY_SERVICE}
    return sorted(party for party in named if not _is_node(party))


def account_of_service(service: str) -> str:
    """The user's name of a service at the broker."""
    return f"escolta-{service}"


def account_of_node(name: str) -> str:
    """The user's name of a node at the broker."""
    return f"node-{name}"


def rights_of_service(service: str) -> Rights:
    """Its own queues, whatever their kind, the exchange between them, and the topics that the events say.

    A service with no queue of its own has no rights but to publish.
    """
    hears = [event.topic for event in EVENTS if service in parties(event)[1]]
    speaks = [event.topic for event in EVENTS if {service, EVERY_SERVICE} & set(parties(event)[0])]
    name = _literal(service)
    queues = _one_of(_literal(topic.replace(".{node}", "")) for topic in hears)
    own = rf"^{name}\z|^{name}(-[^.]+)?\.{queues}(\.retry\.[0-9]+|\.dead)?\z" if hears else "^$"
    return Rights(
        configure=own,
        write=rf"{own}|^{_literal(TOPICS)}\z",
        read=rf"{own}|^{_literal(TOPICS)}\z",
        write_topics=_topics(speaks, ANY_NODE),
        read_topics=_topics(hears, r"\*"),  # a service binds its queue for all nodes at once
    )


def rights_of_node(name: str, client_id: str) -> Rights:
    """The queue that the broker makes for its MQTT client, and its own topics."""
    [role] = {party for event in EVENTS for side in parties(event)[:2] for party in side if _is_node(party)}
    queue = rf"^mqtt-subscription-{_literal(client_id)}qos[01]\z"
    hears = [event.topic for event in EVENTS if role in parties(event)[1]]
    speaks = [event.topic for event in EVENTS if role in parties(event)[0]]
    return Rights(
        configure=queue,
        write=rf"{queue}|^{_literal(TOPICS)}\z",
        read=rf"{queue}|^{_literal(TOPICS)}\z",
        write_topics=_topics(speaks, _literal(name)),
        read_topics=_topics(hears, _literal(name)),
    )


def broker_json() -> str:
    """deploy/broker.json: the rights of the services, in the form of RabbitMQ's definitions."""
    rights = {account_of_service(service): asdict(rights_of_service(service)) for service in services()}
    document = {
        "permissions": [
            {"user": user, "vhost": "/"} | {verb: each[verb] for verb in ("configure", "write", "read")}
            for user, each in rights.items()
        ],
        "topic_permissions": [
            {
                "user": user,
                "vhost": "/",
                "exchange": TOPICS,
                "write": each["write_topics"],
                "read": each["read_topics"],
            }
            for user, each in rights.items()
        ],
    }
    return json.dumps(document, indent=2) + "\n"


def _is_node(party: str) -> bool:
    return party != EVERY_SERVICE and all("{node}" in event.topic for event in _events_of(party))


def _events_of(party: str) -> Iterator[type[Event]]:
    for event in EVENTS:
        producers, consumers, _ = parties(event)
        if party in (*producers, *consumers):
            yield event


def _topics(topics: Iterable[str], node: str) -> str:
    """Exactly these topics; none: only the empty one, which nobody hears."""
    parts = [node.join(map(_literal, topic.split("{node}"))) for topic in topics]
    return rf"^{_one_of(parts)}\z" if parts else "^$"


def _literal(name: str) -> str:
    return re.escape(name).replace(r"\-", "-")


def _one_of(patterns: Iterable[str]) -> str:
    return f"({'|'.join(patterns)})"
