"""What there is to watch of a process: its answers, its disks, its jobs."""

from pathlib import Path

import httpx
import pytest
from fastapi import APIRouter
from prometheus_client import CollectorRegistry
from pydantic import SecretStr

from escolta.app import make_app
from escolta.bus import open_bus
from escolta.clock import SystemClock
from escolta.metrics.process import Watched
from escolta.objects import open_objects
from escolta.runtime import running
from escolta.service import Every, Platform, Service
from escolta.settings import Settings


@pytest.fixture
def on(tmp_path: Path) -> Platform:
    settings = Settings(secret=SecretStr("of this test alone"), state_dir=tmp_path / "state" / "to be made")
    objects = open_objects(f"file://{tmp_path}")
    return Platform(settings, open_bus("memory://"), objects, SystemClock(), CollectorRegistry())


def routes() -> APIRouter:
    found = APIRouter()

    @found.get("/api/nodes/{name}/policy")
    async def policy(name: str) -> str:
        if name == "slip":
            raise ZeroDivisionError
        return name

    return found


async def answered(on: Platform, *requests: tuple[str, str]) -> dict[tuple[str, ...], float]:
    """Ask; then how many requests are counted by method, route and status."""
    app = make_app(on, [Service("one", router=routes())])
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://escolta") as client:
        for method, path in requests:
            await client.request(method, path)
    return {
        (sample.labels["method"], sample.labels["route"], sample.labels["status"]): sample.value
        for family in on.metrics.collect()
        for sample in family.samples
        if sample.name == "escolta_http_requests_total"
    }


async def test_requests_are_counted_by_the_template_of_their_path(on):
    counted = await answered(on, ("GET", "/api/nodes/quay-1/policy"), ("GET", "/api/nodes/quay-2/policy"))
    assert counted == {("GET", "/api/nodes/{name}/policy", "200"): 2}
    seconds = {"method": "GET", "route": "/api/nodes/{name}/policy"}
    assert on.metrics.get_sample_value("escolta_http_request_seconds_count", seconds) == 2


async def test_whatever_strangers_ask_for_makes_no_new_label(on):
    strange = [("GET", "/wp-admin"), ("GET", "/.env"), ("BREW", "/coffee"), ("BOIL", "/tea")]
    counted = await answered(on, *strange)
    assert counted == {("GET", "other", "404"): 2, ("other", "other", "404"): 2}


async def test_files_of_the_style_are_one_route(on):
    counted = await answered(on, ("GET", "/static/escolta.css"), ("GET", "/static/none.css"))
    assert {route for _, route, _ in counted} == {"/static"}


async def test_a_slip_of_ours_is_counted_as_a_500(on):
    counted = await answered(on, ("GET", "/api/nodes/slip/policy"))
    assert counted == {("GET", "/api/nodes/{name}/policy", "500"): 1}


def test_a_disk_is_told_of_a_folder_that_is_still_to_be_made(on):
    Watched(on, [Service("one")])
    free, size = (
        on.metrics.get_sample_value(f"escolta_disk_{which}_bytes", {"folder": "state"})
        for which in ("free", "size")
    )
    assert 0 < free <= size


@pytest.mark.parametrize(("uses", "folders"), [(True, {"state", "objects", "catalog"}), (False, {"state"})])
def test_a_disk_is_told_of_folders_that_the_process_uses(on, uses, folders):
    """A node in the field has neither catalog nor store, wherever they would be."""
    Watched(on, [Service("one", uses_catalog=uses)])
    [family] = [family for family in on.metrics.collect() if family.name == "escolta_disk_free_bytes"]
    assert {sample.labels["folder"] for sample in family.samples} == folders


async def test_a_process_tells_its_version_and_which_jobs_fail(tmp_path):
    tried = []

    async def look() -> None:
        tried.append(1)
        raise OSError(5, "Input/output error")

    def build(on: Platform) -> Service:
        return Service("one", jobs=[Every(60, look)], uses_catalog=False)

    settings = Settings(secret=SecretStr("of this test alone"), state_dir=tmp_path)
    async with running(settings, [build]) as (on, _):
        value = on.metrics.get_sample_value
        assert value("escolta_job_failures_total", {"component": "one", "task": "look"}) == len(tried) == 1
        [info] = [family for family in on.metrics.collect() if family.name == "escolta_build_info"]
        assert [sample.labels["component"] for sample in info.samples] == ["one"]
        assert value("escolta_catalog_pool_connections", {"state": "max"}) is None
