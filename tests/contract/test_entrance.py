"""The one address in front of the services leads to every page and API of theirs, and to nothing else."""

import re
import shutil
import ssl
import uuid
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from fastapi.routing import iter_route_contexts

from escolta.runtime import find_services
from escolta.service import Platform
from servers.deployed import TLS, certificates
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
    server {
        listen 127.0.0.1:GRAFANA;
        return 200 "$http_cookie";
    }
}
"""


def nginx_program() -> str | None:
    return shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")


@pytest.fixture(scope="module")
def ports() -> list[int]:
    """Of the pages, of Grafana at the entrance, of Grafana itself, and of the health check."""
    return free_ports(4)


@pytest.fixture(scope="module")
async def entrance(
    tmp_path_factory: pytest.TempPathFactory, ports: list[int]
) -> AsyncIterator[httpx.AsyncClient]:
    """nginx with our paths; it says to which service it would hand a request over, as there are none.

    What stands in for Grafana says which cookies it was given.
    """
    program = found_or_installed(nginx_program, "nginx") or missing("nginx is absent: install it")
    folder, (port, dashboards_port, grafana_port, health_port) = tmp_path_factory.mktemp("nginx"), ports
    text, authority = ENTRANCE.read_text(), certificates(folder / "tls")
    assert HANDS_OVER in text
    (folder / "entrance.conf").write_text(
        text.replace(HANDS_OVER, 'return 200 "$service";')
        .replace("listen 8443 ssl;", f"listen 127.0.0.1:{port} ssl;")
        .replace("listen 8444 ssl;", f"listen 127.0.0.1:{dashboards_port} ssl;")
        .replace("proxy_pass http://$grafana:3000;", f"proxy_pass http://127.0.0.1:{grafana_port};")
        .replace(TLS, str(authority.parent / "entrance"))
        .replace("127.0.0.1:8081", f"127.0.0.1:{health_port}")
    )
    (folder / "nginx.conf").write_text(AROUND_IT.replace("GRAFANA", str(grafana_port)))
    command = [program, "-p", str(folder), "-c", str(folder / "nginx.conf")]
    server = ServerProcess(command, folder=folder, environment={})

    async def is_well() -> bool:
        try:
            return (await client.get(f"http://127.0.0.1:{health_port}")).status_code == 200
        except httpx.ConnectError:
            return False

    trusted = ssl.create_default_context(cafile=authority)
    async with httpx.AsyncClient(
        base_url=f"https://127.0.0.1:{port}", trust_env=False, timeout=120, verify=trusted
    ) as client:
        try:
            await server.until(is_well)
            yield client
        finally:
            await server.stop()


def routes(on: Platform) -> list[tuple[str, str]]:
    """Every service with every path that its router serves, the places in it filled in."""
    return [
        (service.name, re.sub(r"{.*?}", str(uuid.uuid4()), route.path or "/"))
        for service in (build(on) for build in find_services())
        if service.router
        for route in iter_route_contexts(service.router.routes)
    ]


async def test_each_page_and_api_is_handed_to_the_service_that_serves_it(
    entrance: httpx.AsyncClient, platform: Platform
):
    served = routes(platform)
    assert {service for service, _ in served} == {"al-engine", "embedder", "ingest", "label-gateway"}
    reached = [((await entrance.get(path)).text, path) for _, path in served]
    assert reached == served


def test_the_entrance_says_who_asks_whatever_they_say_of_themselves():
    text = ENTRANCE.read_text()
    assert text.count("proxy_pass") == text.count("proxy_set_header X-Forwarded-For $remote_addr;") == 2


async def test_grafana_hears_nothing_of_the_sessions_of_the_pages(
    entrance: httpx.AsyncClient, ports: list[int]
):
    cookies = {"Cookie": "escolta_session_1=sesame; grafana_session=its-own"}
    answer = await entrance.get(f"https://127.0.0.1:{ports[1]}/d/pipeline", headers=cookies)
    assert answer.text == "grafana_session=its-own; grafana_session_expiry="


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
