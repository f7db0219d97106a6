"""The one address in front of the services leads to every page and API of theirs, and to nothing else."""

import re
import shutil
import uuid
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from fastapi.routing import iter_route_contexts
from prometheus_client import CollectorRegistry
from pydantic import SecretStr

from escolta.bus import open_bus
from escolta.clock import SystemClock
from escolta.objects import open_objects
from escolta.runtime import find_services
from escolta.service import Platform
from escolta.settings import Settings
from servers.install import found_or_installed, missing
from servers.process import ServerProcess, free_ports

ENTRANCE = Path(__file__).parents[2] / "deploy/entrance.conf"
HANDS_OVER = "proxy_pass http://$service:8000;"
AROUND_IT = """daemon off;
pid nginx.pid;
error_log stderr;
events {}
http {
    client_body_temp_path body;
    proxy_temp_path proxy;
    fastcgi_temp_path fastcgi;
    uwsgi_temp_path uwsgi;
    scgi_temp_path scgi;
    include entrance.conf;
}
"""


def nginx_program() -> str | None:
    return shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")


@pytest.fixture(scope="module")
async def entrance(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[httpx.AsyncClient]:
    """nginx with our paths; it says to which service it would hand a request over, as there are none."""
    program = found_or_installed(nginx_program, "nginx") or missing("nginx is absent: install it")
    folder, (port, health_port) = tmp_path_factory.mktemp("nginx"), free_ports(2)
    text = ENTRANCE.read_text()
    assert HANDS_OVER in text
    (folder / "entrance.conf").write_text(
        text.replace(HANDS_OVER, 'return 200 "$service";')
        .replace("listen 8080;", f"listen 127.0.0.1:{port};")
        .replace("127.0.0.1:8081", f"127.0.0.1:{health_port}")
    )
    (folder / "nginx.conf").write_text(AROUND_IT)
    command = [program, "-p", str(folder), "-c", str(folder / "nginx.conf")]
    server = ServerProcess(command, folder=folder, environment={})

    async def is_well() -> bool:
        try:
            return (await client.get(f"http://127.0.0.1:{health_port}")).status_code == 200
        except httpx.ConnectError:
            return False

    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", trust_env=False) as client:
        try:
            await server.until(is_well)
            yield client
        finally:
            await server.stop()


def routes(folder: Path) -> list[tuple[str, str]]:
    """Every service with every path that its router serves, the places in it filled in."""
    on = Platform(
        Settings(secret=SecretStr("of this test alone"), state_dir=folder),
        open_bus("memory://"),
        open_objects(f"file://{folder}"),
        SystemClock(),
        CollectorRegistry(),
    )
    return [
        (service.name, re.sub(r"{.*?}", str(uuid.uuid4()), route.path or "/"))
        for service in (build(on) for build in find_services())
        if service.router
        for route in iter_route_contexts(service.router.routes)
    ]


async def test_each_page_and_api_is_handed_to_the_service_that_serves_it(
    entrance: httpx.AsyncClient, tmp_path: Path
):
    served = routes(tmp_path)
    assert {service for service, _ in served} == {"al-engine", "embedder", "ingest", "label-gateway"}
    reached = [((await entrance.get(path)).text, path) for _, path in served]
    assert reached == served


@pytest.mark.parametrize("path", ["/static/escolta.css", "/static/nav.js"])
async def test_the_style_of_the_pages_comes_from_the_gateway(entrance: httpx.AsyncClient, path: str):
    assert (await entrance.get(path)).text == "label-gateway"


@pytest.mark.parametrize(
    "path",
    [
        *("/metrics", "/healthz", "/readyz", "/%6detrics", "//metrics", "/metrics/"),
        *(
            "/label/../metrics",
            "/label/%2e%2e/metrics",
            "/label/..%2fmetrics",
            "/labels",
            "/api",
            "/api/mean",
        ),
    ],
)
async def test_probes_metrics_and_the_unknown_are_not_reachable(entrance: httpx.AsyncClient, path: str):
    url = httpx.URL(entrance.base_url).copy_with(raw_path=path.encode())
    answer = await entrance.get(url)
    assert answer.status_code == 404
