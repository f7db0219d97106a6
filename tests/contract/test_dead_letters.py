"""Dead letters on a real RabbitMQ: an operator looks at them, puts them back, or drops them."""

import asyncio
import contextlib
import io
from collections.abc import AsyncIterator, Callable, Sequence

import pytest
from contract.buses import PATIENCE_S, Buses, Rang, amqp_channel, eventually

from escolta.bus import Message, Subscription
from escolta.dead_letters import command
from escolta.errors import Misconfigured
from servers.rabbit import Broker


class Bell:
    """A service that rejects what rings, until it is mended."""

    def __init__(self, buses: Buses) -> None:
        self.buses = buses
        self.queue = f"{buses.service}.test.rang"
        self.mended = False
        self.heard: list[tuple[int, int]] = []

    async def listen(self) -> None:
        self.bus = await self.buses.listen(Subscription(Rang, self._handle))

    async def _handle(self, messages: Sequence[Message[Rang]]) -> None:
        for message in messages:
            if not self.mended:
                message.reject(f"bell {message.event.number} is cracked")
            else:
                self.heard.append((message.event.number, message.attempt))

    async def bury(self, *numbers: int) -> None:
        for number in numbers:
            await self.buses.publish(Rang(number=number))
            await self.until_dead(number)

    async def until_dead(self, count: int) -> None:
        async with asyncio.timeout(PATIENCE_S):
            while (await self.told()).count("is cracked") != count:
                await asyncio.sleep(0.02)

    async def told(self, limit: int = 50) -> str:
        return await said(command._list, self.queue, limit)


@pytest.fixture
async def bell(rabbit_broker: Broker | None, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Bell]:
    """A bell whose operator has the settings of the environment."""
    if rabbit_broker is None:
        pytest.skip("the broker was given by ESCOLTA_TEST_AMQP_URL: its management is not known")
    async with rabbit_broker.virtual_host() as rabbit:
        monkeypatch.setenv("ESCOLTA_BUS_URL", rabbit.amqp_url)
        monkeypatch.setenv("ESCOLTA_BROKER_ADMIN_URL", rabbit.admin_url)
        buses = Buses("rabbit", rabbit)
        bell = Bell(buses)
        await bell.listen()
        yield bell
        await buses.stop()


async def test_dead_letters_are_listed_oldest_first_with_their_reasons_and_stay(bell: Bell) -> None:
    await bell.bury(1, 2, 3)
    for _ in range(2):
        told = await bell.told()
        assert f"{bell.queue}: 3" in told
        places = [told.index(f"bell {number} is cracked") for number in (1, 2, 3)]
        assert places == sorted(places)
    assert "and 2 more: --limit 3" in await bell.told(limit=1)


async def test_one_is_put_back_for_a_first_attempt_once_its_cause_is_mended(bell: Bell) -> None:
    await bell.bury(1, 2, 3)
    second = ids(await bell.told())[1]
    bell.mended = True
    await said(command._judge, bell.queue, [second], False, command.Fate.PUT_BACK)
    await eventually(lambda: bell.heard == [(2, 1)])
    await bell.until_dead(2)


async def test_all_are_dropped_for_good_and_nothing_is_handled(bell: Bell) -> None:
    await bell.bury(1, 2)
    bell.mended = True
    dropped = await command._judge(bell.queue, None, True, command.Fate.DROP)
    assert [found.letter.reason for found in dropped] == ["bell 1 is cracked", "bell 2 is cracked"]
    await bell.until_dead(0)
    assert bell.heard == []


async def test_an_id_that_is_not_there_is_told_and_no_other_is_touched(bell: Bell) -> None:
    await bell.bury(1)
    with pytest.raises(Misconfigured, match="there is no dead letter unknown; 0 others are done"):
        await command._judge(bell.queue, ["unknown"], False, command.Fate.DROP)
    await bell.until_dead(1)


async def test_what_goes_back_finds_its_queue_or_stays_dead(bell: Bell) -> None:
    await bell.bury(1)
    await bell.bus.stop()
    async with amqp_channel(bell.buses.url("rabbit")) as channel:
        await channel.queue_delete(bell.queue)
    with pytest.raises(Misconfigured, match="start its service"):
        await command._judge(bell.queue, None, True, command.Fate.PUT_BACK)
    await bell.until_dead(1)


@pytest.mark.parametrize("chosen", [([], False), (["one"], True)])
async def test_somebody_must_say_which(chosen: tuple[list[str], bool]) -> None:
    with pytest.raises(Misconfigured, match="say which"):
        await command._judge("", *chosen, command.Fate.DROP)


async def test_without_a_broker_it_says_where_dead_letters_are(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ESCOLTA_BUS_URL", "memory://")
    with pytest.raises(Misconfigured, match="the page Quarantine"):
        await command._list("", 50)


def test_what_a_stranger_wrote_cannot_steer_the_terminal() -> None:
    assert command._plain("red \x1b[31m\n") == "red \ufffd[31m\ufffd"


async def said(run: Callable, *arguments: object) -> str:
    """What a command prints."""
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        await run(*arguments)
    return printed.getvalue()


def ids(told: str) -> list[str]:
    return [line.split()[0] for line in told.splitlines() if line.endswith("attempts")]
