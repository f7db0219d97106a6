"""The accounts of a deployment at the broker: every service, and every node, signs in as itself."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from escolta.accounts.rabbitmq import administration
from escolta.accounts.rights import account_of_node, account_of_service, services
from escolta.accounts.services import make_accounts
from servers.rabbit import Rabbit


@dataclass(frozen=True)
class Accounts:
    """Their addresses on one virtual host; on a broker that was given by its URLs, all sign in as one."""

    rabbit: Rabbit

    def url_of_service(self, service: str) -> str:
        """As `ESCOLTA_BUS_URL` of a service has it."""
        if not self.rabbit.admin_url:
            return self.rabbit.amqp_url
        return self.rabbit.amqp_url_of(account_of_service(service), _password(service))

    def url_of_node(self, name: str) -> str:
        """As `ESCOLTA_BUS_URL` of a node has it."""
        if not self.rabbit.admin_url:
            return self.rabbit.mqtt_url
        return self.rabbit.mqtt_url_of(account_of_node(name), _password(name))


@asynccontextmanager
async def accounts_at(rabbit: Rabbit, *nodes: str) -> AsyncIterator[Accounts]:
    """Made for the length of a block: users of RabbitMQ belong to no virtual host, and outlive it."""
    if not rabbit.admin_url:
        yield Accounts(rabbit)
        return
    passwords = {service: _password(service) for service in services()}
    users, _ = await make_accounts(rabbit.admin_url, passwords, {node: _password(node) for node in nodes})
    yield Accounts(rabbit)
    async with administration(rabbit.admin_url) as broker:
        for user in users:
            await broker.take(user)


def _password(name: str) -> str:
    return f"the-password-of-{name}"
