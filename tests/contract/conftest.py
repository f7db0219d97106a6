"""The worlds of a bus, for the tests of its behavior and of its brokers; and what services are built on."""

import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from contract.buses import Buses, patient
from prometheus_client import CollectorRegistry
from pydantic import SecretStr

from escolta.bus import mqtt, open_bus
from escolta.bus import rabbit as rabbit_bus
from escolta.clock import SystemClock
from escolta.objects import open_objects
from escolta.service import Platform
from escolta.settings import Settings
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
    patient(monkeypatch)
    yield reach
    await reach.stop()


@pytest.fixture
def platform(tmp_path: Path) -> Platform:
    """What services can be built on, to look at what they serve; nothing of it is opened."""
    settings = Settings(secret=SecretStr("of this test alone"), state_dir=tmp_path)
    objects = open_objects(f"file://{tmp_path}")
    return Platform(settings, open_bus("memory://"), objects, SystemClock(), CollectorRegistry())
