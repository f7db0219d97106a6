"""What each part of a deployment is given: the secrets that it signs in with, and nobody else's."""

import json
from collections.abc import Mapping, Sequence

from passwords import SERVICES, password_of
from store_accounts import OPERATOR, RIGHTS, identities, user_of

Secrets = Mapping[str, str]

_FROM_ELSEWHERE = {"label-gateway": ("ESCOLTA_BAT_PASSWORD",)}
"""Passwords that others have made, where an operator has written them beside ours."""


def settings_of_parts(secret: Secrets, nodes: Sequence[str]) -> dict[str, dict[str, str]]:
    """For each part of ours its settings that are secret, by the names of their variables."""
    owner = {"ESCOLTA_CATALOG_URL": _catalog("escolta", secret["POSTGRES_PASSWORD"])}
    makes_all = {"ESCOLTA_OBJECTS_URL": _objects(OPERATOR, secret)}
    administers = {
        "ESCOLTA_BROKER_ADMIN_URL": f"https://escolta:{secret['RABBITMQ_PASSWORD']}@rabbitmq:15671"
    }
    return {
        **{service: _of_service(service, secret) for service in SERVICES},
        "migrate": owner
        | {"ESCOLTA_CATALOG_PASSWORDS": _passwords("CATALOG", (*SERVICES, "backup"), secret)},
        "accounts": administers
        | {
            "ESCOLTA_BROKER_PASSWORDS": _passwords("BROKER", SERVICES, secret),
            "ESCOLTA_NODE_PASSWORDS": json.dumps({node: password_of_node(node, secret) for node in nodes}),
        },
        "store": makes_all,
        **dict.fromkeys(("forget", "retain"), owner | makes_all),
        "operator": administers
        | {
            # The same account, for `escolta dead`.
            "ESCOLTA_BUS_URL": f"amqps://escolta:{secret['RABBITMQ_PASSWORD']}@rabbitmq:5671/",
            "ESCOLTA_CATALOG_URL": _catalog("escolta_ingest", secret[password_of("CATALOG", "ingest")]),
            "ESCOLTA_OBJECTS_URL": _objects("ingest", secret),
        },
        "backup": {
            "ESCOLTA_CATALOG_URL": _catalog("escolta_backup", secret[password_of("CATALOG", "backup")]),
            "ESCOLTA_OBJECTS_URL": _objects("backup", secret),
        },
        "restore": makes_all,
    }


def settings_of_node(node: str, secret: Secrets, broker: str) -> dict[str, str]:
    """A node has an account at the broker, `host:port`, and no other: what it uploads it is granted."""
    url = f"mqtts://node-{node}:{password_of_node(node, secret)}@{broker}"
    return {"ESCOLTA_NODE_NAME": node, "ESCOLTA_BUS_URL": url}


def files_of_servers(secret: Secrets) -> dict[str, dict[str, str]]:
    """For each part that is not ours the files that it reads, by their names."""
    rabbitmq = {"default_user": "escolta", "default_pass": secret["RABBITMQ_PASSWORD"]}
    return {
        "rabbitmq": {"account.conf": "".join(f"{name} = {value}\n" for name, value in rabbitmq.items())},
        "postgres": {"password": secret["POSTGRES_PASSWORD"]},
        "seaweedfs": {"s3.json": accounts_of_store(secret)},
        "prometheus": {"escolta_metrics_token": secret["ESCOLTA_METRICS_TOKEN"]},
        "grafana": {"grafana_admin_password": secret["GRAFANA_PASSWORD"]},
    }


def accounts_of_store(secret: Secrets) -> str:
    """SeaweedFS's file of identities."""
    return identities({account: secret[password_of("S3", account)] for account in (*RIGHTS, OPERATOR)})


def password_of_node(node: str, secret: Secrets) -> str:
    """Its own at the broker."""
    return secret[password_of("BROKER", f"node-{node}")]


def _of_service(service: str, secret: Secrets) -> dict[str, str]:
    in_catalog, at_broker = (secret[password_of(server, service)] for server in ("CATALOG", "BROKER"))
    return {
        "ESCOLTA_CATALOG_URL": _catalog(f"escolta_{service.replace('-', '_')}", in_catalog),
        "ESCOLTA_BUS_URL": f"amqps://escolta-{service}:{at_broker}@rabbitmq:5671/",
        "ESCOLTA_OBJECTS_URL": _objects(service, secret),
        "ESCOLTA_SECRET": secret["ESCOLTA_SECRET"],
        "ESCOLTA_METRICS_TOKEN": secret["ESCOLTA_METRICS_TOKEN"],
        **{name: secret[name] for name in _FROM_ELSEWHERE.get(service, ()) if name in secret},
    }


def _passwords(server: str, accounts: Sequence[str], secret: Secrets) -> str:
    return json.dumps({account: secret[password_of(server, account)] for account in accounts})


def _catalog(user: str, password: str) -> str:
    return f"postgresql://{user}:{password}@postgres:5432/escolta?sslmode=verify-full"


def _objects(account: str, secret: Secrets) -> str:
    return f"s3://{user_of(account)}:{secret[password_of('S3', account)]}@seaweedfs:8333/escolta?secure=true"
