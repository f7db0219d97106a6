"""A program works with a schema that has what it needs; until then a service waits, and says for what."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import httpx
import pytest
from pydantic import SecretStr

from escolta import catalog, doctor
from escolta.catalog import migrate, open_catalog, why_unusable
from escolta.catalog.schema import Migration, shipped
from escolta.errors import Misconfigured
from escolta.runtime import joined, running
from escolta.service import Platform, Service
from escolta.settings import Settings
from servers.plain import NO_TLS
from servers.postgres import database
from system.deployments import ServiceProcess, free_port

PATIENCE_S = 240
ADDS = Migration("9001_adds.sql", "ALTER TABLE audio.audios ADD COLUMN loudness_db real;")


@pytest.fixture(autouse=True)
def _quickly(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(catalog, "SCHEMA_POLL_S", 0.05)


@pytest.fixture
async def empty_url(postgres_url: str) -> AsyncIterator[str]:
    """A database without any table."""
    async with database(postgres_url) as url:
        yield url


def a_service(_: Platform) -> Service:
    return Service("one")


def settings(url: str, folder: Path) -> Settings:
    return Settings(
        catalog_url=url,
        objects_url=f"file://{folder}",
        state_dir=folder,
        secret=SecretStr("a secret of the tests alone, long"),
        http_port=free_port(),
    )


async def test_a_service_waits_for_the_schema_says_so_and_goes_on_by_itself(empty_url, tmp_path, caplog):
    chosen = settings(empty_url, tmp_path)
    at = asyncio.Event()

    async def serve() -> None:
        async with running(chosen, [a_service]):
            at.set()
            await asyncio.Event().wait()

    service = asyncio.create_task(serve())
    url = f"http://127.0.0.1:{chosen.http_port}"
    async with (
        httpx.AsyncClient(base_url=url, trust_env=False, timeout=PATIENCE_S, verify=NO_TLS) as client,
        asyncio.timeout(PATIENCE_S),
    ):
        waiting = await until_answered(client, "/readyz")
        assert (waiting.status_code, waiting.json()) == (503, {"status": "waiting for the catalog's schema"})
        assert (await client.get("/healthz")).status_code == 200
        assert (await client.get("/batches")).status_code == 503
        assert "waiting until somebody runs `escolta migrate`: the catalog has no tables yet" in caplog.text
        assert not at.is_set()
        await migrate(empty_url)
        await at.wait()
        assert (await client.get("/readyz")).json() == {"status": "ready"}
    service.cancel()
    await asyncio.gather(service, return_exceptions=True)


async def test_a_service_that_waits_ends_when_it_is_told_to(empty_url, tmp_path):
    chosen = {"ESCOLTA_CATALOG_URL": empty_url, "ESCOLTA_HTTP_PORT": str(port := free_port())}
    log = tmp_path / "log"
    process = ServiceProcess("ingest", {**chosen, "ESCOLTA_STATE_DIR": str(tmp_path)}, log)
    process.start()
    async with httpx.AsyncClient(
        base_url=f"http://127.0.0.1:{port}", trust_env=False, timeout=PATIENCE_S, verify=NO_TLS
    ) as client:
        async with asyncio.timeout(PATIENCE_S):
            assert (await until_answered(client, "/readyz")).status_code == 503
    assert await asyncio.to_thread(process.end) == 0
    assert "Traceback" not in log.read_text()


async def until_answered(client: httpx.AsyncClient, path: str) -> httpx.Response:
    while True:
        try:
            return await client.get(path)
        except httpx.TransportError:
            await asyncio.sleep(0.05)


async def test_a_service_changes_nothing_in_a_schema_that_is_not_migrated(empty_url):
    with pytest.raises(Misconfigured, match="has no tables yet: run `escolta migrate`"):
        async with open_catalog(empty_url):
            pass
    connection = await asyncpg.connect(empty_url)
    assert await connection.fetchval("SELECT to_regclass('public.escolta_migrations')") is None
    await connection.close()


async def test_a_command_and_the_doctor_say_what_to_run(empty_url, tmp_path):
    await migrate(empty_url, shipped()[:-1])
    lacks = f"the catalog's schema lacks 1 migrations, {shipped()[-1].name} first"
    with pytest.raises(Misconfigured, match=f"{lacks}: run `escolta migrate`"):
        async with joined(settings(empty_url, tmp_path)):
            pass
    findings = {one.what: one.todo for one in await doctor.examine(settings(empty_url, tmp_path))}
    assert findings[lacks] == "run `escolta migrate`"


async def test_a_schema_that_has_more_is_used_as_before(catalog_url):
    await migrate(catalog_url, [*shipped(), ADDS])
    async with open_catalog(catalog_url) as pool:
        assert await pool.fetchval("SELECT count(*) FROM audio.audios") == 0


@pytest.mark.parametrize(("since", "usable"), [(shipped()[-1].name[:4], True), ("9001", False)])
async def test_a_schema_that_has_taken_something_away_serves_those_who_do_not_use_it(
    catalog_url, since, usable
):
    contract = Migration(
        "9004_contracts.sql",
        f"-- escolta: contracts since {since}\nALTER TABLE audio.node_status DROP COLUMN version;",
    )
    await migrate(catalog_url, [*shipped(), contract])
    if usable:
        async with open_catalog(catalog_url):
            return
    with pytest.raises(Misconfigured, match=r"9004_contracts.sql\): install a newer version"):
        async with open_catalog(catalog_url):
            pass


async def test_a_catalog_of_before_is_told_apart_and_migrated(empty_url):
    """Its list of migrations did not say yet what they take away."""
    await migrate(empty_url, shipped()[:-1])
    connection = await asyncpg.connect(empty_url)
    await connection.execute("ALTER TABLE public.escolta_migrations DROP COLUMN contracts_since")
    await connection.close()
    assert "lacks 1 migrations" in await why_unusable(empty_url)
    await migrate(empty_url)
    assert await why_unusable(empty_url) == ""
