"""The worlds of a bus, for the tests of its behavior and of its brokers."""

import os
from collections.abc import AsyncIterator

import pytest
from contract.buses import Buses

from escolta.bus import mqtt
from escolta.bus import rabbit as rabbit_bus
from servers.rabbit import Broker, Rabbit


@pytest.fixture(scope="module")
async def one_rabbit(rabbit_broker: Broker | None) -> AsyncIterator[Rabbit]:
    """One virtual host for all these tests: what each leaves in it is removed sooner than a host is made."""
    if rabbit_broker is None:
        yield Rabbit(os.environ["ESCOLTA_TEST_AMQP_URL"], os.environ["ESCOLTA_TEST_MQTT_URL"])
    else:
        async with rabbit_broker.virtual_host() as rabbit:
            yield rabbit


@pytest.fixture(params=["memory", "rabbit", "mqtt"])
def reach(request: pytest.FixtureRequest) -> Buses:
    in_memory = request.param == "memory"
    return Buses(request.param, None if in_memory else request.getfixturevalue("one_rabbit"))


@pytest.fixture
async def buses(reach: Buses, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Buses]:
    monkeypatch.setattr(rabbit_bus, "RECONNECT_S", 0.1)
    monkeypatch.setattr(mqtt, "RECONNECT_S", 0.1)
    yield reach
    await reach.stop()
