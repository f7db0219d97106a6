"""Every service against every topic and every queue of a real RabbitMQ, signed in as itself.

What may be done is what the events' docstrings say, and nothing else.
"""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

import aio_pika
import httpx
import pytest
from aio_pika.abc import AbstractConnection
from contract.attempts import (
    binding,
    consuming,
    deleting,
    making_exchange,
    making_queue,
    may,
    nothing,
    publishing,
    purging,
    taking_from,
)

from escolta.accounts.rights import account_of_service, services
from escolta.accounts.services import SERVICE, make_accounts
from escolta.accounts.watcher import WATCHER
from escolta.bus import Subscription, open_bus
from escolta.contracts import parties
from escolta.errors import Misconfigured
from escolta.events import EVENTS, Event
from given import settings_of_parts
from passwords import SECRETS
from servers.rabbit import Broker, Rabbit
from servers.rabbit_accounts import Accounts, accounts_at

PASSWORDS = {service: f"the-password-of-{service}" for service in services()}


@pytest.fixture(scope="module")
async def accounts(rabbit_broker: Broker | None) -> AsyncIterator[Rabbit]:
    """A broker where every service has its account, and where all of them have listened."""
    if rabbit_broker is None:
        pytest.skip("the broker was given by ESCOLTA_TEST_AMQP_URL: its accounts are left alone")
    async with rabbit_broker.virtual_host() as rabbit, listened(rabbit):
        yield rabbit


@asynccontextmanager
async def listened(rabbit: Rabbit) -> AsyncIterator[None]:
    async with accounts_at(rabbit) as accounts:
        for service in services():
            bus = open_bus(accounts.url_of_service(service))
            for event in heard_by(service):
                for kind in ("", "yamnet"):
                    bus.subscribe(service, Subscription(event, nothing, kind=kind))
            await bus.start()
            await bus.stop()
        yield


def url_of(rabbit: Rabbit, service: str) -> str:
    return Accounts(rabbit).url_of_service(service)


def heard_by(service: str) -> Iterator[type[Event]]:
    return (event for event in EVENTS if service in parties(event)[1])


def queues_of(service: str) -> list[str]:
    """Its queues, and those beside them; what waits for a retry is made when there is something to wait."""
    names = [
        Subscription(event, nothing, kind=kind).queue(service)
        for event in heard_by(service)
        for kind in ("", "yamnet")
    ]
    return [f"{name}{suffix}" for name in names for suffix in ("", ".dead")]


def spoken_by(service: str) -> set[str]:
    return {event.topic for event in EVENTS if {service, "every service"} & set(parties(event)[0])}


@asynccontextmanager
async def signed_in(rabbit: Rabbit, service: str) -> AsyncIterator[AbstractConnection]:
    async with await aio_pika.connect(url_of(rabbit, service)) as connection:
        yield connection


@pytest.mark.parametrize("service", services())
async def test_a_service_publishes_what_it_says_in_the_events_and_nothing_else(accounts, service):
    async with signed_in(accounts, service) as connection:
        allowed = {
            event.topic
            for event in EVENTS
            if await may(connection, publishing(event.topic.replace("{node}", "quay-1")))
        }
    assert allowed == spoken_by(service)


@pytest.mark.parametrize("service", services())
async def test_a_service_takes_from_its_own_queues_and_from_no_other(accounts, service):
    async with signed_in(accounts, service) as connection:
        for owner in services():
            for queue in queues_of(owner):
                for attempt in (taking_from, consuming, purging):
                    assert await may(connection, attempt(queue)) == (owner == service), queue


@pytest.mark.parametrize("service", services())
async def test_a_service_deletes_no_queue_of_another_and_makes_none_in_its_name(accounts, service):
    async with signed_in(accounts, service) as connection:
        for owner in set(services()) - {service}:
            for queue in queues_of(owner):
                assert not await may(connection, deleting(queue)), queue
                assert not await may(connection, making_queue(f"{queue}.retry.1000")), queue
            assert not await may(connection, making_exchange(owner)), owner


@pytest.mark.parametrize("service", services())
async def test_a_service_writes_into_no_queue_past_the_topics(accounts, service):
    async with signed_in(accounts, service) as connection:
        for owner in services():
            assert not await may(connection, publishing(queues_of(owner)[0], exchange=""))
            assert await may(connection, publishing("any", exchange=owner)) == (owner == service)


@pytest.mark.parametrize("service", services())
async def test_a_service_hears_its_own_topics_and_cannot_listen_to_all(accounts, service):
    own, *_ = queues_of(service)
    heard = {event.topic for event in heard_by(service)}
    async with signed_in(accounts, service) as connection:
        for pattern in ("#", "*", "*.*", "*.*.*", "audio.#"):
            assert not await may(connection, binding(own, pattern))
        for event in EVENTS:
            pattern = event.topic.replace("{node}", "*")
            assert await may(connection, binding(own, pattern)) == (event.topic in heard), pattern


