"""A broker's address out of a URL, its password kept out of every message."""

import hashlib
import ssl
from dataclasses import dataclass, field
from urllib.parse import unquote

from escolta.errors import Misconfigured
from escolta.url import split_url

SHAPE = "amqp://user:password@host:port/vhost"


@dataclass(frozen=True)
class Address:
    """Where a broker listens and who we are there; `str` and `repr` show no password."""

    host: str
    port: int
    user: str
    password: str = field(repr=False)
    vhost: str
    tls: bool

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"

    def tls_context(self) -> ssl.SSLContext | None:
        """Checks the broker's certificate against the system's; SSL_CERT_FILE names one's own authority."""
        return ssl.create_default_context() if self.tls else None


def address_of(url: str, *, port: int, tls_port: int) -> Address:
    """Read `scheme://user:password@host:port/vhost`; a scheme that ends in `s` means TLS.

    User, password and vhost are percent-decoded; the vhost is `/` where none is named.
    Raises `Misconfigured`, which does not repeat the URL: it may hold a password.
    """
    parts = split_url(url, "ESCOLTA_BUS_URL", SHAPE)
    if not parts.hostname or "," in parts.hostname:
        raise Misconfigured(f"ESCOLTA_BUS_URL names no host, or several: write {SHAPE}")
    tls = parts.scheme.endswith("s")
    return Address(
        host=parts.hostname,
        port=parts.port or (tls_port if tls else port),
        user=unquote(parts.username or ""),
        password=unquote(parts.password or ""),
        vhost=unquote(parts.path[1:]) or "/",
        tls=tls,
    )


def client_id_of(name: str, password: str) -> str:
    """The MQTT client id of `name`: a broker throws out whoever has it when somebody else connects with it.

    So nobody can know it who does not know the password.
    """
    return f"{name}-{hashlib.sha256(password.encode()).hexdigest()[:16]}"
