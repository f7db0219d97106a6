"""Passwords and tokens: each made once, and kept in one file for its owner alone."""

import os
import secrets
from collections.abc import Iterable, Mapping
from pathlib import Path

from store_accounts import OPERATOR, RIGHTS

SERVICES = ("ingest", "embedder", "al-engine", "label-gateway")
FILE = "passwords.env"


def password_of(server: str, account: str) -> str:
    """The name of an account's password: server is CATALOG, BROKER or S3."""
    return f"{server}_PASSWORD_{account.replace('-', '_').upper()}"


SECRETS = (
    *(
        "RABBITMQ_PASSWORD",
        "POSTGRES_PASSWORD",
        "GRAFANA_PASSWORD",
        "ESCOLTA_SECRET",
        "ESCOLTA_METRICS_TOKEN",
    ),
    *(password_of(server, service) for server in ("CATALOG", "BROKER") for service in SERVICES),
    password_of("CATALOG", "backup"),
    *(password_of("S3", account) for account in (*RIGHTS, OPERATOR)),
)
"""Those of every deployment; each node has one besides."""


def kept(file: Path, nodes: Iterable[str]) -> dict[str, str]:
    """The secrets in a file, which gets those that it lacks. What is there already stays as it is."""
    values = read_lines(file)
    wanted = (*SECRETS, *(password_of("BROKER", f"node-{node}") for node in nodes))
    # Hexadecimal, because passwords stand inside URLs.
    fresh = {name: secrets.token_hex(24) for name in wanted if name not in values}
    if fresh:
        write_lines(file, values | fresh)
        print(f"{file}: {len(fresh)} fresh secrets")
    return values | fresh


def read_lines(file: Path) -> dict[str, str]:
    """The lines `NAME=value` of a file; none where it is absent."""
    lines = file.read_text("utf-8").splitlines() if file.exists() else []
    pairs = (line.partition("=") for line in lines if "=" in line and not line.startswith("#"))
    return {name: value for name, _, value in pairs}


def write_lines(file: Path, values: Mapping[str, str]) -> None:
    """The same file again."""
    write(file, "".join(f"{name}={value}\n" for name, value in values.items()))


def write(file: Path, text: str, mode: int = 0o600) -> None:
    """Whole or not at all, and for its owner alone unless `mode` says otherwise."""
    new = file.with_name(file.name + ".new")
    new.unlink(missing_ok=True)
    with os.fdopen(
        os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8"
    ) as opened:
        opened.write(text)
    new.chmod(mode)
    new.replace(file)
