"""How a bus bears brokers that come and go, freeze, and have no room."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import ClassVar

import pytest
from contract.bus_ears import Listener
from contract.buses import (
    PATIENCE_S,
    Buses,
    Rang,
    Wire,
    eventually,
    over_each_broker,
    over_rabbit,
    published_at_last,
    refused,
)

from escolta.bus import Subscription, mqtt, rabbit_link
from escolta.errors import Transient
from escolta.events import Event


@contextmanager
def impatient(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A confirmation is not waited for, for the length of a block."""
    with monkeypatch.context() as patched:
        patched.setattr(rabbit_link, "CONFIRM_S", 0.3)
        patched.setattr(mqtt, "CONFIRM_S", 0.3)
        yield


@over_each_broker
async def test_a_lost_connection_is_opened_again_and_the_work_goes_on(buses: Buses):
    wire = Wire(buses.url(buses.listens))
    await wire.mend()
    listener = Listener()
    bus = await buses.start(buses.open(wire.url), Subscription(Rang, listener))
    await bus.publish(Rang(number=1))
    await eventually(lambda: listener.numbers == [1])

    await wire.cut()
    await refused(bus, Rang(number=2))
    await buses.publish(Rang(number=3))
    await wire.mend()
    await eventually(lambda: set(listener.numbers) == {1, 3})  # 1 twice, if its verdict was on the wire
    await published_at_last(bus, Rang(number=4))
    await eventually(lambda: set(listener.numbers) == {1, 3, 4})


@over_each_broker
async def test_what_a_frozen_broker_does_not_confirm_is_transient(
    buses: Buses, monkeypatch: pytest.MonkeyPatch
):
    wire = Wire(buses.url(buses.sends))
    await wire.mend()
    bus = await buses.start(buses.open(wire.url))
    wire.freeze()
    with impatient(monkeypatch), pytest.raises(Transient, match="did not confirm"):
        await bus.publish(Rang(number=1))
    wire.thaw()
    await published_at_last(bus, Rang(number=2))


@over_each_broker
async def test_a_broker_short_of_disk_is_transient_and_the_work_goes_on_when_there_is_room(
    buses: Buses, monkeypatch: pytest.MonkeyPatch
):
    listener = Listener()
    bus = await buses.listen(Subscription(Rang, listener))
    await bus.publish(Rang(number=0))  # RabbitMQ 4 takes the first event of an MQTT connection all the same
    with (
        buses.rabbit.short_of_disk(),
        impatient(monkeypatch),
        pytest.raises(Transient, match="did not confirm"),
    ):
        await bus.publish(Rang(number=1))
    await published_at_last(bus, Rang(number=2))
    await eventually(lambda: 2 in listener.numbers)


class Cried(Event):
    """a test -> a test. Too loud for a wire's buffers."""

    topic: ClassVar[str] = "test.cried"
    text: str


@over_rabbit
async def test_a_broker_that_reads_no_more_holds_up_no_stop(buses: Buses, monkeypatch: pytest.MonkeyPatch):
    wire = Wire(buses.url(buses.sends))
    await wire.mend()
    bus = buses.open(wire.url)
    await bus.start()
    await bus.publish(Cried(text="a"))
    wire.freeze()
    monkeypatch.setattr(rabbit_link, "CONFIRM_S", 0.5)
    monkeypatch.setattr(rabbit_link, "CLOSE_S", 0.5)
    await asyncio.gather(*(refused(bus, Cried(text="a" * 2**20)) for _ in range(32)))
    async with asyncio.timeout(PATIENCE_S):
        await bus.stop()
    # Nor the end of the process, which waits for every task.
    await eventually(lambda: not [task for task in asyncio.all_tasks() if "/aio" in repr(task)])
    await wire.cut()


@over_rabbit
async def test_a_start_waits_for_a_rabbitmq_that_is_still_coming_up(buses: Buses):
    wire = Wire(buses.url("rabbit"))
    await wire.mend()
    await wire.cut()
    starting = asyncio.create_task(buses.start(buses.open(wire.url)))
    await asyncio.sleep(0.2)
    assert not starting.done()
    await wire.mend()
    await starting


@pytest.mark.parametrize("reach", ["mqtt"], indirect=True)
async def test_a_node_starts_without_its_broker_and_connects_when_it_is_there(
    buses: Buses, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(mqtt, "START_S", 0.1)
    wire = Wire(buses.url("mqtt"))
    await wire.mend()
    await wire.cut()
    listener = Listener()
    bus = await buses.start(buses.open(wire.url), Subscription(Rang, listener))
    await refused(bus, Rang(number=1))
    await wire.mend()
    await published_at_last(bus, Rang(number=2))
    await eventually(lambda: listener.numbers == [2])
