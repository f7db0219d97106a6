"""The accounts at the broker whose passwords the operator has made: `escolta accounts`."""

from collections.abc import Mapping

from pydantic import TypeAdapter, ValidationError

from escolta.accounts.nodes import admit_node, bound_queues_of_nodes, revoked_nodes
from escolta.accounts.rabbitmq import Limits, administration
from escolta.accounts.rights import account_of_service, rights_of_service, services
from escolta.accounts.watcher import admit_watcher
from escolta.errors import Misconfigured
from escolta.fields import NodeName

SERVICE = Limits(connections=64, channels=1024)
"""A process has one connection, and a channel for each queue and one to send."""
LEAST_PASSWORD = 16


async def make_accounts(
    admin_url: str,
    services_passwords: Mapping[str, str],
    nodes_passwords: Mapping[str, str],
    watchers_password: str = "",
) -> tuple[list[str], list[str]]:
    """Make the account of every service and of these nodes, or give it its password and its rights again;
    and of the watcher, where it has a password.

    Returns the names of the users, and those of nodes that were revoked and stay out. Raises `Misconfigured`
    for a password that is missing or weak, and for a name that nobody can have.
    """
    if missing := [service for service in services() if service not in services_passwords]:
        raise Misconfigured(f"ESCOLTA_BROKER_PASSWORDS lacks {', '.join(missing)}: each service has its own")
    if unknown := [service for service in services_passwords if service not in services()]:
        raise Misconfigured(f"ESCOLTA_BROKER_PASSWORDS names {unknown[0]!r}, which is no service")
    if wrong := [name for name in nodes_passwords if not _is_name(name)]:
        raise Misconfigured(f"ESCOLTA_NODE_PASSWORDS names {wrong[0]!r}, which is no node's name")
    watcher = {"watcher": watchers_password} if watchers_password else {}
    for name, password in {**services_passwords, **nodes_passwords, **watcher}.items():
        if len(password) < LEAST_PASSWORD:
            raise Misconfigured(f"the password of {name} at the broker is shorter than {LEAST_PASSWORD}")
    async with administration(admin_url) as broker:
        await bound_queues_of_nodes(broker)
        made = [account_of_service(service) for service in services_passwords]
        for service, password in services_passwords.items():
            await broker.give(account_of_service(service), password, rights_of_service(service), SERVICE)
        made += [await admit_watcher(broker, password) for password in watcher.values()]
        revoked = sorted(nodes_passwords.keys() & await revoked_nodes(broker))
        for name in nodes_passwords.keys() - set(revoked):
            made.append(await admit_node(broker, name, nodes_passwords[name]))
    return made, revoked


def _is_name(node: str) -> bool:
    try:
        TypeAdapter(NodeName).validate_python(node)
    except ValidationError:
        return False
    return True
