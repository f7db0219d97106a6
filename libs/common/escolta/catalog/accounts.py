"""The accounts of the services in the catalog, each with exactly the rights of grants.sql.

A password is sent to the server as a SCRAM verifier alone (RFC 5803), so that no log of its has it.
"""

import base64
import hashlib
import hmac
import re
import secrets
from collections.abc import Callable, Mapping
from functools import partial
from importlib.resources import files

import asyncpg

from escolta.catalog.migrating import again_and_again
from escolta.errors import Misconfigured

ROUNDS = 4096
LEAST_PASSWORD = 16
_ROLE = re.compile(r"CREATE ROLE escolta_(\w+)")


def grants() -> str:
    """The statements that give each service its role and its rights; they can be run again."""
    return (files("escolta.catalog") / "grants.sql").read_text("utf-8")


async def grant(
    connection: asyncpg.Connection, passwords: Mapping[str, str], say: Callable[[str], None]
) -> None:
    """Give every service its rights, and let those with a password here sign in with it: by service's name.

    Raises `Misconfigured` for a password that is weak, or of a service that is not known.
    """
    roles = {service: f"escolta_{service}" for service in _ROLE.findall(grants())}
    chosen = {service.replace("-", "_"): password for service, password in passwords.items()}
    for service, password in chosen.items():
        if service not in roles:
            raise Misconfigured(
                f"ESCOLTA_CATALOG_PASSWORDS names {service!r}: the services are {', '.join(sorted(roles))}"
            )
        if len(password) < LEAST_PASSWORD or not password.isascii() or not password.isprintable():
            raise Misconfigured(
                f"ESCOLTA_CATALOG_PASSWORDS: {service}'s is shorter than {LEAST_PASSWORD} characters, or has "
                "one that is not printable ASCII"
            )
    await again_and_again("grants", partial(_all_at_once, connection, grants()), say)
    for service, password in chosen.items():
        alter = f"ALTER ROLE {roles[service]} LOGIN PASSWORD '{verifier(password)}'"
        await again_and_again("passwords", partial(connection.execute, alter), say)
    say(f"accounts with their rights: {', '.join(sorted(roles))}; passwords set: {len(chosen)}")


async def _all_at_once(connection: asyncpg.Connection, sql: str) -> None:
    async with connection.transaction():  # nobody is without rights in between
        await connection.execute(sql)


def verifier(password: str, salt: bytes | None = None) -> str:
    """What PostgreSQL keeps of a password of ASCII characters for SCRAM-SHA-256."""
    salt = salt or secrets.token_bytes(16)
    salted = hashlib.pbkdf2_hmac("sha256", password.encode("ascii"), salt, ROUNDS)
    stored = hashlib.sha256(hmac.digest(salted, b"Client Key", "sha256")).digest()
    server = hmac.digest(salted, b"Server Key", "sha256")
    salt64, stored64, server64 = (base64.b64encode(part).decode() for part in (salt, stored, server))
    return f"SCRAM-SHA-256${ROUNDS}:{salt64}${stored64}:{server64}"
