"""Until when the certificates are good that servers show, as each process tells it."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from pydantic import SecretStr

from escolta.metrics.certificates import Certificates, addresses_of
from escolta.settings import Settings
from escolta.tls.issuing import CERTIFICATE_HOLDS, issue, new_authority
from servers.deployed import HOST, certificates
from servers.deployed_postgres import INSIDE, deployed_postgres
from servers.deployed_store import deployed_store

NOW = datetime.now(UTC)


def chosen(**settings: str) -> Settings:
    return Settings(secret=SecretStr("of this test alone"), **settings)  # type: ignore[arg-type]  # pydantic checks


async def told(settings: Settings) -> dict[str, float]:
    """What is told of each server."""
    watched = Certificates(settings)
    await watched.read()
    [family] = watched.collect()
    return {sample.labels["server"]: sample.value for sample in family.samples}


@asynccontextmanager
async def showing(folder: Path, made_at: datetime) -> AsyncIterator[str]:
    """`host:port` of a server whose certificate was made then; `ca.crt` of the folder is its authority."""
    authority = new_authority(made_at)
    made = issue(authority, "server", ["localhost"], made_at, also_client=False)
    for name, pem in {
        "ca.crt": authority.certificate_pem(),
        "tls.crt": made.certificate_pem(),
        "tls.key": made.key_pem(),
    }.items():
        (folder / name).write_bytes(pem)
    shown = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    shown.load_cert_chain(folder / "tls.crt", folder / "tls.key")

    async def end(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()

    async with await asyncio.start_server(end, HOST, 0, ssl=shown) as server:
        yield f"{HOST}:{server.sockets[0].getsockname()[1]}"


async def test_a_certificate_is_told_by_the_day_on_which_it_ends(tmp_path, monkeypatch):
    async with showing(tmp_path, NOW) as address:
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.crt"))
        ends = await told(chosen(bus_url=f"mqtts://node-quay-1:sesame@{address}"))
    assert ends[address] == pytest.approx((NOW + CERTIFICATE_HOLDS).timestamp(), abs=1)
    assert ends["authority"] == pytest.approx((NOW + timedelta(days=3650)).timestamp(), abs=1)


async def test_one_that_has_ended_is_told_as_well(tmp_path, monkeypatch):
    async with showing(tmp_path, NOW - CERTIFICATE_HOLDS - timedelta(days=1)) as address:
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.crt"))
        assert (await told(chosen(watched_certificates=f" {address} ,")))[address] == 0


async def test_of_a_server_that_is_away_or_a_strangers_nothing_is_told(tmp_path, monkeypatch):
    monkeypatch.delenv("SSL_CERT_FILE", raising=False)
    async with showing(tmp_path, NOW) as address:
        assert await told(chosen(watched_certificates=address)) == {}
    assert await told(chosen(watched_certificates=address)) == {}


async def test_where_nothing_is_reached_over_tls_nothing_is_told(monkeypatch, tmp_path):
    certificates(tmp_path / "tls")
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "tls/ca.crt"))
    assert await told(chosen()) == {}


async def test_the_servers_as_they_are_deployed_show_theirs(tmp_path, monkeypatch):
    authority = certificates(tmp_path / "tls")
    monkeypatch.setenv("SSL_CERT_FILE", str(authority))
    async with deployed_postgres(authority) as postgres, deployed_store(tmp_path / "s", authority) as store:
        ends = await told(chosen(catalog_url=postgres.url, objects_url=store.url_of("ingest")))
        assert set(ends) == {f"{INSIDE}:{postgres.port}", f"{HOST}:{store.port}", "authority"}
        assert all(end > NOW.timestamp() for end in ends.values())


@pytest.mark.parametrize(
    ("setting", "url", "addresses"),
    [
        ("bus_url", "amqps://escolta-ingest:sesame@rabbitmq:5671/", ["rabbitmq:5671"]),
        ("bus_url", "amqps://user:sesame@one,two:5673/", ["one:5671", "two:5673"]),
        ("bus_url", "amqp://user:sesame@rabbitmq:5672/", []),
        ("catalog_url", "postgresql://user:sesame@postgres/escolta?sslmode=verify-full", ["postgres:5432"]),
        ("catalog_url", "postgresql://user:sesame@postgres:5432/escolta", []),
        ("objects_url", "s3://user:sesame@s3.example.org/escolta?secure=true", ["s3.example.org:443"]),
        ("cold_objects_url", "s3://user:sesame@[::1]:8333/escolta?secure=true", ["[::1]:8333"]),
        ("objects_url", "s3://user:sesame@seaweedfs:8333/escolta", []),
        ("objects_url", "s3://user:ses/ame@seaweedfs:8333/escolta?secure=true", []),
    ],
)
def test_whoever_is_reached_over_tls_is_asked(setting: str, url: str, addresses: list[str]):
    assert list(addresses_of(chosen(**{setting: url}))) == addresses
