"""The servers that a deployment stands on, as it is deployed: TLS alone, and an account for everybody.

What `make up` does is done with the same commands: `escolta tls`, `migrate`, `accounts` and `store`.
"""

import json
import os
import subprocess
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from servers.deployed import certificates
from servers.deployed_broker import deployed_broker
from servers.deployed_postgres import DeployedPostgres, deployed_postgres
from servers.deployed_store import DeployedStore, deployed_store
from servers.postgres import PASSWORDS
from system.deployments import ESCOLTA, Servers


@dataclass(frozen=True)
class DeployedServers(Servers):
    """Where each service signs in to the store as itself, too."""

    store: DeployedStore
    postgres: DeployedPostgres

    def objects_url_of(self, service: str) -> str:
        return self.store.url_of(service)


@asynccontextmanager
async def deployed_servers(folder: Path) -> AsyncIterator[DeployedServers]:
    """Private ones. As long as they are there, this process and those it starts trust their authority."""
    authority = certificates(folder / "tls")
    async with AsyncExitStack() as stack:
        trust = stack.enter_context(pytest.MonkeyPatch.context())
        for name in ("SSL_CERT_FILE", "PGSSLROOTCERT"):  # as docker-compose.yml has them
            trust.setenv(name, str(authority))
        postgres = await stack.enter_async_context(deployed_postgres(authority))
        store = await stack.enter_async_context(deployed_store(folder / "seaweedfs", authority))
        broker = await stack.enter_async_context(deployed_broker(folder / "rabbitmq", authority))
        rabbit = await stack.enter_async_context(broker.virtual_host())
        catalog = {"CATALOG_URL": postgres.url, "CATALOG_PASSWORDS": json.dumps(PASSWORDS)}
        _escolta("migrate", folder, catalog)
        _escolta("store", folder, {"OBJECTS_URL": store.url_of("operator")})
        yield DeployedServers(rabbit, postgres.url, store.url_of("operator"), store, postgres)


def _escolta(command: str, folder: Path, settings: dict[str, str]) -> None:
    environment = os.environ | {f"ESCOLTA_{name}": value for name, value in settings.items()}
    done = subprocess.run(
        [str(ESCOLTA), command], env=environment, cwd=folder, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