async def test_accounts_can_be_made_again_while_the_services_are_at_work(accounts):
    async with signed_in(accounts, "ingest") as connection:
        await make_accounts(accounts.admin_url, PASSWORDS, {})
        assert await may(connection, publishing("audio.cataloged"))


@pytest.mark.parametrize(
    ("passwords", "told"),
    [
        ({}, "ESCOLTA_BROKER_PASSWORDS lacks ingest"),
        ({"ingest": "short"}, "the password of ingest at the broker is shorter than 16"),
        ({"ingest": "long-enough-of-one", "stranger": "x" * 16}, "names 'stranger', which is no service"),
    ],
)
async def test_passwords_that_will_not_do_are_named(passwords, told):
    others = {service: password for service, password in PASSWORDS.items() if service != "ingest"}
    with pytest.raises(Misconfigured, match=told):
        await make_accounts("http://operator:secret@127.0.0.1", others | passwords, {})


async def test_a_node_whose_name_nobody_can_have_is_named():
    with pytest.raises(
        Misconfigured, match=r"ESCOLTA_NODE_PASSWORDS names 'quay\.1', which is no node's name"
    ):
        await make_accounts("http://operator:secret@127.0.0.1", PASSWORDS, {"quay.1": "long-enough-of-one"})


async def test_an_operator_whose_password_is_wrong_is_told_without_it(accounts):
    wrong = accounts.admin_url.replace("tests:", "tests:sesame-")
    with pytest.raises(Misconfigured, match="ESCOLTA_BROKER_ADMIN_URL: RabbitMQ refuses the user") as refused:
        await make_accounts(wrong, PASSWORDS, {})
    assert "sesame" not in str(refused.value)


async def test_a_service_is_no_operator(accounts):
    _, _, address = accounts.admin_url.partition("@")
    login, _, _ = url_of(accounts, "ingest").removeprefix("amqp://").partition("@")
    with pytest.raises(Misconfigured, match="refuses the user"):
        await make_accounts(f"http://{login}@{address}", PASSWORDS, {})


async def test_a_service_holds_a_bounded_number_of_connections(accounts):
    async with contextlib.AsyncExitStack() as stack:
        for _ in range(SERVICE.connections):
            await stack.enter_async_context(signed_in(accounts, "embedder"))
        with pytest.raises(Exception, match=r"Connection\.Close"):
            await stack.enter_async_context(signed_in(accounts, "embedder"))


def test_what_is_deployed_has_an_account_for_every_service():
    given = settings_of_parts(dict.fromkeys(SECRETS, "sesame"), [])
    assert sorted(json.loads(given["accounts"]["ESCOLTA_BROKER_PASSWORDS"])) == services()
    for service in services():
        assert given[service]["ESCOLTA_BUS_URL"].startswith(f"amqps://{account_of_service(service)}:sesame@")


async def counted(api: httpx.AsyncClient, queue: str) -> None:
    """Returns when the broker tells how many messages the queue holds: some seconds after it was made."""
    async with asyncio.timeout(240):
        while True:
            seen = await api.get(queue)
            assert seen.status_code == 200
            if "messages" in seen.json():
                return
            await asyncio.sleep(0.5)


async def test_the_watcher_sees_a_queue_and_does_nothing_else(accounts):
    made, _ = await make_accounts(accounts.admin_url, PASSWORDS, {}, "the-password-of-the-watcher")
    assert WATCHER in made
    scheme, _, address = accounts.admin_url.partition("://")
    where, vhost = address.rpartition("@")[2].split("/")
    login = httpx.BasicAuth(WATCHER, "the-password-of-the-watcher")
    each_anew = httpx.Limits(max_keepalive_connections=0)  # what is refused may end the connection
    async with httpx.AsyncClient(
        base_url=f"{scheme}://{where}/api", auth=login, trust_env=False, limits=each_anew, timeout=60
    ) as api:
        queue = f"/queues/{vhost}/embedder-yamnet.audio.cataloged"
        await counted(api, queue)
        for method, path, body in (
            ("DELETE", queue, None),
            ("DELETE", f"{queue}/contents", None),
            ("PUT", f"/queues/{vhost}/another", {}),
            ("POST", f"{queue}/get", {"count": 1, "ackmode": "ack_requeue_true", "encoding": "auto"}),
            ("PUT", "/users/another", {"password": "x" * 20, "tags": "administrator"}),
        ):
            refused = await api.request(method, path, json=body)
            assert refused.status_code in (401, 403), (method, path, refused.text)
        assert (await api.get(queue)).status_code == 200
    with pytest.raises(aio_pika.exceptions.AMQPException):
        await aio_pika.connect(accounts.amqp_url_of(WATCHER, "the-password-of-the-watcher"), timeout=60)
