"""`escolta node`: nodes are admitted, listed and turned away, at a real broker."""

import asyncio
import os
import stat
import sys
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from uuid import uuid4

import aio_pika
import asyncpg
import pytest
from contract.buses import amqp_channel, eventually, patient

from escolta.accounts.nodes import BYTES
from escolta.accounts.rabbitmq import administration
from escolta.accounts.rights import services
from escolta.accounts.services import make_accounts
from escolta.bus import Message, Subscription, open_bus
from escolta.bus.address import client_id_of
from escolta.bus.mqtt import MqttBus
from escolta.errors import EscoltaError, Misconfigured
from escolta.events import AudioAccepted, NodeStatus
from ingest.fleet.listing import ago
from servers.rabbit import Rabbit
from servers.rabbit_accounts import accounts_at


class Operator:
    """Who runs `escolta node`, on a catalog and a broker."""

    def __init__(self, folder: Path, catalog_url: str, rabbit: Rabbit) -> None:
        self.rabbit = rabbit
        self._folder = folder
        _, _, address = rabbit.mqtt_url.partition("@")
        self._environment = os.environ | {
            "ESCOLTA_CATALOG_URL": catalog_url,
            "ESCOLTA_BROKER_ADMIN_URL": rabbit.admin_url,
            "ESCOLTA_NODE_BUS_URL": f"mqtt://{address}",
        }

    async def node(self, *arguments: str, **environment: str) -> tuple[int, str, str]:
        """Exit status, and what `escolta node …` printed and said."""
        process = await asyncio.create_subprocess_exec(
            Path(sys.executable).with_name("escolta"),
            "node",
            *arguments,
            cwd=self._folder,
            env=self._environment | environment,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        printed, said = await process.communicate()
        return process.returncode or 0, printed.decode(), said.decode()

    async def admit(self, name: str, *arguments: str) -> dict[str, str]:
        """The environment of a node that was admitted."""
        status, printed, said = await self.node("add", name, *arguments)
        assert status == 0, said
        return environment(printed)


def environment(text: str) -> dict[str, str]:
    return dict(line.split("=", 1) for line in text.splitlines())


@pytest.fixture
async def operator(tmp_path, catalog_url, rabbit, monkeypatch) -> AsyncIterator[Operator]:
    patient(monkeypatch)
    if not rabbit.admin_url:
        pytest.skip("the broker was given by ESCOLTA_TEST_AMQP_URL: its accounts are left alone")
    yield Operator(tmp_path, catalog_url, rabbit)
    async with administration(rabbit.admin_url) as broker:
        for name in ("quay-1", "quay-2"):
            await broker.take(f"node-{name}")


def status_of(node: str) -> NodeStatus:
    return NodeStatus(node=node, at=datetime.now(UTC), spooled=0, free_bytes=0, version="0.1.0")


async def started(given: dict[str, str], *subscriptions: Subscription) -> MqttBus:
    bus = open_bus(given["ESCOLTA_BUS_URL"], name=given["ESCOLTA_NODE_NAME"])
    assert isinstance(bus, MqttBus)
    for subscription in subscriptions:
        bus.subscribe("node-agent", subscription)
    await bus.start()
    return bus


async def test_a_node_that_was_added_speaks_hears_and_is_registered(operator, catalog_url):
    heard: list[str] = []

    async def hear(messages: Sequence[Message[AudioAccepted]]) -> None:
        heard.extend(message.event.node for message in messages)

    given = await operator.admit("quay-1", "--project", "harbor")
    node = await started(given, Subscription(AudioAccepted, hear, node="quay-1"))
    ingest = open_bus(operator.rabbit.amqp_url)
    await ingest.start()
    await node.publish(status_of("quay-1"))
    await ingest.publish(AudioAccepted(node="quay-1", audio_id=uuid4(), sha256="0" * 64))
    await eventually(lambda: heard == ["quay-1"])
    with pytest.raises(EscoltaError, match="may not write there"):
        await node.publish(status_of("quay-2"))
    for bus in (node, ingest):
        await bus.stop()
    catalog = await asyncpg.connect(catalog_url)
    project = (
        "SELECT projects.name FROM audio.nodes JOIN audio.projects USING (project_id) WHERE nodes.name = $1"
    )
    assert await catalog.fetchval(project, "quay-1") == "harbor"
    await catalog.close()


async def test_added_again_a_node_has_a_new_password_and_the_old_one_is_out(operator):
    old = await operator.admit("quay-1")
    before = await started(old)
    new = await operator.admit("quay-1")
    await eventually(lambda: before._online is None)
    await before.stop()
    with pytest.raises(Misconfigured, match="refuses the user 'node-quay-1'"):
        await started(old)
    after = await started(new)
    await after.publish(status_of("quay-1"))
    await after.stop()


async def test_a_node_that_is_revoked_is_out_though_it_is_connected(operator):
    given = await operator.admit("quay-1")
    bus = await started(given)
    status, printed, _ = await operator.node("revoke", "quay-1")
    assert (status, "quay-1 is out" in printed) == (0, True)
    await eventually(lambda: bus._online is None)
    await bus.stop()
    with pytest.raises(Misconfigured, match="refuses the user"):
        await started(given)
    status, _, said = await operator.node("revoke", "quay-1")
    assert (status, "No node called 'quay-1' has an account" in said) == (2, True)


async def test_a_revoked_node_is_not_let_in_again_by_the_password_that_a_deployment_gave_it(operator):
    services_passwords = {service: f"the-password-of-{service}" for service in services()}
    nodes_passwords = {"quay-1": "the-password-of-quay-1", "quay-2": "the-password-of-quay-2"}
    make = partial(make_accounts, operator.rabbit.admin_url, services_passwords, nodes_passwords)
    async with accounts_at(operator.rabbit) as accounts:
        await make()
        await operator.node("revoke", "quay-1")
        made, revoked = await make()
        assert (revoked, "node-quay-1" in made, "node-quay-2" in made) == (["quay-1"], False, True)
        for password in ("the-password-of-quay-1", ""):
            url = operator.rabbit.mqtt_url_of("node-quay-1", password)
            with pytest.raises(Misconfigured, match="refuses the user"):
                await started({"ESCOLTA_BUS_URL": url, "ESCOLTA_NODE_NAME": "quay-1"})
        await operator.admit("quay-1")
        assert "quay-1" not in (await make())[1]
        given = {"ESCOLTA_BUS_URL": accounts.url_of_node("quay-1"), "ESCOLTA_NODE_NAME": "quay-1"}
        await (await started(given)).stop()


async def test_what_waits_for_a_node_that_takes_nothing_is_bounded(operator):
    given = await operator.admit("quay-1")
    await (await started(given, Subscription(AudioAccepted, _never, node="quay-1"))).stop()
    megabyte, sent = aio_pika.Message(bytes(1 << 20)), 2 * (BYTES >> 20)
    async with amqp_channel(operator.rabbit.amqp_url) as channel:
        topics = await channel.get_exchange("amq.topic")
        for _ in range(sent):
            await topics.publish(megabyte, "audio.accepted.quay-1")
        password = given["ESCOLTA_BUS_URL"].partition("@")[0].rpartition(":")[2]
        queue = f"mqtt-subscription-{client_id_of('quay-1', password)}qos1"
        assert (
            await channel.declare_queue(queue, passive=True)
        ).declaration_result.message_count == sent // 2


async def _never(_: Sequence[Message[AudioAccepted]]) -> None:
    raise AssertionError("nothing came for it while it was there")


async def test_what_a_node_signs_in_with_can_be_written_to_a_file_of_its_owner(operator, tmp_path):
    file = tmp_path / "quay-1.env"
    status, printed, said = await operator.node("add", "quay-1", "--to", str(file))
    assert (status, printed) == (0, "")
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert environment(file.read_text())["ESCOLTA_NODE_NAME"] == "quay-1"
    password = environment(file.read_text())["ESCOLTA_BUS_URL"].split(":")[-2].partition("@")[0]
    assert password not in said
    status, _, said = await operator.node("add", "quay-1", "--to", str(file))
    assert (status, "File exists" in said) == (2, True)


async def test_no_file_is_left_where_the_node_could_not_be_admitted(operator, tmp_path):
    file = tmp_path / "quay-1.env"
    wrong = operator.rabbit.admin_url.replace("tests:", "tests:x")
    status, _, said = await operator.node("add", "quay-1", "--to", str(file), ESCOLTA_BROKER_ADMIN_URL=wrong)
    assert (status, "RabbitMQ refuses the user" in said, file.exists()) == (2, True, False)


async def test_who_let_a_node_in_and_turned_it_away_is_in_the_audit_log(operator, catalog_url):
    await operator.admit("quay-1")
    wrong = operator.rabbit.admin_url.replace("tests:", "tests:x")
    await operator.node("revoke", "quay-1", ESCOLTA_BROKER_ADMIN_URL=wrong)
    await operator.node("revoke", "quay-1")
    await operator.node("revoke", "quay-1")
    catalog = await asyncpg.connect(catalog_url)
    rows = await catalog.fetch("SELECT what, which, service, name FROM audio.audit ORDER BY at")
    await catalog.close()
    assert [row[:3] for row in rows] == [
        ("enrolled a node", "quay-1", "ingest"),
        ("revoked a node", "quay-1", "ingest"),
    ]
    assert all(row["name"].endswith("at the terminal") for row in rows)


async def test_the_fleet_is_listed_with_who_may_sign_in(operator):
    await operator.admit("quay-1")
    await operator.admit("quay-2")
    await operator.node("revoke", "quay-2")
    _, printed, _ = await operator.node("list")
    lines = [line.split() for line in printed.splitlines()[1:]]
    assert lines == [["quay-1", "yes", "never", "0"], ["quay-2", "none", "never", "0"]]


async def test_the_list_says_what_waits_at_a_node_and_what_to_do(operator, catalog_url):
    catalog = await asyncpg.connect(catalog_url)
    await catalog.execute(
        "INSERT INTO audio.held (node, kind, first_at, last_at, audios, reason)"
        " VALUES ('quay-9', 'unknown_node', now(), now(), 3, 'Register it.')"
    )
    await catalog.close()
    _, printed, _ = await operator.node("list")
    assert printed.splitlines()[1:] == ["quay-9 waits: Register it."]


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("ESCOLTA_BROKER_ADMIN_URL", "", "ESCOLTA_BROKER_ADMIN_URL is not set"),
        ("ESCOLTA_NODE_BUS_URL", "", "ESCOLTA_NODE_BUS_URL: write mqtts://host:port"),
        ("ESCOLTA_NODE_BUS_URL", "mqtt://me:secret@host", "ESCOLTA_NODE_BUS_URL: write mqtts://host:port"),
    ],
)
async def test_without_an_address_no_node_is_added(operator, name, value, told):
    status, printed, said = await operator.node("add", "quay-1", **{name: value})
    assert (status, printed, told in said, "secret" in said) == (2, "", True, False)


async def test_a_name_that_no_node_can_have_is_refused(operator):
    status, _, said = await operator.node("add", "quay.1")
    assert (status, "name: String should match pattern" in said) == (2, True)


@pytest.mark.parametrize(
    ("passed", "told"),
    [
        (timedelta(seconds=5), "5 s ago"),
        (timedelta(minutes=5), "5 min ago"),
        (timedelta(hours=30), "1 d ago"),
        (timedelta(seconds=-5), "0 s ago"),
    ],
)
def test_how_long_ago_is_told_in_one_unit(passed, told):
    now = datetime(2024, 5, 1, tzinfo=UTC)
    assert ago(now - passed, now) == told
