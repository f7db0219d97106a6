"""What is sent at once goes out in one write, and what fails is told to those whom it concerns."""

import asyncio
from dataclasses import dataclass, field
from itertools import chain
from typing import Any, cast

import pytest
from aiormq import Channel

from escolta.bus.rabbit_outbox import Letter, Outbox

LETTER = Letter("amq.topic", "audio.cataloged", b"{}", {}, lasting=True)


@dataclass
class OpenChannel:
    """As much of aiormq's channel as is written to. Writing lets others come in between."""

    number: int = 1
    delivery_tag: int = 0
    max_content_size: int = 1000
    confirmations: dict[int, asyncio.Future[Any]] = field(default_factory=dict)
    message_id_delivery_tag: dict[str, int] = field(default_factory=dict)
    writes: int = 0

    @property
    def write_queue(self) -> "OpenChannel":
        return self

    def create_future(self) -> asyncio.Future[Any]:
        return asyncio.get_running_loop().create_future()

    async def put(self, _: object) -> None:
        self.writes += 1
        await asyncio.sleep(0)


def outbox(*opened: OpenChannel | Exception) -> Outbox:
    """One whose channel is opened, or is not, as often as it is asked for."""
    comes = chain(opened)

    async def open_next() -> Channel:
        found = next(comes)
        if isinstance(found, Exception):
            raise found
        return cast(Channel, found)

    return Outbox(open_next)


async def test_what_is_sent_at_once_is_one_write():
    channel = OpenChannel()
    out = outbox(channel)
    sent = [asyncio.create_task(out.send(LETTER)) for _ in range(3)]
    while len(channel.confirmations) < 3:
        await asyncio.sleep(0)
    assert channel.writes == 1
    for confirmed in channel.confirmations.values():
        confirmed.set_result(None)
    await asyncio.gather(*sent)


async def test_what_is_written_is_not_told_as_lost_because_the_next_cannot_be():
    channel = OpenChannel()
    out = outbox(channel, ConnectionError("gone"))
    first = asyncio.create_task(out.send(LETTER))
    while not channel.writes:
        await asyncio.sleep(0)
    with pytest.raises(ConnectionError, match="not sent"):
        await out.send(LETTER)
    channel.confirmations[1].set_result(None)
    await first
