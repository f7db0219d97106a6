"""What arrives and must not be heard: the broker does not stand for its topic."""

import pytest
from contract.bus_ears import Listener
from contract.buses import Buses, Rang, amqp_channel, eventually, over_rabbit, take_dead_letter
from contract.forging import WAYS, Forge, forged

from escolta.bus import Subscription

BODY = Rang(number=1).model_dump_json().encode()


@over_rabbit
@pytest.mark.parametrize("forge", WAYS)
async def test_what_came_around_the_permissions_is_a_dead_letter(buses: Buses, forge: Forge):
    listener = Listener()
    await buses.listen(Subscription(Rang, listener))
    async with amqp_channel(buses.url("rabbit")) as channel:
        await forge(channel, "any-name", Rang.topic, BODY)
        dead = await take_dead_letter(channel, f"{buses.service}.test.rang")
    assert f"came as {dead.topic}" in dead.reason
    assert dead.topic.startswith("test.rang by way of ")
    await buses.publish(Rang(number=2))
    await eventually(lambda: listener.numbers == [2])


@over_rabbit
async def test_what_an_operator_puts_back_is_heard(buses: Buses):
    listener = Listener()
    await buses.listen(Subscription(Rang, listener))
    async with amqp_channel(buses.url("rabbit")) as channel:
        await channel.default_exchange.publish(forged(Rang.topic, BODY), f"{buses.service}.test.rang")
    await eventually(lambda: listener.numbers == [1])
