"""RabbitMQ as it is deployed."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from servers.deployed import HOST, ROOT, TLS, given
from servers.install import found_or_installed, missing
from servers.rabbit_installed import InstalledBroker, server_program, version_of

ERLANG = (
    "RABBITMQ_NODENAME: rabbit@localhost",
    "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS: -kernel inet_dist_use_interface {127,0,0,1}",
    "ERL_EPMD_ADDRESS: 127.0.0.1",
)
"""What docker-compose.yml says of Erlang's own ports, as `InstalledBroker` does."""
SINCE_4 = "mqtt.max_packet_size_authenticated"


class DeployedBroker(InstalledBroker):
    """With the files of deploy/k8s/servers, and its certificate."""

    host, secure = HOST, "s"

    def __init__(self, folder: Path, program: str, authority: Path) -> None:
        self.authority = authority
        super().__init__(folder, program)
        self.listeners = tuple(f"port-listener/{port}" for port in (self.amqp_port, self.mqtt_port))

    def plugins(self) -> str:
        return given("enabled_plugins")

    def configuration(self) -> str:
        assert self.authority
        text = given("rabbitmq.conf")
        for before, after in {
            "listeners.ssl.default = 5671": f"listeners.ssl.1 = {HOST}:{self.amqp_port}",
            "mqtt.listeners.ssl.default = 8883": f"mqtt.listeners.ssl.1 = {HOST}:{self.mqtt_port}",
            "management.ssl.port = 15671": f"management.ssl.ip = {HOST}\n"
            f"management.ssl.port = {self.management_port}",
            TLS: str(self.authority.parent / "rabbitmq"),
        }.items():
            assert before in text
            text = text.replace(before, after)
        if version_of(self._program) >= 4:
            return text
        return re.sub(rf"^{re.escape(SINCE_4)}.*\n", "", text, flags=re.MULTILINE)


@asynccontextmanager
async def deployed_broker(folder: Path, authority: Path) -> AsyncIterator[DeployedBroker]:
    """A broker that speaks TLS alone, from the installed program; without it the test is skipped."""
    compose = (ROOT / "docker-compose.yml").read_text("utf-8")
    assert all(line in compose for line in ERLANG)
    program = found_or_installed(server_program, "rabbitmq-server") or missing("rabbitmq-server is absent")
    broker = DeployedBroker(folder, program, authority)
    try:
        await broker.start()
        yield broker
    finally:
        broker.close()
