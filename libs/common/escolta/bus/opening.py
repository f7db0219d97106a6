"""Which bus a URL names."""

from prometheus_client import CollectorRegistry

from escolta.bus.port import Bus
from escolta.clock import Clock, SystemClock
from escolta.errors import Misconfigured
from escolta.url import scheme_of


def open_bus(
    url: str,
    *,
    clock: Clock | None = None,
    metrics: CollectorRegistry | None = None,
    name: str = "",
    answers_within_s: float | None = None,
) -> Bus:
    """The bus that `url` names. `name` is a node's: it is a part of the id of its MQTT client.

    `answers_within_s`: how soon a broker must answer, or `start` is `Misconfigured`. Unless it is said, a
    start waits a minute for RabbitMQ, and goes on without an MQTT broker.

    Raises `Misconfigured` for a URL that cannot be read, or whose library is not installed.
    """
    clock, metrics = clock or SystemClock(), metrics or CollectorRegistry()
    scheme = scheme_of(url)
    try:
        if scheme == "memory":
            from escolta.bus.memory import MemoryBus

            return MemoryBus(clock, metrics)
        if scheme in ("amqp", "amqps"):
            from escolta.bus.rabbit import RabbitBus

            return RabbitBus(url, clock, metrics, answers_within_s=answers_within_s)
        if scheme in ("mqtt", "mqtts"):
            from escolta.bus.mqtt import MqttBus

            return MqttBus(url, clock, metrics, name=name, answers_within_s=answers_within_s)
    except ModuleNotFoundError as error:
        raise Misconfigured(
            f"ESCOLTA_BUS_URL begins with {scheme!r}, which needs {error.name}: "
            "pip install 'escolta-common[rabbit]' for amqp, 'escolta-common[mqtt]' for mqtt"
        ) from None
    raise Misconfigured(f"ESCOLTA_BUS_URL begins with {scheme!r}: use memory://, amqp(s)://… or mqtt(s)://…")
