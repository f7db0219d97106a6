"""Who may do what in the object store as it is deployed: each account against each prefix, in SeaweedFS."""

import io
from collections.abc import AsyncIterator, Callable
from functools import partial
from pathlib import Path

import pytest
import urllib3
from minio import Minio
from minio.commonconfig import CopySource
from minio.deleteobjects import DeleteObject
from minio.error import S3Error
from minio.versioningconfig import SUSPENDED, VersioningConfig

from escolta import cli
from escolta.errors import Misconfigured, Rejected
from escolta.objects.port import Grant
from servers.deployed import HOST, certificates
from servers.deployed_store import ACCOUNTS, SECRETS, DeployedStore, deployed_store

BUCKET = "escolta"
SERVICES = ("ingest", "embedder", "al-engine", "label-gateway")
PREFIXES = ("audio/quay-1/", "audio", "exports/", "audiobook/")
READS = {
    **{service: {"audio/quay-1/"} for service in SERVICES},
    "backup": set(PREFIXES),
    "operator": set(PREFIXES),
}
WRITES = {
    "ingest": {"audio/quay-1/"},
    **dict.fromkeys(("embedder", "al-engine", "label-gateway", "backup"), frozenset[str]()),
    "operator": set(PREFIXES),
}
"""Literally what docs/deploy.md says: the oracle of this file."""
OPEN = (
    '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"s3:*","Resource":"*"}]}'
)


@pytest.fixture(scope="module")
async def store(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[DeployedStore]:
    folder = tmp_path_factory.mktemp("store")
    async with deployed_store(folder / "seaweedfs", certificates(folder / "tls")) as store:
        with pytest.MonkeyPatch.context() as patched:
            patched.setenv("SSL_CERT_FILE", str(store.authority))
            await store.objects("operator").make_bucket()
            for prefix in PREFIXES:
                client_of(store, "operator").put_object(BUCKET, f"{prefix}there", io.BytesIO(b"sound"), 5)
            yield store


def client_of(store: DeployedStore, account: str) -> Minio:
    """A client beside ours."""
    return Minio(
        f"{HOST}:{store.port}",
        access_key=ACCOUNTS["user_of"](account),
        secret_key=SECRETS[account],
        http_client=urllib3.PoolManager(timeout=120, retries=2, ca_certs=str(store.authority)),
    )


def may(attempt: Callable[[], object]) -> bool:
    """Whether the store lets it happen."""
    try:
        attempt()
    except S3Error as error:
        if error.code != "AccessDenied":
            raise
        return False
    return True


def where(attempt: Callable[[str], object]) -> set[str]:
    """The prefixes below which the store lets it happen."""
    return {prefix for prefix in PREFIXES if may(partial(attempt, prefix))}


def put(client: Minio, key: str, body: bytes = b"sound") -> object:
    return client.put_object(BUCKET, key, io.BytesIO(body), len(body))


@pytest.mark.parametrize("account", READS)
async def test_an_account_reads_what_it_needs_and_nothing_else(store: DeployedStore, account: str):
    client = client_of(store, account)
    read = where(lambda p: client.get_object(BUCKET, f"{p}there").close())
    seen = where(lambda p: client.stat_object(BUCKET, f"{p}there"))
    assert read == seen == READS[account]


@pytest.mark.parametrize("account", WRITES)
async def test_an_account_writes_what_it_needs_and_nothing_else(store: DeployedStore, account: str):
    client = client_of(store, account)
    written = where(lambda p: put(client, f"{p}by-{account}"))
    begun = where(lambda p: client._create_multipart_upload(BUCKET, f"{p}m", {}))
    source = CopySource(BUCKET, "audio/quay-1/there")
    copied = where(lambda p: client.copy_object(BUCKET, f"{p}c-{account}", source))
    assert written == begun == copied == WRITES[account]


async def test_nobody_copies_what_they_may_not_read(store: DeployedStore):
    client, source = client_of(store, "ingest"), CopySource(BUCKET, "exports/there")
    assert not may(lambda: client.copy_object(BUCKET, "audio/quay-1/stolen", source))


@pytest.mark.parametrize("account", [*SERVICES, "backup"])
async def test_no_service_deletes_or_administers(store: DeployedStore, account: str):
    client, key = client_of(store, account), "audio/quay-1/there"
    assert not may(lambda: client.remove_object(BUCKET, key))
    [error] = client.remove_objects(BUCKET, [DeleteObject(key)])
    assert error.code == "AccessDenied"
    assert not may(lambda: client.remove_bucket(BUCKET))
    assert not may(lambda: client.make_bucket(f"of-{account}"))
    assert not may(lambda: client.set_bucket_policy(BUCKET, OPEN))
    assert not may(lambda: client.set_bucket_versioning(BUCKET, VersioningConfig(SUSPENDED)))
    assert client_of(store, "operator").stat_object(BUCKET, key).size == 5


async def test_what_is_written_over_is_still_there_and_no_service_removes_it(store: DeployedStore):
    key, ingest, operator = (
        "audio/quay-1/kept",
        client_of(store, "ingest"),
        client_of(store, "operator"),
    )
    first = ingest.put_object(BUCKET, key, io.BytesIO(b"first"), 5).version_id
    put(ingest, key, b"second")
    assert not may(lambda: ingest.remove_object(BUCKET, key, version_id=first))
    operator.remove_object(BUCKET, key)
    assert operator.get_object(BUCKET, key, version_id=first).data == b"first"


async def test_our_own_client_writes_once_and_grants_to_a_node(store: DeployedStore, tmp_path: Path):
    objects = store.objects("ingest")
    await objects.put("audio/quay-1/ours", b"sound", "note")
    await objects.put("audio/quay-1/ours", b"sound", "note")
    with pytest.raises(Rejected, match="never changed"):
        await objects.put("audio/quay-1/ours", b"other")
    assert await store.objects("embedder").get("audio/quay-1/ours") == b"sound"
    grant = await objects.grant("audio/quay-1/granted", 5, "0" * 64, "")
    assert isinstance(grant, Grant)
    assert grant.url.startswith(f"https://{HOST}:{store.port}/{BUCKET}/audio/quay-1/granted?")
    with pytest.raises(Misconfigured, match="refuses the credentials"):
        await store.objects("label-gateway").put("audio/quay-1/theirs", b"sound")
    with pytest.raises(Misconfigured, match="refuses the credentials"):
        await objects.delete("audio/quay-1/ours")


async def test_making_the_bucket_again_changes_nothing(store: DeployedStore):
    await store.objects("operator").make_bucket()
    assert client_of(store, "operator").stat_object(BUCKET, "audio/quay-1/there").size == 5


async def test_the_store_is_not_trusted_without_its_authority(
    store: DeployedStore, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.delenv("SSL_CERT_FILE")
    with pytest.raises(Misconfigured, match="no trusted TLS connection"):
        await store.objects("ingest").get("audio/quay-1/there")


def test_a_folder_needs_no_bucket(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.setenv("ESCOLTA_OBJECTS_URL", f"file://{tmp_path}")
    with pytest.raises(Misconfigured, match="names no S3 store"):
        cli.store()
