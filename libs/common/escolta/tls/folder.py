"""The folder that `escolta tls` keeps: the authority, and for each server a folder that it alone is given.

ca.crt, ca.key              whoever trusts the first trusts what the second signs
rabbitmq/tls.crt, tls.key   and so for each server; ca.crt again, so that a folder is all a server needs
seaweedfs/inner.crt, .key   by which the parts of the store know one another
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

from cryptography.exceptions import InvalidSignature

from escolta.disk import write_whole
from escolta.errors import Misconfigured
from escolta.tls.issuing import Issued, hosts_of, issue, new_authority, read

NAMESPACE = "escolta"
SERVERS = ("rabbitmq", "postgres", "seaweedfs", "entrance")
FROM_OUTSIDE = ("rabbitmq", "seaweedfs", "entrance")
"""Those that nodes and people reach, by the hosts that the operator names."""
INNER = "seaweedfs-inner"
RENEWED_BEFORE = timedelta(days=60)
_HOST = re.compile(r"(\*\.)?[a-z0-9]([a-z0-9-]{0,62})(\.[a-z0-9][a-z0-9-]{0,62})*")


@dataclass(frozen=True)
class Certificate:
    """One in the folder. `fresh`: it was made just now, and its server is to be started again."""

    path: Path
    until: datetime
    fresh: bool


def make_certificates(folder: Path, hosts: Sequence[str], now: datetime) -> list[Certificate]:
    """Make what is missing, runs out within `RENEWED_BEFORE`, or is for other hosts than `hosts`.

    Raises `Misconfigured` where a host is none, or the authority is somebody else's or about to end.
    """
    for host in hosts:
        _check_host(host)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    authority = _authority(folder, now)
    made = []
    for server in SERVERS:
        names = _names(server) + list(hosts if server in FROM_OUTSIDE else ())
        made.append(_kept_or_made(folder / server / "tls", server, authority, names, now))
        _publish(folder / server / "ca.crt", authority.certificate_pem())
    inner = folder / "seaweedfs" / "inner"
    return [*made, _kept_or_made(inner, INNER, authority, [INNER], now, also_client=True)]


def _names(server: str) -> list[str]:
    """Those by which the other parts of a deployment call it."""
    return [server, f"{server}.{NAMESPACE}", f"{server}.{NAMESPACE}.svc", "localhost", "127.0.0.1"]


def _check_host(host: str) -> None:
    try:
        ip_address(host)
    except ValueError:
        if not _HOST.fullmatch(host) or len(host) > 253:
            raise Misconfigured(
                f"--host {host!r} is no host name or IP address: name it without a port"
            ) from None


def _authority(folder: Path, now: datetime) -> Issued:
    certificate, key = folder / "ca.crt", folder / "ca.key"
    if not certificate.exists() and not key.exists():
        made = new_authority(now)
        write_whole(key, made.key_pem())
        _publish(certificate, made.certificate_pem())
        return made
    try:
        authority = read(certificate.read_bytes(), key.read_bytes())
    except (OSError, ValueError) as error:
        raise Misconfigured(
            f"{folder} has certificates of another authority, or only a part of ours ({error}): "
            "renew those where they come from, or name another folder with --out"
        ) from None
    if authority.certificate.not_valid_after_utc - now < RENEWED_BEFORE:
        raise Misconfigured(
            f"the authority {certificate} ends on {authority.certificate.not_valid_after_utc:%Y-%m-%d}: "
            f"remove {folder}, make it anew, and give its ca.crt to every node and browser"
        )
    return authority


def _kept_or_made(
    path: Path, name: str, authority: Issued, hosts: list[str], now: datetime, *, also_client: bool = False
) -> Certificate:
    """`path` without its suffix."""
    path.parent.mkdir(mode=0o700, exist_ok=True)
    certificate, key = path.with_suffix(".crt"), path.with_suffix(".key")
    usable = _usable(certificate, key, authority, hosts, now)
    issued = usable or issue(authority, name, list(dict.fromkeys(hosts)), now, also_client=also_client)
    if usable is None:
        write_whole(key, issued.key_pem())
        _publish(certificate, issued.certificate_pem())
    return Certificate(certificate, issued.certificate.not_valid_after_utc, fresh=usable is None)


def _usable(
    certificate: Path, key: Path, authority: Issued, hosts: list[str], now: datetime
) -> Issued | None:
    try:
        issued = read(certificate.read_bytes(), key.read_bytes())
        issued.certificate.verify_directly_issued_by(authority.certificate)
    except (OSError, ValueError, TypeError, InvalidSignature):
        return None
    lasts = issued.certificate.not_valid_after_utc - now > RENEWED_BEFORE
    return issued if lasts and set(hosts_of(issued.certificate)) == set(hosts) else None


def _publish(path: Path, pem: bytes) -> None:
    write_whole(path, pem)
    path.chmod(0o644)
