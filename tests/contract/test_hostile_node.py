"""A node that has turned against us, with its own credential and clients of its own, at a real RabbitMQ.

It is called `a`; `a-b` is a node that does its work.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from uuid import uuid4

import aio_pika
import aiomqtt
import httpx
import pytest
from aio_pika.abc import AbstractChannel, HeadersType
from aiormq.exceptions import AMQPError, ChannelAccessRefused
from contract import attempts
from contract.attempts import TOPICS, may, publishing
from contract.buses import PATIENCE_S, amqp_channel, take_dead_letter
from contract.forging import WAYS, Forge
from contract.hostile import (
    OTHERS,
    OWN_QUEUE,
    PASSWORD,
    TOPICS_OF_ALL,
    Harbor,
    harbor_at,
    published,
    subscribed,
)

from escolta.accounts.nodes import NODE, admit_node
from escolta.accounts.rabbitmq import administration
from escolta.bus.address import client_id_of
from escolta.contracts import parties
from escolta.events import EVENTS, AudioLabeled, NodeStatus
from servers.plain import NO_TLS
from servers.rabbit import Broker

SPOKEN = {event.topic for event in EVENTS if parties(event)[0] == ["node-agent"]}
HEARD = {event.topic for event in EVENTS if parties(event)[1] == ["node-agent"]}
FORGED = AudioLabeled(
    iteration_id=uuid4(), audio_id=uuid4(), label="whale", labelers=3, agreement_percent=100
)


@pytest.fixture(scope="module")
async def harbor(rabbit_broker: Broker | None) -> AsyncIterator[Harbor]:
    if rabbit_broker is None:
        pytest.skip("the broker was given by ESCOLTA_TEST_AMQP_URL: its accounts are left alone")
    async with rabbit_broker.virtual_host() as rabbit, harbor_at(rabbit) as harbor:
        yield harbor


def own(topic: str) -> str:
    return topic.replace("{node}", "a")


@pytest.mark.parametrize("retain", [False, True])
async def test_by_mqtt_it_speaks_for_itself_alone(harbor: Harbor, retain: bool):
    confirmed = {topic for topic in TOPICS_OF_ALL if await published(harbor.mqtt(), topic, retain)}
    assert confirmed == await harbor.heard() == set(map(own, SPOKEN))


@pytest.mark.parametrize(
    "topic", ["audio/recorded/a\n", "audio/recorded/a/b", "audio/recorded", "/", "$SYS/a"]
)
async def test_by_mqtt_no_topic_that_looks_like_its_own_will_do(harbor: Harbor, topic: str):
    assert not await published(harbor.mqtt(), topic)
    assert await harbor.heard() == set()


async def test_its_last_will_says_nothing_that_it_may_not_say(harbor: Harbor):
    for topic in ("audio/labeled", "audio/recorded/a-b", "audio/accepted/a-b"):
        client = harbor.mqtt(will=aiomqtt.Will(topic, b"{}", qos=1, retain=True))
        assert not await published(client, "not.mine")  # the broker hangs up, and comes to the will
    assert await harbor.heard() == set()
    assert await harbor.retained() <= set(map(own, SPOKEN))


@pytest.mark.parametrize("qos", [0, 1])
async def test_by_mqtt_it_hears_what_is_meant_for_it_alone(harbor: Harbor, qos: int):
    filters = [*TOPICS_OF_ALL, "#", "+.+.+", "+.+", "audio.accepted.+", "audio.#", "$SYS.#", "+.accepted.a"]
    granted = {topic for topic in filters if await subscribed(harbor.mqtt(), topic, qos)}
    assert granted == set(map(own, HEARD))


async def test_it_cannot_take_the_place_of_another_by_its_id(harbor: Harbor):
    online = harbor.other._online
    for client_id in ("a-b", client_id_of("a-b", PASSWORD), "a-b-0000000000000000"):
        assert not await subscribed(harbor.mqtt(client_id), "audio.accepted.a")
    now = datetime.now(UTC)
    await harbor.other.publish(NodeStatus(node="a-b", at=now, spooled=0, free_bytes=0, version="0.1.0"))
    assert harbor.other._online is online
    assert await harbor.heard() == {"node.status.a-b"}


async def test_under_the_id_of_another_it_hears_nothing(harbor: Harbor):
    """Even where it knew the id: the queue is not its own."""
    assert not await subscribed(harbor.mqtt(client_id_of("a-b", OTHERS)), "audio.accepted.a")


async def test_by_amqp_it_speaks_for_itself_alone(harbor: Harbor):
    async with harbor.amqp() as connection:
        allowed = {topic for topic in TOPICS_OF_ALL if await may(connection, publishing(topic))}
        for exchange in ("", "amq.direct", "amq.fanout", "amq.headers", "amq.match", "al-engine"):
            assert not await may(connection, publishing("al-engine.audio.labeled", exchange)), exchange
    assert allowed == await harbor.heard() == set(map(own, SPOKEN))


OTHERS_QUEUES = ("ear", "al-engine.audio.labeled", "al-engine.audio.labeled.dead")


async def test_by_amqp_it_has_no_rights_over_any_queue_but_its_own(harbor: Harbor):
    others = f"mqtt-subscription-{client_id_of('a-b', OTHERS)}qos1"
    names = (*OTHERS_QUEUES, others, "new", "mqtt-subscription-aqos1", f"{OWN_QUEUE}1", f"x{OWN_QUEUE}")
    async with harbor.amqp() as connection:
        for name in names:
            for attempt in (
                attempts.taking_from(name),
                attempts.consuming(name),
                attempts.purging(name),
                attempts.deleting(name),
                attempts.making_queue(name),
                attempts.making_exchange(name),
                attempts.binding(name, "audio.accepted.a"),
            ):
                assert not await may(connection, attempt), name


async def test_by_amqp_it_binds_its_queue_to_nothing_that_is_not_meant_for_it(harbor: Harbor):
    patterns = [*TOPICS_OF_ALL, "#", "*", "*.*.*", "audio.#", "audio.accepted.*", "*.accepted.a"]
    async with harbor.amqp() as connection:
        assert await may(connection, attempts.making_queue(OWN_QUEUE))
        bound = {p for p in patterns if await may(connection, attempts.binding(OWN_QUEUE, p))}
        for source in ("amq.fanout", "amq.direct", "amq.headers", "amq.rabbitmq.trace", "al-engine"):
            assert not await may(connection, attempts.binding_exchanges(TOPICS, source, "#")), source
            assert not await may(connection, attempts.binding_exchanges(source, TOPICS, "#")), source
        assert not await may(connection, attempts.binding_exchanges(TOPICS, TOPICS, "#"))
        assert not await may(connection, attempts.deleting_exchange(TOPICS))
        assert await may(connection, attempts.deleting(OWN_QUEUE))
    assert bound == set(map(own, HEARD))


async def by_a_copy(channel: AbstractChannel, name: str, topic: str, body: bytes) -> None:
    """No way of `WAYS`, because the key is its own: RabbitMQ 3.10 asks for the first alone, 4 for each."""
    headers: HeadersType = {"CC": [topic], "x-escolta-topic": topic}
    await publishing("audio.recorded.a", body=body, headers=headers)(channel)


@pytest.mark.parametrize("forge", [*WAYS, by_a_copy])
async def test_what_it_gets_past_the_broker_by_amqp_is_a_dead_letter(harbor: Harbor, forge: Forge):
    async with harbor.amqp() as connection, connection.channel() as channel:
        try:
            await forge(channel, OWN_QUEUE, AudioLabeled.topic, FORGED.model_dump_json().encode())
        except ChannelAccessRefused:
            pytest.skip("this RabbitMQ refuses it already")
    async with amqp_channel(harbor.rabbit.amqp_url) as channel:
        dead = await take_dead_letter(channel, "al-engine.audio.labeled")
    assert "look at who may publish there" in dead.reason
    assert harbor.labeled == []
    await harbor.heard()


async def test_it_enters_no_other_virtual_host_and_administers_nothing(harbor: Harbor):
    url = harbor.rabbit.amqp_url_of("node-a", PASSWORD)
    with pytest.raises(Exception, match=r"refused|Close"):
        await aio_pika.connect(url.rpartition("/")[0] + "/")
    api = harbor.rabbit.admin_url.rpartition("/")[0].partition("@")[2]
    async with httpx.AsyncClient(
        base_url=f"http://{api}/api", auth=("node-a", PASSWORD), trust_env=False, timeout=120, verify=NO_TLS
    ) as client:
        for path in ("/whoami", "/definitions", "/users", "/queues", "/connections"):
            assert (await client.get(path)).status_code == 401
        user = {"password": "mine", "tags": "administrator"}
        assert (await client.put("/users/node-a", json=user)).status_code == 401


async def test_it_holds_a_bounded_number_of_connections(harbor: Harbor):
    held = 0
    async with contextlib.AsyncExitStack() as stack:
        with contextlib.suppress(AMQPError):
            while held <= NODE.connections:
                await stack.enter_async_context(harbor.amqp())
                held += 1
    assert held <= NODE.connections


async def test_revoked_it_is_out_by_every_protocol_and_at_once(harbor: Harbor):
    async with harbor.amqp() as connection, harbor.mqtt() as client:
        closed = asyncio.Event()
        connection.close_callbacks.add(lambda *_: closed.set())
        async with administration(harbor.rabbit.admin_url) as broker:
            assert await broker.take("node-a")
        async with asyncio.timeout(PATIENCE_S):
            await closed.wait()
            await asyncio.wait({client._disconnected})
    assert not await published(harbor.mqtt(), "audio.recorded.a")
    async with administration(harbor.rabbit.admin_url) as broker:
        await admit_node(broker, "a", PASSWORD)
