"""What every test may ask for: real servers. Private ones start, unless the environment names others.

postgres_url   a PostgreSQL server           ESCOLTA_TEST_CATALOG_URL; its user may make databases
catalog_url    a migrated database of this test, for its owner; `account(catalog_url, service)` for a service
s3_url         a bucket of this test         ESCOLTA_TEST_OBJECTS_URL, without a bucket
bat            a BAT of this test           a double, in a process of its own
rabbit         a virtual host of this test   ESCOLTA_TEST_AMQP_URL and ESCOLTA_TEST_MQTT_URL, for tests alone
chromium_path  a browser
"""

import os
import shutil
import tempfile
import uuid
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import hypothesis
import pytest

from escolta.catalog import migrate_server
from servers.bat.process import BatProcess, bat_at_work
from servers.chromium import PACKAGE as CHROMIUM
from servers.chromium import browser_program
from servers.install import found_or_installed, missing
from servers.memory import memory_folder
from servers.postgres import PASSWORDS, database, name_of, private_postgres
from servers.rabbit import Broker, Rabbit, private_broker
from servers.seaweed import bucket, seaweed

for variable in [name for name in os.environ if name.startswith("ESCOLTA_")]:
    if not variable.startswith("ESCOLTA_TEST_") and variable != "ESCOLTA_CACHE":
        del os.environ[variable]  # what is set for a deployment must not reach the tests


# Where it sees these, pytest looks for every difference when a comparison fails: of two vectors, for hours.
if os.environ.pop("CI", "") == "true":
    os.environ["ESCOLTA_TEST_CI"] = "true"  # for `servers.install`; the processes of the tests inherit it
os.environ.pop("BUILD_NUMBER", None)

# A busy machine is no reason to fail: how long an example takes is not what a test is about. Continuous
# integration tries the same examples each time: what chance finds is for those who can look into it.
hypothesis.settings.register_profile(
    "escolta",
    deadline=None,
    suppress_health_check=[hypothesis.HealthCheck.too_slow],
    derandomize=os.environ.get("ESCOLTA_TEST_CI") == "true",
)
hypothesis.settings.load_profile("escolta")


@pytest.fixture(scope="session")
def servers_folder() -> Iterator[Path]:
    """A short path: the sockets of servers lie below it."""
    folder = tempfile.mkdtemp(prefix="escolta-tests-")
    yield Path(folder)
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def quick_folder() -> Iterator[Path]:
    """The same in memory, where there is room."""
    with memory_folder() as folder:
        yield folder


@pytest.fixture(scope="session")
async def postgres_url(quick_folder: Path) -> AsyncIterator[str]:
    if given := os.environ.get("ESCOLTA_TEST_CATALOG_URL"):
        yield given
    else:
        async with private_postgres(quick_folder / "postgres") as url:
            yield url


@pytest.fixture(scope="session")
async def migrated_template(postgres_url: str) -> AsyncIterator[str]:
    """The name of a database that nobody but `catalog_url` uses."""
    async with database(postgres_url) as url:
        await migrate_server(url, PASSWORDS, say=lambda _: None)
        yield name_of(url)


@pytest.fixture
async def catalog_url(postgres_url: str, migrated_template: str) -> AsyncIterator[str]:
    async with database(postgres_url, template=migrated_template) as url:
        yield url


@pytest.fixture(scope="session")
async def s3_store(quick_folder: Path) -> AsyncIterator[str]:
    if given := os.environ.get("ESCOLTA_TEST_OBJECTS_URL"):
        yield given
    else:
        async with seaweed(quick_folder / "seaweed") as url:
            yield url


@pytest.fixture
def s3_url(s3_store: str) -> Iterator[str]:
    """A bucket that does not exist yet; it is removed with what is in it."""
    with bucket(s3_store, f"test-{uuid.uuid4().hex[:8]}") as url:
        yield url


@pytest.fixture(scope="session")
async def rabbit_broker(quick_folder: Path) -> AsyncIterator[Broker | None]:
    if "ESCOLTA_TEST_AMQP_URL" in os.environ:
        yield None
    else:
        async with private_broker(quick_folder / "rabbit") as broker:
            yield broker


@pytest.fixture
async def rabbit(rabbit_broker: Broker | None) -> AsyncIterator[Rabbit]:
    if rabbit_broker is None:
        yield Rabbit(os.environ["ESCOLTA_TEST_AMQP_URL"], os.environ["ESCOLTA_TEST_MQTT_URL"])
    else:
        async with rabbit_broker.virtual_host() as rabbit:
            yield rabbit


@pytest.fixture(scope="session")
async def bat_process(servers_folder: Path) -> AsyncIterator[BatProcess]:
    async with bat_at_work(servers_folder / "bat") as bat:
        yield bat


@pytest.fixture
async def bat(bat_process: BatProcess) -> BatProcess:
    await bat_process.be_as_new()
    return bat_process


@pytest.fixture(scope="session")
def chromium_path() -> str:
    found = found_or_installed(browser_program, CHROMIUM)
    return found or missing(f"A browser is absent: install {CHROMIUM}")
