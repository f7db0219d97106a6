"""What a stranger without a credential finds at the servers as they are deployed: three doors, all locked."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import aio_pika
import aiomqtt
import asyncpg
import httpx
import pytest
from aiormq.exceptions import AMQPConnectionError

from escolta.tls.issuing import issue, read
from servers.deployed import HOST, certificates
from servers.deployed_broker import DeployedBroker, deployed_broker
from servers.deployed_postgres import INSIDE, DeployedPostgres, deployed_postgres
from servers.deployed_store import DeployedStore, deployed_store
from servers.listening import beyond_loopback, listening
from servers.plain import NO_TLS

pytestmark = pytest.mark.skipif(not Path("/proc/net/tcp").exists(), reason="the kernel tells who listens")

KEY = "audio/quay-1/there"


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = certificates(tmp_path_factory.mktemp("tls"))
    ours = read(path.read_bytes(), path.with_suffix(".key").read_bytes())
    client = issue(ours, "somebody", ["somebody"], datetime.now(UTC), also_client=True)
    (path.parent / "somebody.crt").write_bytes(client.certificate_pem())
    (path.parent / "somebody.key").write_bytes(client.key_pem())
    return path


@pytest.fixture
def trusted(authority: Path) -> ssl.SSLContext:
    """What a stranger trusts, too: the authority's certificate is no secret.

    Each client has its own: httpx writes into it that it speaks HTTP, which PostgreSQL hears since 17.
    """
    return ssl.create_default_context(cafile=authority)


@pytest.fixture(scope="module")
async def store(servers_folder: Path, authority: Path) -> AsyncIterator[DeployedStore]:
    async with deployed_store(servers_folder / "closed-seaweedfs", authority) as store:
        with pytest.MonkeyPatch.context() as patched:
            patched.setenv("SSL_CERT_FILE", str(authority))
            await store.objects("operator").make_bucket()
            await store.objects("ingest").put(KEY, b"sound")
            yield store


@pytest.fixture(scope="module")
async def broker(servers_folder: Path, authority: Path) -> AsyncIterator[DeployedBroker]:
    async with deployed_broker(servers_folder / "closed-rabbitmq", authority) as broker:
        yield broker


@pytest.fixture(scope="module")
async def postgres(authority: Path) -> AsyncIterator[DeployedPostgres]:
    async with deployed_postgres(authority) as postgres:
        yield postgres


def test_of_the_store_s3_and_its_neighbor_alone_are_open(store: DeployedStore):
    assert beyond_loopback(store.process.session) == {store.port, store.grpc_port}
    assert (
        len(listening(store.process.session)) > 6
    )  # master, volume and filer are there, each with two ports


def test_of_the_broker_the_three_doors_of_accounts_are_open(broker: DeployedBroker):
    ports = {broker.amqp_port, broker.mqtt_port, broker.management_port}
    assert beyond_loopback(broker.session) == ports
    assert listening(broker.session) - {(HOST, port) for port in ports}  # Erlang's, for itself


def test_of_the_catalog_one_door_is_open(postgres: DeployedPostgres):
    assert beyond_loopback(postgres.process.session) == {postgres.port}


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "POST", "DELETE"])
@pytest.mark.parametrize(
    "path", ["/", "/escolta", f"/escolta/{KEY}", "/escolta?policy", "/escolta?versions", "/?Action=ListUsers"]
)
async def test_the_store_does_nothing_for_a_stranger(
    store: DeployedStore, trusted: ssl.SSLContext, method: str, path: str
):
    async with httpx.AsyncClient(
        base_url=store.https_url, trust_env=False, timeout=120, verify=trusted
    ) as stranger:
        answer = await stranger.request(method, path, content=b"x" if method in ("PUT", "POST") else None)
    assert answer.status_code in (403, 405), answer.text
    assert await store.objects("ingest").get(KEY) == b"sound"


async def test_the_store_speaks_no_plain_http(store: DeployedStore):
    async with httpx.AsyncClient(trust_env=False, timeout=120, verify=NO_TLS) as stranger:
        answer = await stranger.get(f"http://{HOST}:{store.port}/escolta/{KEY}")
    assert (answer.status_code, answer.text) == (400, "Client sent an HTTP request to an HTTPS server.\n")


@pytest.mark.parametrize("certificate", ["", "rabbitmq/tls", "seaweedfs/tls", "somebody"])
async def test_the_door_beside_s3_wants_a_certificate_that_only_the_store_has(
    store: DeployedStore, authority: Path, certificate: str
):
    """Over it an anonymous call would make an administrator, and delete objects."""
    assert not await _let_in(store.grpc_port, authority, certificate)
    assert await _let_in(store.grpc_port, authority, "seaweedfs/inner")


async def _let_in(port: int, authority: Path, certificate: str) -> bool:
    """Whether a server says its first words of HTTP/2 to whoever shows this certificate."""
    ours = ssl.create_default_context(cafile=authority)
    ours.check_hostname = False
    ours.set_alpn_protocols(["h2"])
    if certificate:
        path = authority.parent / certificate
        ours.load_cert_chain(path.with_suffix(".crt"), path.with_suffix(".key"))
    try:
        reader, writer = await asyncio.open_connection(HOST, port, ssl=ours)
        writer.write(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes([0, 0, 0, 4, 0, 0, 0, 0, 0]))
        greeted = bool(await reader.read(9))
        writer.transport.abort()
    except (ssl.SSLError, ConnectionError):
        return False
    return greeted


async def test_plain_grpc_is_not_spoken(store: DeployedStore):
    reader, writer = await asyncio.open_connection(HOST, store.grpc_port)
    writer.write(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes([0, 0, 0, 4, 0, 0, 0, 0, 0]))
    words = await reader.read(1000)
    writer.transport.abort()
    assert len(words) < 9 or words[3] != 4  # no SETTINGS, with which every server of HTTP/2 begins


@pytest.mark.parametrize("login", ["", "guest:guest@", "escolta:escolta@", "escolta-ingest:@"])
async def test_the_broker_knows_no_stranger_by_amqp(
    broker: DeployedBroker, trusted: ssl.SSLContext, login: str
):
    url = f"amqps://{login}{HOST}:{broker.amqp_port}/"
    with pytest.raises(AMQPConnectionError, match=r"ACCESS_REFUSED|refused|Refused|AUTH"):
        await aio_pika.connect(url, ssl_context=trusted)


@pytest.mark.parametrize(("user", "password"), [(None, None), ("guest", "guest"), ("node-quay-1", "")])
async def test_the_broker_knows_no_stranger_by_mqtt(
    broker: DeployedBroker, trusted: ssl.SSLContext, user: str | None, password: str | None
):
    stranger = aiomqtt.Client(
        HOST, broker.mqtt_port, username=user, password=password, tls_context=trusted, timeout=120
    )
    with pytest.raises(aiomqtt.MqttError):
        async with stranger:
            raise AssertionError("let in")


@pytest.mark.parametrize("path", ["overview", "users", "queues", "definitions", "health/checks/alarms"])
async def test_the_brokers_administration_answers_nobody(
    broker: DeployedBroker, trusted: ssl.SSLContext, path: str
):
    async with httpx.AsyncClient(trust_env=False, timeout=120, verify=trusted) as stranger:
        url = f"https://{HOST}:{broker.management_port}/api/{path}"
        assert (await stranger.get(url)).status_code == 401
        assert (await stranger.get(url, auth=("guest", "guest"))).status_code == 401


@pytest.mark.parametrize("port", ["amqp_port", "mqtt_port", "management_port"])
async def test_the_broker_speaks_nothing_without_tls(broker: DeployedBroker, port: str):
    reader, writer = await asyncio.open_connection(HOST, getattr(broker, port))
    writer.write(b"AMQP\0\0\x09\x01GET / HTTP/1.0\r\n\r\n")
    try:
        words = await reader.read(1000)
    except ConnectionError:
        words = b""
    writer.transport.abort()
    assert b"AMQP" not in words
    assert b"RabbitMQ" not in words
    assert b"200" not in words


async def test_the_catalog_speaks_nothing_without_tls(postgres: DeployedPostgres):
    where = {"host": HOST, "port": postgres.port, "user": "escolta", "database": "escolta"}
    with pytest.raises(asyncpg.InvalidAuthorizationSpecificationError, match="no encryption"):
        await asyncpg.connect(**where, password=postgres.password, ssl=False)


@pytest.mark.parametrize("user", ["escolta", "postgres", "escolta_ingest"])
@pytest.mark.parametrize("database", ["escolta", "postgres", "template1"])
async def test_the_catalog_knows_nobody_without_a_password(
    postgres: DeployedPostgres, trusted: ssl.SSLContext, user: str, database: str
):
    for password in ("", "escolta", "postgres"):
        with pytest.raises(asyncpg.InvalidPasswordError):
            await asyncpg.connect(
                host=INSIDE, port=postgres.port, user=user, password=password, database=database, ssl=trusted
            )
