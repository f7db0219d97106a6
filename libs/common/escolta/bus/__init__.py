"""The bus: events go in at one service and come out, in batches with a verdict each, at others.

Three adapters, chosen by the URL: `memory://` (one process), `amqp://…` (RabbitMQ), `mqtt://…` (a node,
through RabbitMQ's MQTT plugin). Delivery is at least once: a handler must be idempotent.
"""

from escolta.bus.opening import open_bus
from escolta.bus.port import Bus, DeadLetter, Message, Subscription, Verdict

__all__ = ["Bus", "DeadLetter", "Message", "Subscription", "Verdict", "open_bus"]
