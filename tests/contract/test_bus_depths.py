"""How many messages wait in the queues of RabbitMQ, and how many are dead, as the metrics tell it."""

import asyncio
from collections.abc import Sequence

import pytest
from contract.buses import Buses, Rang, eventually, over_rabbit
from prometheus_client import CollectorRegistry

from escolta.bus import Message, Subscription, rabbit

WAITING, DEAD = "escolta_queue_waiting_messages", "escolta_queue_dead_letters"


@over_rabbit
async def test_the_broker_is_asked_what_waits_and_what_is_dead(
    buses: Buses, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rabbit, "LOOK_EVERY_S", 0.1)
    metrics, go_on = CollectorRegistry(), asyncio.Event()

    async def handle(messages: Sequence[Message[Rang]]) -> None:
        [message] = messages
        if message.event.number == 0:
            message.reject("the bell is cracked")
        else:
            await go_on.wait()

    subscription = Subscription(Rang, handle)  # it takes two ahead
    bus = await buses.start(buses.open(buses.url("rabbit"), metrics=metrics), subscription)
    queue = {"queue": subscription.queue(buses.service)}
    await buses.publish(*(Rang(number=number) for number in range(6)))
    await eventually(lambda: metrics.get_sample_value(WAITING, queue) == 3)
    await eventually(lambda: metrics.get_sample_value(DEAD, queue) == 1)
    go_on.set()
    await eventually(lambda: metrics.get_sample_value(WAITING, queue) == 0)
    await bus.stop()
