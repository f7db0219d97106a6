"""What becomes of a message that is refused: a dead letter with its reason, and its neighbors go on."""

import aio_pika
import pytest
from contract.bus_ears import Listener, Quarantine
from contract.buses import (
    Buses,
    Called,
    Rang,
    amqp_channel,
    eventually,
    over_rabbit,
    take_dead_letter,
    where_consumers_share,
)

from escolta.bus import Message, Subscription
from escolta.errors import Rejected
from escolta.events import MessageRejected
from escolta.fields import BODY_CHARS, LARGEST_EVENT_BYTES


async def test_each_message_of_a_batch_has_its_own_verdict(buses: Buses):
    def judge(message: Message[Rang]) -> None:
        if message.event.number == 1 and message.attempt == 1:
            message.retry("not yet")
        if message.event.number == 2:
            message.reject("two is not a bell")

    listener = Listener(judge)
    bus = await buses.listen(Subscription(Rang, listener, batch=3, linger_s=60, delays_s=(0.01,)))
    await buses.publish(Rang(number=1), Rang(number=2), Rang(number=3))
    [dead] = await buses.dead_letters(bus, 1)
    assert (dead.body, dead.reason) == (Rang(number=2).model_dump_json().encode(), "two is not a bell")
    await buses.publish(Rang(number=4), Rang(number=5))
    await eventually(lambda: len(listener.batches) == 2)
    assert sorted(listener.batches[1]) == [1, 4, 5]
    assert sorted(listener.attempts) == [1, 1, 1, 1, 1, 2]


async def test_a_poisoned_message_does_not_harm_its_batch(buses: Buses):
    def judge(message: Message[Rang]) -> None:
        if message.event.number == 2:
            raise Rejected("two breaks everything")

    listener = Listener(judge)
    bus = await buses.listen(Subscription(Rang, listener, batch=4, linger_s=60))
    await buses.publish(*(Rang(number=number) for number in range(4)))
    [dead] = await buses.dead_letters(bus, 1)
    assert dead.reason == "two breaks everything"
    assert listener.batches == [[0, 1, 2, 3], [0], [1], [2], [3]]


@where_consumers_share
async def test_a_rejected_message_is_told_of_and_kept_with_its_reason(buses: Buses):
    def judge(message: Message[Rang]) -> None:
        raise Rejected("this bell is cracked")

    quarantine = Quarantine()
    bus = await buses.listen(Subscription(Rang, Listener(judge)), Subscription(MessageRejected, quarantine))
    await buses.publish(Rang(number=1))
    await eventually(lambda: quarantine.rejections)
    [told], [dead] = quarantine.rejections, await buses.dead_letters(bus, 1)
    assert (dead.topic, dead.reason, dead.attempts) == ("test.rang", "this bell is cracked", 1)
    assert (told.queue, told.message_topic) == (f"{buses.service}.test.rang", "test.rang")
    assert (told.reason, told.attempts) == ("this bell is cracked", 1)
    assert told.body == dead.body.decode() == '{"number":1}'


@pytest.mark.parametrize("reach", ["mqtt"], indirect=True)
async def test_a_node_tells_nobody_of_its_dead_letters_but_its_log(
    buses: Buses, caplog: pytest.LogCaptureFixture
):
    quarantine, listener = Quarantine(), Listener()
    bus = await buses.listen(Subscription(Rang, listener), Subscription(MessageRejected, quarantine))
    await buses.send_raw("test.rang", b"nonsense")
    [dead] = await buses.dead_letters(bus, 1)
    assert dead.reason in caplog.text
    await buses.publish(Rang(number=1))
    await eventually(lambda: listener.numbers == [1])
    assert quarantine.rejections == []


async def test_what_comes_under_the_topic_of_somebody_else_is_a_dead_letter(buses: Buses):
    listener = Listener()
    bus = await buses.listen(Subscription(Called, listener), Subscription(Rang, Listener()))
    forged, true = Called(node="north", number=1), Called(node="north", number=2)
    await buses.send_raw("test.called.south", forged.model_dump_json().encode())
    [dead] = await buses.dead_letters(bus, 1, Called)
    assert dead.topic == "test.called.south"
    assert "belongs to the topic test.called.north came as test.called.south" in dead.reason
    await buses.publish(true)
    await eventually(lambda: listener.numbers == [2])


@over_rabbit
@pytest.mark.parametrize("headers", [{"x-escolta-topic": "test.called.north"}, {"CC": ["test.called.north"]}])
async def test_no_header_of_a_sender_changes_who_it_is(buses: Buses, headers: dict):
    listener = Listener()
    await buses.listen(Subscription(Called, listener))
    queue = f"{buses.service}.test.called"
    async with amqp_channel(buses.url("rabbit")) as channel:
        exchange = await channel.get_exchange("amq.topic")
        forged = Called(node="north", number=1).model_dump_json().encode()
        await exchange.publish(aio_pika.Message(forged, headers=headers), "test.called.south")
        dead = await take_dead_letter(channel, queue)
    assert (dead.topic, listener.numbers) == ("test.called.south", [])


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"\xff\xfe not JSON", "the message is not JSON"),
        (b"{}", "Rang lacks the field 'number'"),
        (b'{"number": "seven"}', "Rang has a wrong 'number'"),
    ],
)
async def test_a_message_that_is_no_event_is_a_dead_letter_at_once(buses: Buses, body: bytes, reason: str):
    listener = Listener()
    bus = await buses.listen(Subscription(Rang, listener))
    await buses.send_raw("test.rang", body)
    [dead] = await buses.dead_letters(bus, 1)
    assert dead.body == body
    assert reason in dead.reason
    await buses.publish(Rang(number=1))
    await eventually(lambda: listener.numbers == [1])


async def test_a_message_that_is_larger_than_any_event_is_a_dead_letter_that_keeps_its_beginning(
    buses: Buses,
):
    listener = Listener()
    bus = await buses.listen(Subscription(Rang, listener))
    body = b'{"number": 1, "more": "' + bytes(LARGEST_EVENT_BYTES) + b'"}'
    await buses.send_raw("test.rang", body)
    [dead] = await buses.dead_letters(bus, 1)
    assert f"the message has {len(body)} bytes" in dead.reason
    assert dead.body == body[: len(dead.body)]
    assert len(dead.body) == BODY_CHARS
    await buses.publish(Rang(number=2))
    await eventually(lambda: listener.numbers == [2])


@where_consumers_share
async def test_a_poisoned_rejection_does_not_feed_itself(buses: Buses):
    quarantine, listener = Quarantine(), Listener()
    await buses.listen(Subscription(MessageRejected, quarantine), Subscription(Rang, listener))
    await buses.send_raw("message.rejected", b"nonsense")
    await buses.send_raw("test.rang", b"nonsense")
    await eventually(lambda: quarantine.rejections)
    assert [told.message_topic for told in quarantine.rejections] == ["test.rang"]
