"""When the certificates end by which this process knows the servers it speaks with.

Asked of the servers themselves: a certificate that was renewed as a file and not yet shown helps nobody.
"""

import asyncio
import os
import re
import ssl
import struct
from collections.abc import Iterator, Mapping
from contextlib import closing
from urllib.parse import SplitResult, parse_qs

from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from escolta.metrics.figures import Figure
from escolta.settings import Settings
from escolta.url import parts_of

PERIOD_S = 3600.0
ANSWERS_WITHIN_S = 10.0
EXPIRED = 10
"""OpenSSL's X509_V_ERR_CERT_HAS_EXPIRED."""
ASK_FOR_TLS = struct.pack("!ii", 8, 80877103)
"""PostgreSQL's SSLRequest: TLS begins once the server has answered with an S."""
USUAL_PORTS = {"amqps": 5671, "mqtts": 8883, "postgresql": 5432, "s3": 443, "https": 443}
ENDS = Figure(
    "escolta_certificate_expires_timestamp_seconds",
    "When the certificate ends that a server shows (host:port), or the authority that is trusted; 0: it has",
    ("server",),
)


class Certificates(Collector):
    """What was read last; a server that does not answer has no sample."""

    def __init__(self, settings: Settings) -> None:
        self._addresses = addresses_of(settings)
        self._ends: Mapping[tuple[str, ...], float] = {}

    async def read(self) -> None:
        """Ask every server once. Where nothing is reached over TLS there is nothing to look at."""
        if not self._addresses:
            return
        trust = ssl.create_default_context()
        trust.check_hostname = False  # whoever uses it checks its name: here its end alone is looked at
        ends = await asyncio.gather(
            *(_end(server, scheme, trust) for server, scheme in self._addresses.items())
        )
        found: dict[tuple[str, ...], float] = {
            (server,): end for server, end in zip(self._addresses, ends, strict=True) if end is not None
        }
        if "SSL_CERT_FILE" in os.environ and (authorities := trust.get_ca_certs()):
            found["authority",] = min(map(_seconds, authorities))
        self._ends = found

    def describe(self) -> Iterator[Metric]:
        return iter([ENDS.family({})])

    def collect(self) -> Iterator[Metric]:
        yield ENDS.family(self._ends)


def addresses_of(settings: Settings) -> dict[str, str]:
    """`host:port` of every server that a process with these settings reaches over TLS, with the scheme."""
    watched = filter(None, map(str.strip, settings.watched_certificates.split(",")))
    urls = (
        *(settings.bus_url, settings.catalog_url, settings.objects_url, settings.cold_objects_url),
        *(f"https://{address}" for address in watched),
    )
    found = filter(None, map(parts_of, urls))  # of what is none, its user says so
    return {server: url.scheme for url in found if _over_tls(url) for server in _servers(url)}


def _over_tls(url: SplitResult) -> bool:
    query = parse_qs(url.query)
    return (
        url.scheme in ("amqps", "mqtts", "https")
        or (url.scheme == "s3" and query.get("secure") == ["true"])
        or (url.scheme == "postgresql" and query.get("sslmode") in (["verify-full"], ["verify-ca"]))
    )


def _servers(url: SplitResult) -> list[str]:
    hosts = url.netloc.rpartition("@")[2].split(",")
    usual = USUAL_PORTS[url.scheme]
    return [host if re.search(r":\d+$", host) else f"{host.removesuffix(':')}:{usual}" for host in hosts]


async def _end(server: str, scheme: str, trust: ssl.SSLContext) -> float | None:
    """When the certificate ends that `server` shows; None where it shows none that is trusted."""
    host, _, port = server.rpartition(":")
    host = host.strip("[]")
    try:
        async with asyncio.timeout(ANSWERS_WITHIN_S):
            reader, writer = await asyncio.open_connection(host, int(port))
            with closing(writer):
                if scheme == "postgresql":
                    writer.write(ASK_FOR_TLS)
                    await reader.readexactly(1)
                await writer.start_tls(trust, server_hostname=host)
                return _seconds(writer.get_extra_info("peercert"))
    except ssl.SSLCertVerificationError as error:
        return 0.0 if error.verify_code == EXPIRED else None
    except (OSError, EOFError):  # it is away, and whoever needs it says so
        return None


def _seconds(certificate: Mapping) -> float:
    return float(ssl.cert_time_to_seconds(certificate["notAfter"]))
