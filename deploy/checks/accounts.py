"""At each server each part is itself, and nobody holds the account of another."""

import re
from collections.abc import Iterator, Sequence
from typing import Any

from checks.alike import compose_services
from checks.parts import Part, Pod, pods
from given import settings_of_parts
from passwords import SECRETS, SERVICES
from store_accounts import OPERATOR, user_of

OWNERS = ("migrate", "accounts", "store")
"""Steps with the account of whoever owns a server."""
BACKUPS = ("backup", "backup-log", "drill")
CATALOG = {
    **dict.fromkeys(("migrate", "forget", "retain"), "escolta"),
    **{service: f"escolta_{service.replace('-', '_')}" for service in SERVICES},
    "operator": "escolta_ingest",
    "backup": "escolta_backup",
}
BROKER = {**{service: f"escolta-{service}" for service in SERVICES}, "operator": "escolta"}
STORE = {
    **{service: user_of(service) for service in SERVICES},
    **dict.fromkeys(("store", "forget", "retain", "restore"), user_of(OPERATOR)),
    "operator": user_of("ingest"),
    "backup": user_of("backup"),
}
SHARED = {"operator": {"accounts", "ingest"}, "forget": {"migrate", "store"}, "retain": {"migrate", "store"}}
"""Whose accounts the operator's own parts have, which nobody has started unless it is needed."""


def foreign_accounts(parts: Sequence[Part]) -> list[str]:
    """Who signs in as somebody else, by docker-compose.yml or in Kubernetes."""
    wrong = list(_of_the_given())
    for name, part in compose_services().items():
        wrong += _of_compose(name, part)
    for pod in pods(parts):
        wrong += _of_a_pod(pod)
    return wrong


def _of_the_given() -> Iterator[str]:
    """Each folder of secrets holds the accounts of its part."""
    stand_ins = dict.fromkeys(SECRETS, "checked")
    for name, settings in settings_of_parts(stand_ins, []).items():
        for server, setting, users in (
            ("catalog", "ESCOLTA_CATALOG_URL", CATALOG),
            ("broker", "ESCOLTA_BUS_URL", BROKER),
            ("store", "ESCOLTA_OBJECTS_URL", STORE),
        ):
            user = settings.get(setting, "").partition("://")[2].partition(":")[0]
            if user != users.get(name, ""):
                yield f"deploy/given.py: {name} signs in to the {server} as {user or 'nobody'}"


def _of_compose(name: str, part: dict[str, Any]) -> Iterator[str]:
    """Secrets come from the folder of the part alone, and from no variable."""
    volumes = " ".join(map(str, part.get("volumes", [])))
    mounted = set(re.findall(r"ESCOLTA_SECRETS:[^}]*\}/([a-z-]+)", volumes))
    if mounted - {"backup" if name in BACKUPS else name}:
        yield f"docker-compose.yml: {name} is given the secrets of {', '.join(sorted(mounted - {name}))}"
    for variable, value in (part.get("environment") or {}).items():
        if re.search("://.*@", str(value)) or re.search("PASSWORD$|SECRET$|TOKEN$", variable):
            yield f"docker-compose.yml: {variable} of {name} is a secret in a variable"


def _of_a_pod(pod: Pod) -> Iterator[str]:
    name = pod.labels.get("app.kubernetes.io/name", "")
    secrets = set(re.findall(r"'name': 'escolta-([a-z-]+?)-[a-z0-9]{10}'", str(pod.spec)))
    own = SHARED.get(name, {name})
    if foreign := (secrets & {*SERVICES, *OWNERS}) - own:
        yield f"{pod.owner} has the accounts of {', '.join(sorted(foreign))}"
    if name in (*SERVICES, *OWNERS) and not secrets & own:
        yield f"{pod.owner} has no account of its own"
