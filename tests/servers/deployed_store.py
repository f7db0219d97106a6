"""SeaweedFS as it is deployed."""

import runpy
import signal
import ssl
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from escolta.objects import open_objects
from escolta.objects.s3 import S3Objects
from servers.deployed import HOST, ROOT, TLS, at, command_of, given
from servers.process import ServerProcess, free_ports
from servers.seaweed import remove_sockets

ACCOUNTS = runpy.run_path(str(ROOT / "deploy/store_accounts.py"))
SECRETS = {name: f"the-secret-of-{name}" for name in (*ACCOUNTS["RIGHTS"], ACCOUNTS["OPERATOR"])}


@dataclass(frozen=True)
class DeployedStore:
    """SeaweedFS: its S3 port and the gRPC port beside it, and whoever may sign in."""

    port: int
    grpc_port: int
    process: ServerProcess
    authority: Path

    def url_of(self, account: str, bucket: str = ACCOUNTS["BUCKET"]) -> str:
        """As `ESCOLTA_OBJECTS_URL` has it."""
        user = ACCOUNTS["user_of"](account)
        return f"s3://{user}:{SECRETS[account]}@{HOST}:{self.port}/{bucket}?secure=true"

    def objects(self, account: str) -> S3Objects:
        """Our own client, signed in as this account; SSL_CERT_FILE names the authority."""
        objects = open_objects(self.url_of(account))
        assert isinstance(objects, S3Objects)
        return objects

    @property
    def https_url(self) -> str:
        """For any client."""
        return f"https://{HOST}:{self.port}"


def _prepared(folder: Path, authority: Path) -> Path:
    """The store's files in its folder; returns where its certificates are."""
    tls = authority.parent / "seaweedfs"
    folder.mkdir(parents=True)
    (folder / "security.toml").write_text(given("security.toml").replace(TLS, str(tls)), "utf-8")
    (folder / "s3.json").write_text(ACCOUNTS["identities"](SECRETS), "utf-8")
    return tls


@asynccontextmanager
async def deployed_store(folder: Path, authority: Path) -> AsyncIterator[DeployedStore]:
    """SeaweedFS with docker-compose.yml's command, security.toml and the accounts; still without a bucket."""
    tls = _prepared(folder, authority)
    parts = [f"{part}.port{kind}" for part in ("s3", "filer", "master", "volume") for kind in ("", ".grpc")]
    ports = dict(zip(parts, free_ports(len(parts)), strict=True))
    weed = ServerProcess(
        [
            str(Path(sys.executable).with_name("weed")),
            f"-logdir={folder}",
            *at(
                command_of("seaweedfs"),
                {
                    "-dir=/data": f"-dir={folder}",
                    "-s3.ip.bind=0.0.0.0": f"-s3.ip.bind={HOST}",
                    "/etc/escolta/s3.json": f"{folder}/s3.json",
                    TLS: str(tls),
                    "-master.volumeSizeLimitMB=1024": "-master.volumeSizeLimitMB=64",
                },
            ),
            *(f"-{name}={port}" for name, port in ports.items()),
            *(f"-{part}.localSocket={folder}/{part}.sock" for part in ("s3", "filer")),
        ],
        folder=folder,
        environment={},
        stop_signal=signal.SIGINT,
    )
    store = DeployedStore(ports["s3.port"], ports["s3.port.grpc"], weed, authority)

    trusted = ssl.create_default_context(cafile=authority)

    async def ready() -> bool:
        try:
            async with httpx.AsyncClient(trust_env=False, verify=trusted) as client:
                return (await client.get(f"https://{HOST}:{store.port}")).status_code == 403
        except httpx.TransportError:
            return False

    try:
        await weed.until(ready)
        yield store
    finally:
        weed.kill()
        remove_sockets(ports.values())
