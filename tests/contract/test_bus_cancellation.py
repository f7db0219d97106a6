"""A start and a stop end in time, whatever a library makes of a cancellation."""

import asyncio
import gc
from collections.abc import AsyncIterator

import aio_pika
import aiomqtt
import pytest

from escolta.bus import mqtt, open_bus
from escolta.bus import rabbit as rabbit_bus
from escolta.errors import Misconfigured


class Silent:
    """A client that gets no message."""

    @property
    async def messages(self) -> AsyncIterator[aiomqtt.Message]:
        await asyncio.sleep(600)
        yield pytest.fail("nobody sent anything")


class Unheeding:
    """Connects to nothing, and answers its first cancellation by an error or a return, as libraries may."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, way: str) -> None:
        self.cancellations = self.closed = 0
        self._way = way
        monkeypatch.setattr(aio_pika.Connection, "connect", self._connect)
        monkeypatch.setattr(aio_pika.Connection, "close", self._close)
        monkeypatch.setattr(aiomqtt.Client, "__aenter__", self._connect)
        monkeypatch.setattr(aiomqtt.Client, "__aexit__", self._close)
        monkeypatch.setattr(rabbit_bus, "START_S", 0.1)
        monkeypatch.setattr(mqtt, "START_S", 0.1)

    async def _connect(self, *_: object, **__: object) -> Silent:
        try:
            await asyncio.sleep(600)
        except asyncio.CancelledError:
            self.cancellations += 1
            if self.cancellations > 1:
                raise
            if self._way == "raises":
                raise ConnectionError("hung up in the same moment") from None
        return Silent()

    async def _close(self, *_: object) -> None:
        self.closed += 1


@pytest.fixture(params=["raises", "returns"])
def unheeding(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Unheeding:
    return Unheeding(monkeypatch, request.param)


async def test_a_start_gives_up_in_time_though_the_library_swallows_the_cancellation(unheeding: Unheeding):
    async with asyncio.timeout(120):
        with pytest.raises(Misconfigured, match="no RabbitMQ answers"):
            await open_bus("amqp://one:two@127.0.0.1:1").start()
    assert (unheeding.cancellations, unheeding.closed) == (1, 1)


async def test_a_stop_ends_though_the_library_swallows_the_cancellation(unheeding: Unheeding):
    bus = open_bus("mqtt://one:two@127.0.0.1:1", name="quay-1")
    await bus.start()
    async with asyncio.timeout(120):
        await bus.stop()
    assert unheeding.cancellations == 1


async def test_a_stop_as_the_connection_is_lost_leaves_no_error_that_nobody_asked_for():
    told: list[object] = []  # what other tests have left behind may be among it
    asyncio.get_running_loop().set_exception_handler(lambda _, context: told.append(context.get("exception")))
    lost = aiomqtt.MqttError("hung up in the same moment")
    client = open_bus("mqtt://one:two@127.0.0.1:1", name="quay-1")._new_client()  # type: ignore[attr-defined]
    client._disconnected.set_exception(lost)
    await asyncio.sleep(0)
    del client
    gc.collect()
    assert lost not in told
